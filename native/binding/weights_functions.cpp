#include "binding/convert.hpp"
#include "binding/errors.hpp"
#include "binding/functions.hpp"
#include "binding/task.hpp"

namespace histojet::binding {

namespace {

/// What an open checkpoint weighs: its table; tensors are read when asked for.
constexpr std::int64_t kWeightsBytes = 64 << 10;

using StateDict = weights::StateDict;

/// (path, opaque globals, cancel) → handle
Napi::Value open_weights(const Napi::CallbackInfo& info) {
  weights::OpenOptions options;
  options.opaque_globals = info[1].ToBoolean();
  return spawn(
      info, cancel_flag(info[2]),
      [path = convert::text(info[0]), options](const CancelToken&) { return StateDict::open(path, options); },
      [](Napi::Env env, std::shared_ptr<const StateDict> dict) { return make_handle(env, dict, kWeightsBytes); });
}

/// (weights) → { path, format, names, metadata }
Napi::Value describe_weights(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const auto dict = get<const StateDict>(info[0]);
  auto object = Napi::Object::New(env);
  object.Set("path", dict->path());
  object.Set("format", dict->format());
  object.Set("names", convert::strings(env, dict->names()));
  object.Set("metadata", convert::name_value_list(env, dict->metadata()));
  return object;
}

/// (weights, name) → { dtype, shape }
Napi::Value describe_entry(const Napi::CallbackInfo& info) {
  const auto& entry = get<const StateDict>(info[0])->entry(convert::text(info[1]));
  auto object = Napi::Object::New(info.Env());
  object.Set("dtype", std::string(dtype_name(entry.dtype)));
  auto shape = Napi::Array::New(info.Env(), entry.shape.size());
  for (std::uint32_t i = 0; i < entry.shape.size(); ++i) shape.Set(i, static_cast<double>(entry.shape[i]));
  object.Set("shape", shape);
  return object;
}

/// (weights, name, cancel) → tensor handle
Napi::Value read_tensor(const Napi::CallbackInfo& info) {
  return spawn(
      info, cancel_flag(info[2]),
      [dict = get<const StateDict>(info[0]), name = convert::text(info[1])](const CancelToken&) {
        return std::make_shared<const Tensor>(dict->get(name));
      },
      [](Napi::Env env, std::shared_ptr<const Tensor> tensor) {
        const auto bytes = static_cast<std::int64_t>(tensor->byte_size());
        return make_handle(env, std::move(tensor), bytes);
      });
}

/// (weights, cancel) → "sha256:…"
Napi::Value digest(const Napi::CallbackInfo& info) {
  return spawn(
      info, cancel_flag(info[1]), [dict = get<const StateDict>(info[0])](const CancelToken&) { return dict->sha256(); },
      [](Napi::Env env, std::string text) { return Napi::String::New(env, text); });
}

}  // namespace

void export_weights(Napi::Env env, Napi::Object exports) {
  export_function<open_weights>(env, exports, "weightsOpen");
  export_function<describe_weights>(env, exports, "weightsInfo");
  export_function<describe_entry>(env, exports, "weightsEntry");
  export_function<read_tensor>(env, exports, "weightsGet");
  export_function<digest>(env, exports, "weightsSha256");
  export_function<close_handle<const StateDict>>(env, exports, "weightsClose");
}

}  // namespace histojet::binding
