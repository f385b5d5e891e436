#include "binding/convert.hpp"
#include "binding/errors.hpp"
#include "binding/functions.hpp"
#include "binding/precision_option.hpp"
#include "binding/progress.hpp"
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

/// What is looked at: a picture, or a part of a slide.
struct Input {
  std::shared_ptr<const Slide> slide;  ///< null: `picture`
  pipeline::SlideRegionsOptions part;
  Image picture;
};

/// { image } | { slide, region?, findTissue?, tissueMask?, minTissue? }
Input input_of(const convert::Options& options) {
  Input input;
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

/// The callback that the core takes: empty for a null channel.
std::function<void(const models::PixelMambaProgress&)> stage_progress(const std::shared_ptr<ProgressChannel>& channel) {
  if (!channel) return {};
  return [channel](const models::PixelMambaProgress& progress) {
    channel->report(progress.done, progress.total, progress.stage);
  };
}

/// (model, input, { threads, storeBytes?, spillDir? }, progress or undefined, cancel) → prediction
Napi::Value predict(const Napi::CallbackInfo& info) {
  const convert::Options given(info[2]);
  models::PixelMambaRunOptions options;
  options.threads = static_cast<int>(given.integer("threads", 0));
  options.store_bytes = given.integer("storeBytes", options.store_bytes);
  options.spill_folder = given.text("spillDir", "");
  const auto channel = ProgressChannel::open(info[3]);
  options.progress = stage_progress(channel);
  return spawn(
      info, cancel_flag(info[4]),
      [model = get<const PixelMambaModel>(info[0]), input = input_of(convert::Options(info[1])),
       options](const CancelToken& cancel) mutable {
        if (input.slide) return model->predict(*input.slide, input.part, options, cancel);
        return model->predict(composite_on_white(std::move(input.picture)), options, cancel);
      },
      [channel](Napi::Env env, PixelMambaPrediction prediction) {
        return prediction_to_js(env, std::move(prediction));
      });
}

explain::Weighting weighting_named(const std::string& name) {
  if (name == "attention") return explain::Weighting::kAttention;
  return name == "channels" ? explain::Weighting::kChannels : explain::Weighting::kContribution;
}

explain::AttributionOptions attribution_options(const convert::Options& given) {
  explain::AttributionOptions options;
  options.output = given.integer("output", options.output);
  options.token_px = given.integer("tokenPx", options.token_px);
  options.local_px = given.integer("localPx", options.local_px);
  if (given.boolean("signed")) options.sign = explain::Sign::kSigned;
  options.weighting = weighting_named(given.text("weighting"));
  options.memory_bytes = given.integer("mapBytes", options.memory_bytes);
  options.store_bytes = given.integer("storeBytes", options.store_bytes);
  options.spill_folder = given.text("spillDir", "");
  options.threads = static_cast<int>(given.integer("threads", 0));
  return options;
}

Napi::Value map_to_js(Napi::Env env, explain::RelevanceMap map) {
  auto object = Napi::Object::New(env);
  object.Set("stage", static_cast<double>(map.stage));
  object.Set("tokenPx", static_cast<double>(map.token_px));
  object.Set("width", static_cast<double>(map.columns));
  object.Set("height", static_cast<double>(map.rows));
  object.Set("values", convert::typed_array(env, std::move(map.values)));
  object.Set("local", convert::typed_array(env, std::move(map.local)));
  object.Set("min", map.min);
  object.Set("max", map.max);
  object.Set("sum", map.sum);
  object.Set("localShare", map.local_share);
  return object;
}

Napi::Value attribution_to_js(Napi::Env env, PixelMambaAttribution found) {
  auto maps = Napi::Array::New(env, found.attribution.maps.size());
  for (std::uint32_t i = 0; i < maps.Length(); ++i) maps.Set(i, map_to_js(env, std::move(found.attribution.maps[i])));
  auto object = Napi::Object::New(env);
  object.Set("maps", maps);
  object.Set("total", found.attribution.total);
  object.Set("part", convert::rect(env, found.part));
  object.Set("scaleX", found.scale_x);
  object.Set("scaleY", found.scale_y);
  object.Set("prediction", prediction_to_js(env, {std::move(found.attribution.result), std::move(found.warnings)}));
  return object;
}

/// (model, input, { output?, tokenPx?, localPx?, signed, mapBytes?, storeBytes?, spillDir?, threads }, progress or
/// undefined, cancel) → { prediction, maps, total, part, scaleX, scaleY }
Napi::Value attribute(const Napi::CallbackInfo& info) {
  explain::AttributionOptions options = attribution_options(convert::Options(info[2]));
  const auto channel = ProgressChannel::open(info[3]);
  options.progress = stage_progress(channel);
  return spawn(
      info, cancel_flag(info[4]),
      [model = get<const PixelMambaModel>(info[0]), input = input_of(convert::Options(info[1])),
       options](const CancelToken& cancel) mutable {
        if (input.slide) return model->attribute(*input.slide, input.part, options, cancel);
        return model->attribute(composite_on_white(std::move(input.picture)), options, cancel);
      },
      [channel](Napi::Env env, PixelMambaAttribution found) { return attribution_to_js(env, std::move(found)); });
}

}  // namespace

void export_pixel_mamba(Napi::Env env, Napi::Object exports) {
  export_function<load>(env, exports, "pixelMambaLoad");
  export_function<describe>(env, exports, "pixelMambaInfo");
  export_function<predict>(env, exports, "pixelMambaPredict");
  export_function<attribute>(env, exports, "pixelMambaAttribute");
  export_function<close_handle<const PixelMambaModel>>(env, exports, "pixelMambaClose");
}

}  // namespace histojet::binding
