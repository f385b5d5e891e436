#include "binding/convert.hpp"
#include "binding/errors.hpp"
#include "binding/functions.hpp"
#include "binding/precision_option.hpp"
#include "binding/task.hpp"

namespace histojet::binding {

namespace {

tokens::LayerOptions layer_options(const Napi::Value& precision) {
  tokens::LayerOptions options;
  options.precision = precision_named(convert::text(precision));
  return options;
}

std::array<float, 3> three_numbers(const Napi::Value& value) {
  const auto array = value.As<Napi::Array>();
  std::array<float, 3> numbers;
  for (std::uint32_t c = 0; c < 3; ++c) numbers[c] = array.Get(c).ToNumber().FloatValue();
  return numbers;
}

/// { mean?, std? }
PixelScale pixel_scale(const convert::Options& given) {
  PixelScale scale;
  if (given.has("mean")) scale.mean = three_numbers(given.get("mean"));
  if (given.has("std")) scale.std = three_numbers(given.get("std"));
  return scale;
}

/// A promise of a handle to what `work(dict)` makes.
template <class Model, class Work>
Napi::Value load(const Napi::CallbackInfo& info, Work work) {
  return spawn(
      info, cancel_flag(info[3]),
      [dict = get<const weights::StateDict>(info[0]), work = std::move(work)](const CancelToken&) {
        return std::make_shared<const Model>(work(dict));
      },
      [](Napi::Env env, std::shared_ptr<const Model> model) {
        const std::int64_t bytes = model->info().memory_bytes;
        return make_handle(env, std::move(model), bytes);
      });
}

using Dict = std::shared_ptr<const weights::StateDict>;

/// (weights, precision, { divideOut, middleToken, lastToken, stride?, mean?, std? }, cancel) → handle
Napi::Value load_vision_mamba(const Napi::CallbackInfo& info) {
  const convert::Options given(info[2]);
  models::VisionMambaOptions options;
  options.layers = layer_options(info[1]);
  options.divide_out = given.boolean("divideOut");
  options.class_token = given.boolean("middleToken") ? models::ClassToken::kMiddle : models::ClassToken::kFirst;
  options.pooling = given.boolean("lastToken") ? models::TokenPooling::kLast : models::TokenPooling::kMean;
  if (given.has("stride")) options.stride = given.integer("stride");
  return load<PictureModel>(info, [options, scale = pixel_scale(given)](const Dict& dict) {
    return PictureModel::load_vision_mamba(dict, options, scale);
  });
}

tokens::CrossScan cross_scan(const std::string& name) {
  if (name == "unidirectional") return tokens::CrossScan::kUnidirectional;
  if (name == "bidirectional") return tokens::CrossScan::kBidirectional;
  return tokens::CrossScan::kCross;
}

/// (weights, precision, { scan: "cross" | "unidirectional" | "bidirectional", gateSilu, outGelu, mean?, std? }, cancel)
/// → handle
Napi::Value load_vmamba(const Napi::CallbackInfo& info) {
  const convert::Options given(info[2]);
  models::VMambaOptions options;
  options.layers = layer_options(info[1]);
  options.scan = cross_scan(given.text("scan"));
  options.gate_silu = given.boolean("gateSilu");
  options.out_gelu = given.boolean("outGelu");
  return load<PictureModel>(info, [options, scale = pixel_scale(given)](const Dict& dict) {
    return PictureModel::load_vmamba(dict, options, scale);
  });
}

models::MilMixer mixer_named(const std::string& name) {
  if (name == "Mamba") return models::MilMixer::kMamba;
  if (name == "2DMamba") return models::MilMixer::kScan2d;
  return name == "BiMamba" ? models::MilMixer::kBiMamba : models::MilMixer::kSrMamba;
}

/// (weights, precision, { type: "Mamba" | "BiMamba" | "SRMamba" | "2DMamba", rate, gelu?, survival, patchSize,
/// maxWidth?, maxHeight? }, cancel) → handle
Napi::Value load_mamba_mil(const Napi::CallbackInfo& info) {
  const convert::Options given(info[2]);
  models::MambaMilOptions options;
  options.layers = layer_options(info[1]);
  options.mixer = mixer_named(given.text("type"));
  options.rate = given.integer("rate");
  if (given.has("gelu")) {
    options.activation = given.boolean("gelu") ? models::MilActivation::kGelu : models::MilActivation::kRelu;
  }
  options.survival = given.boolean("survival");
  options.grid = {.patch_size_px = given.integer("patchSize"),
                  .max_width_px = given.integer("maxWidth", 0),
                  .max_height_px = given.integer("maxHeight", 0)};
  return load<MambaMilModel>(info, [options](const Dict& dict) { return MambaMilModel::load(dict, options); });
}

Napi::Object info_to_js(Napi::Env env, const models::TokenNetworkInfo& network, std::int64_t outputs) {
  auto object = Napi::Object::New(env);
  object.Set("config", convert::name_value_list(env, network.config));
  object.Set("isa", network.isa);
  object.Set("precision", network.precision);
  object.Set("parameters", static_cast<double>(network.parameters));
  object.Set("memoryBytes", static_cast<double>(network.memory_bytes));
  object.Set("outputs", static_cast<double>(outputs));
  return object;
}

/// (model) → { config: names and JSON values in turn, isa, precision, parameters, memoryBytes, outputs }
Napi::Value describe_picture_model(const Napi::CallbackInfo& info) {
  const auto model = get<const PictureModel>(info[0]);
  return info_to_js(info.Env(), model->info(), model->num_classes());
}

Napi::Value describe_mamba_mil(const Napi::CallbackInfo& info) {
  const auto model = get<const MambaMilModel>(info[0]);
  return info_to_js(info.Env(), model->info(), model->config().num_classes);
}

Napi::Value predictions_to_js(Napi::Env env, std::vector<PicturePrediction> predictions) {
  auto array = Napi::Array::New(env, predictions.size());
  for (std::uint32_t i = 0; i < array.Length(); ++i) {
    PicturePrediction& prediction = predictions[i];
    auto object = Napi::Object::New(env);
    object.Set("features", convert::typed_array(env, std::move(prediction.features)));
    object.Set("logits", convert::typed_array(env, std::move(prediction.logits)));
    object.Set("probabilities", convert::typed_array(env, std::move(prediction.probabilities)));
    array.Set(i, object);
  }
  return array;
}

/// (model, array of pictures | tensor, threads, cancel) → [{ features, logits, probabilities }]
Napi::Value predict_pictures(const Napi::CallbackInfo& info) {
  const auto model = get<const PictureModel>(info[0]);
  const int threads = info[2].ToNumber().Int32Value();
  if (!info[1].IsArray()) {
    return spawn(
        info, cancel_flag(info[3]),
        [model, threads, pictures = get<const Tensor>(info[1])](const CancelToken& cancel) {
          return model->predict(*pictures, threads, cancel);
        },
        predictions_to_js);
  }
  const auto array = info[1].As<Napi::Array>();
  std::vector<Image> images;
  for (std::uint32_t i = 0; i < array.Length(); ++i) images.push_back(convert::image(array.Get(i)));
  return spawn(
      info, cancel_flag(info[3]),
      [model, threads, images = std::move(images)](const CancelToken& cancel) mutable {
        for (Image& image : images) image = composite_on_white(std::move(image));
        return model->predict(images, threads, cancel);
      },
      predictions_to_js);
}

Napi::Value mil_prediction_to_js(Napi::Env env, MilPrediction prediction) {
  auto object = Napi::Object::New(env);
  object.Set("features", convert::typed_array(env, std::move(prediction.features)));
  object.Set("logits", convert::typed_array(env, std::move(prediction.logits)));
  object.Set("attention", convert::typed_array(env, std::move(prediction.attention)));
  object.Set("emptyAttention", prediction.empty_attention);
  object.Set("probabilities", convert::typed_array(env, std::move(prediction.head.probabilities)));
  object.Set("hazards", convert::typed_array(env, std::move(prediction.head.hazards)));
  object.Set("survival", convert::typed_array(env, std::move(prediction.head.survival)));
  object.Set("risk", prediction.head.risk);
  return object;
}

/// (model, tensor [tiles, values], threads, cancel, tensor of coordinates [tiles, 2]?) → { features, logits, attention,
/// emptyAttention, probabilities, hazards, survival, risk }
Napi::Value predict_mamba_mil(const Napi::CallbackInfo& info) {
  return spawn(
      info, cancel_flag(info[3]),
      [model = get<const MambaMilModel>(info[0]), features = get<const Tensor>(info[1]),
       coordinates = info[4].IsUndefined() ? nullptr : get<const Tensor>(info[4]),
       threads = info[2].ToNumber().Int32Value()](const CancelToken& cancel) {
        return model->predict(*features, threads, cancel, coordinates.get());
      },
      mil_prediction_to_js);
}

}  // namespace

void export_token_models(Napi::Env env, Napi::Object exports) {
  export_function<load_vision_mamba>(env, exports, "visionMambaLoad");
  export_function<load_vmamba>(env, exports, "vmambaLoad");
  export_function<describe_picture_model>(env, exports, "pictureModelInfo");
  export_function<predict_pictures>(env, exports, "pictureModelPredict");
  export_function<close_handle<const PictureModel>>(env, exports, "pictureModelClose");
  export_function<load_mamba_mil>(env, exports, "mambaMilLoad");
  export_function<describe_mamba_mil>(env, exports, "mambaMilInfo");
  export_function<predict_mamba_mil>(env, exports, "mambaMilPredict");
  export_function<close_handle<const MambaMilModel>>(env, exports, "mambaMilClose");
}

}  // namespace histojet::binding
