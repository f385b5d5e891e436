#include "binding/errors.hpp"
#include "binding/functions.hpp"
#include "binding/pixel_mamba_input.hpp"
#include "binding/task.hpp"

namespace histojet::binding {

namespace {

explain::Weighting weighting_named(const std::string& name) {
  if (name == "attention") return explain::Weighting::kAttention;
  return name == "channels" ? explain::Weighting::kChannels : explain::Weighting::kContribution;
}

/// A number, "features" or "predicted".
std::int64_t output_of(const convert::Options& given) {
  if (given.get("target").IsNumber()) return given.integer("target");
  return given.text("target") == "features" ? explain::kNoOutput : explain::kPredictedOutput;
}

explain::AttributionOptions attribution_options(const convert::Options& given,
                                                const std::shared_ptr<ProgressChannel>& channel) {
  models::PixelMambaRunOptions run = run_options(given, channel);
  explain::AttributionOptions options;
  options.output = output_of(given);
  options.token_px = given.integer("tokenPx", options.token_px);
  options.local_px = given.integer("localPx", options.local_px);
  if (given.boolean("signed")) options.sign = explain::Sign::kSigned;
  options.weighting = weighting_named(given.text("weighting"));
  options.memory_bytes = given.integer("mapBytes", options.memory_bytes);
  options.store_bytes = run.store_bytes;
  options.spill_folder = std::move(run.spill_folder);
  options.threads = run.threads;
  options.progress = std::move(run.progress);
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
  object.Set("output", static_cast<double>(found.attribution.output));
  object.Set("total", found.attribution.total);
  object.Set("part", convert::rect(env, found.part));
  object.Set("scaleX", found.scale_x);
  object.Set("scaleY", found.scale_y);
  object.Set("prediction", prediction_to_js(env, {std::move(found.attribution.result), std::move(found.warnings)}));
  return object;
}

/// (model, input, { target, tokenPx?, localPx?, signed, weighting, mapBytes?, storeBytes?, spillDir?, threads },
/// progress or undefined, cancel) → { prediction, output, maps, total, part, scaleX, scaleY }
Napi::Value attribute(const Napi::CallbackInfo& info) {
  const auto channel = ProgressChannel::open(info[3]);
  return spawn(
      info, cancel_flag(info[4]),
      [model = get<const PixelMambaModel>(info[0]), input = pixel_mamba_input(convert::Options(info[1])),
       options = attribution_options(convert::Options(info[2]), channel)](const CancelToken& cancel) mutable {
        if (input.slide) return model->attribute(*input.slide, input.part, options, cancel);
        return model->attribute(composite_on_white(std::move(input.picture)), options, cancel);
      },
      [channel](Napi::Env env, PixelMambaAttribution found) { return attribution_to_js(env, std::move(found)); });
}

/// x, y, side and change of every square, in turn.
Napi::Value squares_to_js(Napi::Env env, const std::vector<explain::OccludedSquare>& squares) {
  std::vector<double> numbers;
  numbers.reserve(4 * squares.size());
  for (const explain::OccludedSquare& square : squares) {
    numbers.insert(numbers.end(), {static_cast<double>(square.x_px), static_cast<double>(square.y_px),
                                   static_cast<double>(square.side_px), square.change});
  }
  return convert::typed_array(env, std::move(numbers));
}

Napi::Value occlusion_to_js(Napi::Env env, PixelMambaOcclusion found) {
  auto object = Napi::Object::New(env);
  object.Set("output", static_cast<double>(found.occlusion.output));
  object.Set("score", found.occlusion.score);
  object.Set("squares", squares_to_js(env, found.occlusion.squares));
  object.Set("evaluations", static_cast<double>(found.occlusion.evaluations));
  object.Set("regionsComputed", static_cast<double>(found.occlusion.regions_computed));
  object.Set("finestPx", static_cast<double>(found.occlusion.finest_px));
  object.Set("values", convert::typed_array(env, std::move(found.falls)));
  object.Set("width", static_cast<double>(found.columns));
  object.Set("height", static_cast<double>(found.rows));
  object.Set("part", convert::rect(env, found.part));
  object.Set("scaleX", found.scale_x);
  object.Set("scaleY", found.scale_y);
  object.Set("prediction", prediction_to_js(env, {std::move(found.occlusion.result), std::move(found.warnings)}));
  return object;
}

/// (model, input, { target, coarsestPx?, finestPx?, maxEvaluations?, storeBytes?, spillDir?, threads }, progress or
/// undefined, cancel) → { prediction, output, score, squares, values, width, height, … }
Napi::Value occlude(const Napi::CallbackInfo& info) {
  const convert::Options given(info[2]);
  const auto channel = ProgressChannel::open(info[3]);
  explain::OcclusionOptions options;
  options.output = output_of(given);
  options.coarsest_px = given.integer("coarsestPx", options.coarsest_px);
  options.finest_px = given.integer("finestPx", options.finest_px);
  options.most_evaluations = given.integer("maxEvaluations", options.most_evaluations);
  options.run = run_options(given, channel);
  return spawn(
      info, cancel_flag(info[4]),
      [model = get<const PixelMambaModel>(info[0]), input = pixel_mamba_input(convert::Options(info[1])),
       options](const CancelToken& cancel) mutable {
        if (input.slide) return model->occlude(*input.slide, input.part, options, cancel);
        return model->occlude(composite_on_white(std::move(input.picture)), options, cancel);
      },
      [channel](Napi::Env env, PixelMambaOcclusion found) { return occlusion_to_js(env, std::move(found)); });
}

Napi::Value curve_to_js(Napi::Env env, explain::PerturbationCurve curve) {
  auto object = Napi::Object::New(env);
  object.Set("share", convert::typed_array(env, std::move(curve.share)));
  object.Set("score", convert::typed_array(env, std::move(curve.score)));
  object.Set("area", curve.area);
  return object;
}

Napi::Object curves_to_js(Napi::Env env, explain::PerturbationPair pair) {
  auto object = Napi::Object::New(env);
  object.Set("deletion", curve_to_js(env, std::move(pair.deletion)));
  object.Set("insertion", curve_to_js(env, std::move(pair.insertion)));
  return object;
}

Napi::Value test_to_js(Napi::Env env, explain::MapTest test) {
  auto random = Napi::Array::New(env, test.random.size());
  for (std::uint32_t i = 0; i < random.Length(); ++i) random.Set(i, curves_to_js(env, std::move(test.random[i])));
  Napi::Object object = curves_to_js(env, std::move(test.map));
  object.Set("output", static_cast<double>(test.output));
  object.Set("cellPx", static_cast<double>(test.cell_px));
  object.Set("squares", static_cast<double>(test.squares));
  object.Set("random", random);
  return object;
}

/// (model, input, { data, width, height, tokenPx }, { target, cellPx?, steps?, randomOrders?, seed?, storeBytes?,
/// spillDir?, threads }, progress or undefined, cancel) → { deletion, insertion, random, output, cellPx, squares }
Napi::Value test_map(const Napi::CallbackInfo& info) {
  const convert::Options grid(info[2]), given(info[3]);
  const auto channel = ProgressChannel::open(info[4]);
  explain::RelevanceMap map{.token_px = grid.integer("tokenPx"),
                            .columns = grid.integer("width"),
                            .rows = grid.integer("height"),
                            .values = convert::values<float>(grid.get("data"))};
  explain::PerturbationOptions options;
  options.output = output_of(given);
  options.cell_px = given.integer("cellPx", options.cell_px);
  options.steps = given.integer("steps", options.steps);
  options.random_orders = given.integer("randomOrders", options.random_orders);
  options.seed = static_cast<std::uint64_t>(given.integer("seed", 1));
  options.run = run_options(given, channel);
  return spawn(
      info, cancel_flag(info[5]),
      [model = get<const PixelMambaModel>(info[0]), input = pixel_mamba_input(convert::Options(info[1])),
       map = std::move(map), options](const CancelToken& cancel) mutable {
        if (input.slide) return model->test_map(*input.slide, input.part, map, options, cancel);
        return model->test_map(composite_on_white(std::move(input.picture)), map, options, cancel);
      },
      [channel](Napi::Env env, explain::MapTest test) { return test_to_js(env, std::move(test)); });
}

}  // namespace

void export_attribution(Napi::Env env, Napi::Object exports) {
  export_function<attribute>(env, exports, "pixelMambaAttribute");
  export_function<occlude>(env, exports, "pixelMambaOcclude");
  export_function<test_map>(env, exports, "pixelMambaTestMap");
}

}  // namespace histojet::binding
