#include "binding/convert.hpp"
#include "binding/errors.hpp"
#include "binding/functions.hpp"
#include "binding/progress.hpp"
#include "binding/task.hpp"

namespace histojet::binding {

namespace {

Napi::Array clusters_of(Napi::Env env, const std::vector<slide::TrueCluster>& clusters) {
  auto array = Napi::Array::New(env, clusters.size());
  for (std::size_t i = 0; i < clusters.size(); ++i) {
    auto object = Napi::Object::New(env);
    object.Set("kind", slide::synthetic_cluster_kinds()[static_cast<std::size_t>(clusters[i].kind)]);
    object.Set("x", clusters[i].x);
    object.Set("y", clusters[i].y);
    object.Set("radiusPx", clusters[i].radius_px);
    array.Set(static_cast<std::uint32_t>(i), object);
  }
  return array;
}

/// (path, { width, height, seed, mpp, tissue, repeat, grade }, truth path or "", progress | undefined, cancel)
/// → { nuclei, fileBytes, clusters }
Napi::Value synthesize_slide(const Napi::CallbackInfo& info) {
  const convert::Options options(info[1]);
  slide::SyntheticParams params;
  params.width = options.integer("width");
  params.height = options.integer("height");
  params.seed = static_cast<std::uint64_t>(options.integer("seed"));
  params.mpp = options.number("mpp", params.mpp);
  params.tissue = options.number("tissue", params.tissue);
  params.repeat = options.boolean("repeat");
  params.grade = static_cast<int>(options.integer("grade", slide::kNoGrade));
  const auto progress = ProgressChannel::open(info[3]);
  return spawn(
      info, cancel_flag(info[4]),
      [path = convert::text(info[0]), params, truth = convert::text(info[2]), report = progress_callback(progress)](
          const CancelToken& cancel) { return slide::write_synthetic_slide(path, params, truth, report, cancel); },
      [progress](Napi::Env env, const slide::SyntheticResult& result) {
        auto object = Napi::Object::New(env);
        object.Set("nuclei", static_cast<double>(result.nuclei));
        object.Set("fileBytes", static_cast<double>(result.file_bytes));
        object.Set("clusters", clusters_of(env, result.clusters));
        return object;
      });
}

Napi::Value kinds(const Napi::CallbackInfo& info) {
  return convert::strings(info.Env(), slide::synthetic_kinds());
}

}  // namespace

void export_synthetic(Napi::Env env, Napi::Object exports) {
  export_function<synthesize_slide>(env, exports, "synthesizeSlide");
  export_function<kinds>(env, exports, "syntheticKinds");
}

}  // namespace histojet::binding
