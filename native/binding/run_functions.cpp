#include "binding/errors.hpp"
#include "binding/functions.hpp"
#include "binding/nuclei_options.hpp"
#include "binding/task.hpp"

namespace histojet::binding {

namespace {

pipeline::SegmentSlideOptions slide_options(const convert::Options& options) {
  pipeline::SegmentSlideOptions segment;
  segment.postprocess = postprocess_options(options);
  if (options.has("minAreaUm2")) segment.min_area_um2 = options.number("minAreaUm2");
  segment.mpp = options.number("mpp", 0);
  segment.stain = convert::stain(options.text("stain", "he"));
  segment.measure = options.boolean("measure");
  if (options.has("region")) segment.region = convert::rect(convert::Options(options.get("region")));
  if (options.has("tissueMask")) {
    segment.tissue = convert::tissue_mask(convert::Options(options.get("tissueMask")));
  }
  segment.find_tissue = options.boolean("findTissue");
  segment.min_tissue = options.number("minTissue", segment.min_tissue);
  segment.tile_size = options.integer("tileSize", segment.tile_size);
  segment.threads = static_cast<int>(options.integer("threads", 0));
  segment.max_memory_bytes = options.integer("maxMemoryBytes", 0);
  if (options.has("checkpointDir")) {
    segment.checkpoint_folder = options.text("checkpointDir");
    segment.checkpoint_key = options.text("checkpointKey");
  }
  return segment;
}

/// (model, slide, options) → run handle
Napi::Value start_run(const Napi::CallbackInfo& info) {
  auto state = std::make_shared<RunState>();
  const CancelToken token(state->cancel.flag(), gate_of(info.Env())->ending());
  state->run = get<const NucleiModel>(info[0])->segment_slide(*get<const Slide>(info[1]),
                                                              slide_options(convert::Options(info[2])), token);
  return make_handle<const RunState>(info.Env(), std::move(state), 0);
}

Napi::Value step_to_js(Napi::Env env, pipeline::Step step) {
  if (step.failure) std::rethrow_exception(step.failure);
  auto object = Napi::Object::New(env);
  object.Set("windowsDone", static_cast<double>(step.progress.windows_done));
  object.Set("windowsTotal", static_cast<double>(step.progress.windows_total));
  object.Set("windowsRestored", static_cast<double>(step.progress.windows_restored));
  object.Set("nuclei", static_cast<double>(step.progress.nuclei));
  if (step.batch) {
    NucleiResult result;
    result.list = std::move(*step.batch);
    object.Set("batch", nuclei_handle(env, std::move(result)));
  }
  return object;
}

/// (run) → { windowsDone, windowsTotal, windowsRestored, nuclei, batch? }; no batch: the end
Napi::Value next_batch(const Napi::CallbackInfo& info) {
  return defer<pipeline::Step>(
      info,
      [state = get<const RunState>(info[0])](std::function<void(pipeline::Step)> done) {
        state->run->next(std::move(done));
      },
      step_to_js);
}

Napi::Value stop_run(const Napi::CallbackInfo& info) {
  get<const RunState>(info[0])->run->stop();
  return info.Env().Undefined();
}

Napi::Value run_warnings(const Napi::CallbackInfo& info) {
  return convert::strings(info.Env(), get<const RunState>(info[0])->run->warnings());
}

}  // namespace

void export_run(Napi::Env env, Napi::Object exports) {
  export_function<start_run>(env, exports, "runStart");
  export_function<next_batch>(env, exports, "runNext");
  export_function<stop_run>(env, exports, "runStop");
  export_function<run_warnings>(env, exports, "runWarnings");
}

}  // namespace histojet::binding
