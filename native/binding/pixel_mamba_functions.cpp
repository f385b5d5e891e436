#include "binding/convert.hpp"
#include "binding/errors.hpp"
#include "binding/functions.hpp"
#include "binding/pixel_mamba_input.hpp"
#include "binding/precision_option.hpp"
#include "binding/task.hpp"

namespace histojet::binding {

namespace {

/// (weights, precision, configuration as JSON or undefined, cancel) → handle
Napi::Value load(const Napi::CallbackInfo& info) {
  tokens::LayerOptions options;
  options.precision = precision_named(convert::text(info[1]));
  std::optional<std::string> config;
  if (!info[2].IsUndefined()) config = convert::text(info[2]);
  return spawn(
      info, cancel_flag(info[3]),
      [dict = get<const weights::StateDict>(info[0]), options, config = std::move(config)](const CancelToken&) {
        return std::make_shared<const PixelMambaModel>(PixelMambaModel::load(dict, options, config));
      },
      [](Napi::Env env, std::shared_ptr<const PixelMambaModel> model) {
        const std::int64_t bytes = model->network().memory_bytes();
        return make_handle(env, std::move(model), bytes);
      });
}

/// (model) → { config, isa, … }
Napi::Value describe(const Napi::CallbackInfo& info) {
  const auto model = get<const PixelMambaModel>(info[0]);
  const models::PixelMamba& network = model->network();
  auto object = Napi::Object::New(info.Env());
  object.Set("config", models::pixel_mamba_json(network.config()));
  object.Set("isa", std::string(isa_name(network.isa())));
  object.Set("precision", std::string(models::precision_name(network.precision())));
  object.Set("parameters", static_cast<double>(network.parameters()));
  object.Set("memoryBytes", static_cast<double>(network.memory_bytes()));
  object.Set("mpp", network.config().mpp);
  object.Set("head", models::head_name(network.config().head));
  object.Set("labels", convert::strings(info.Env(), network.config().labels));
  return object;
}

/// (model, input, { threads, storeBytes?, spillDir? }, progress or undefined, cancel) → prediction
Napi::Value predict(const Napi::CallbackInfo& info) {
  const auto channel = ProgressChannel::open(info[3]);
  const models::PixelMambaRunOptions options = run_options(convert::Options(info[2]), channel);
  return spawn(
      info, cancel_flag(info[4]),
      [model = get<const PixelMambaModel>(info[0]), input = pixel_mamba_input(convert::Options(info[1])),
       options](const CancelToken& cancel) mutable {
        if (input.slide) return model->predict(*input.slide, input.part, options, cancel);
        return model->predict(composite_on_white(std::move(input.picture)), options, cancel);
      },
      [channel](Napi::Env env, PixelMambaPrediction prediction) {
        return prediction_to_js(env, std::move(prediction));
      });
}

}  // namespace

void export_pixel_mamba(Napi::Env env, Napi::Object exports) {
  export_function<load>(env, exports, "pixelMambaLoad");
  export_function<describe>(env, exports, "pixelMambaInfo");
  export_function<predict>(env, exports, "pixelMambaPredict");
  export_function<close_handle<const PixelMambaModel>>(env, exports, "pixelMambaClose");
}

}  // namespace histojet::binding
