#include "binding/pixel_mamba_input.hpp"

namespace histojet::binding {

PixelMambaInput pixel_mamba_input(const convert::Options& options) {
  PixelMambaInput input;
  if (!options.has("slide")) {
    input.picture = convert::image(options.get("image"));
    return input;
  }
  input.slide = get<const Slide>(options.get("slide"));
  if (options.has("region")) input.part.region = convert::rect(convert::Options(options.get("region")));
  if (options.has("findTissue")) input.part.find_tissue = options.boolean("findTissue");
  if (options.has("tissueMask")) {
    input.part.tissue = convert::tissue_mask(convert::Options(options.get("tissueMask")));
  }
  if (options.has("minTissue")) input.part.min_tissue = options.number("minTissue");
  return input;
}

std::function<void(const models::PixelMambaProgress&)> stage_progress(const std::shared_ptr<ProgressChannel>& channel) {
  if (!channel) return {};
  return [channel](const models::PixelMambaProgress& progress) {
    channel->report(progress.done, progress.total, progress.stage);
  };
}

models::PixelMambaRunOptions run_options(const convert::Options& given,
                                         const std::shared_ptr<ProgressChannel>& channel) {
  models::PixelMambaRunOptions options;
  options.threads = static_cast<int>(given.integer("threads", 0));
  options.store_bytes = given.integer("storeBytes", options.store_bytes);
  options.spill_folder = given.text("spillDir", "");
  options.progress = stage_progress(channel);
  return options;
}

Napi::Value prediction_to_js(Napi::Env env, PixelMambaPrediction prediction) {
  models::PixelMambaResult& result = prediction.result;
  auto object = Napi::Object::New(env);
  object.Set("features", convert::typed_array(env, std::move(result.features)));
  object.Set("logits", convert::typed_array(env, std::move(result.logits)));
  object.Set("probabilities", convert::typed_array(env, std::move(result.head.probabilities)));
  object.Set("above", convert::typed_array(env, std::move(result.head.above)));
  object.Set("hazards", convert::typed_array(env, std::move(result.head.hazards)));
  object.Set("survival", convert::typed_array(env, std::move(result.head.survival)));
  object.Set("risk", result.head.risk);
  object.Set("values", convert::typed_array(env, std::move(result.head.values)));
  object.Set("regions", static_cast<double>(result.regions));
  object.Set("regionsSkipped", static_cast<double>(result.regions_skipped));
  object.Set("tokensPooled", static_cast<double>(result.tokens_pooled));
  object.Set("spilledBytes", static_cast<double>(result.spilled_bytes));
  object.Set("warnings", convert::strings(env, prediction.warnings));
  return object;
}

}  // namespace histojet::binding
