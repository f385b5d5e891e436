#include "binding/errors.hpp"
#include "binding/functions.hpp"
#include "binding/nuclei_options.hpp"
#include "binding/task.hpp"

namespace histojet::binding {

nuclei::PostprocessOptions postprocess_options(const convert::Options& options) {
  nuclei::PostprocessOptions postprocess;
  if (options.text("variant", "hovernet") == "hoverfast") postprocess.variant = nuclei::Variant::kHoverFast;
  postprocess.compat = options.boolean("compat");
  postprocess.min_area_px = options.number("minAreaPx", postprocess.min_area_px);
  postprocess.simplify = options.number("simplify", postprocess.simplify);
  return postprocess;
}

Napi::Value nuclei_handle(Napi::Env env, NucleiResult result) {
  const nuclei::NucleusList& list = result.list;
  const std::size_t floats = list.centroids.size() + list.boxes.size() + list.areas.size() +
                             list.type_probabilities.size() + list.contour_points.size() + result.labels.size();
  const std::size_t measured = list.measurements.size() * list.size();
  const auto bytes =
      static_cast<std::int64_t>(4 * (floats + measured) + 8 * list.contour_starts.size() + list.types.size());
  return make_handle(env, std::make_shared<const NucleiResult>(std::move(result)), bytes);
}

std::vector<std::shared_ptr<const NucleiResult>> nuclei_of(const Napi::Value& handles) {
  const auto array = handles.As<Napi::Array>();
  std::vector<std::shared_ptr<const NucleiResult>> lists;
  for (std::uint32_t i = 0; i < array.Length(); ++i) lists.push_back(get<const NucleiResult>(array.Get(i)));
  return lists;
}

NucleiResult window_result(nuclei::PostprocessResult result, std::int64_t height, std::int64_t width) {
  return {std::move(result.nuclei), std::move(result.labels), std::move(result.ids), height, width};
}

namespace {

/// Column by column: [name, Float32Array, …]
Napi::Value columns_to_js(Napi::Env env, const std::vector<nuclei::MeasurementColumn>& columns) {
  auto flat = Napi::Array::New(env, 2 * columns.size());
  for (std::uint32_t i = 0; i < columns.size(); ++i) {
    flat.Set(2 * i, columns[i].name);
    flat.Set(2 * i + 1, convert::typed_array(env, columns[i].values));
  }
  return flat;
}

/// (nuclei) → [name, Float32Array, …], empty for nuclei that were not measured
Napi::Value measurements(const Napi::CallbackInfo& info) {
  return columns_to_js(info.Env(), get<const NucleiResult>(info[0])->list.measurements);
}

/// (nuclei, micrometres per pixel across and down, or 0) → [name, Float32Array, …]
Napi::Value measure_shapes(const Napi::CallbackInfo& info) {
  const double x = info[1].ToNumber().DoubleValue(), y = info[2].ToNumber().DoubleValue();
  const nuclei::LengthUnit unit = x > 0 ? nuclei::LengthUnit{x, y, true} : nuclei::LengthUnit{};
  return columns_to_js(info.Env(), nuclei::shape_columns(get<const NucleiResult>(info[0])->list, unit));
}

/// (nuclei) → { length, height, width }; height and width are 0 without labels
Napi::Value describe(const Napi::CallbackInfo& info) {
  const auto result = get<const NucleiResult>(info[0]);
  auto object = Napi::Object::New(info.Env());
  object.Set("length", static_cast<double>(result->list.size()));
  object.Set("height", static_cast<double>(result->labels.empty() ? 0 : result->height));
  object.Set("width", static_cast<double>(result->labels.empty() ? 0 : result->width));
  return object;
}

/// (nuclei, name) → typed array, or null where the list has no such values
Napi::Value array(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const auto result = get<const NucleiResult>(info[0]);
  const nuclei::NucleusList& list = result->list;
  const std::string name = convert::text(info[1]);
  if (name == "centroids") return convert::typed_array(env, list.centroids);
  if (name == "boxes") return convert::typed_array(env, list.boxes);
  if (name == "areas") return convert::typed_array(env, list.areas);
  if (name == "points") return convert::typed_array(env, list.contour_points);
  if (name == "starts") {
    return convert::typed_array(env, std::vector<double>(list.contour_starts.begin(), list.contour_starts.end()));
  }
  // Only JavaScript reads these two, and a map of labels may be large: they are handed over.
  if (name == "labels") return convert::shared_array(env, result->labels, result);
  if (name == "ids") return convert::shared_array(env, result->ids, result);
  if (name == "types") return list.typed() ? convert::typed_array(env, list.types) : env.Null();
  if (name == "typeProbabilities") {
    return list.type_probabilities.empty() ? env.Null() : convert::typed_array(env, list.type_probabilities);
  }
  throw Error(ErrorCode::kInvalidArgument, "nuclei have no array " + name);
}

/// (points Float32Array [k, 2], starts Uint32Array [n + 1], types Uint8Array | undefined) → handle
Napi::Value make_from_outlines(const Napi::CallbackInfo& info) {
  const auto starts = convert::values<std::uint32_t>(info[1]);
  std::vector<std::uint8_t> types;
  if (!info[2].IsUndefined()) types = convert::values<std::uint8_t>(info[2]);
  NucleiResult result;
  result.list = from_outlines(convert::values<float>(info[0]), std::vector<std::uint64_t>(starts.begin(), starts.end()),
                              std::move(types));
  return nuclei_handle(info.Env(), std::move(result));
}

/// (array of nuclei) → handle
Napi::Value join(const Napi::CallbackInfo& info) {
  const auto kept = nuclei_of(info[0]);
  std::vector<const nuclei::NucleusList*> lists;
  for (const auto& one : kept) lists.push_back(&one->list);
  NucleiResult result;
  result.list = concat(lists);
  return nuclei_handle(info.Env(), std::move(result));
}

std::vector<float> float_values(const Tensor& tensor) {
  const Tensor f32 = tensor.to_f32();
  const auto values = f32.values<float>();
  return std::vector<float>(values.begin(), values.end());
}

/// The three tensors as maps; their shapes were checked in lib/.
Maps maps_of(const Tensor& np, const Tensor& hv, const Tensor* tp) {
  Maps maps;
  if (np.shape().size() != 2) throw Error(ErrorCode::kShapeMismatch, "np: expected shape [height, width]");
  maps.height = np.shape()[0];
  maps.width = np.shape()[1];
  maps.np = float_values(np);
  maps.hv = float_values(hv);
  if (tp != nullptr) {
    const std::vector<float> types = float_values(*tp);
    maps.tp.assign(types.begin(), types.end());
  }
  return maps;
}

/// (np, hv, tp | undefined: tensor handles, options, cancel) → handle
Napi::Value run_postprocess(const Napi::CallbackInfo& info) {
  const auto tp = info[2].IsUndefined() ? nullptr : get<const Tensor>(info[2]);
  return spawn(
      info, cancel_flag(info[4]),
      [np = get<const Tensor>(info[0]), hv = get<const Tensor>(info[1]), tp,
       options = postprocess_options(convert::Options(info[3]))](const CancelToken& cancel) {
        const Maps maps = maps_of(*np, *hv, tp.get());
        return window_result(nuclei::postprocess(maps, options, cancel), maps.height, maps.width);
      },
      nuclei_handle);
}

Napi::Object scores_to_js(Napi::Env env, const nuclei::Scores& scores) {
  auto object = Napi::Object::New(env);
  object.Set("dice", scores.dice);
  object.Set("aji", scores.aji);
  object.Set("ajiPlus", scores.aji_plus);
  object.Set("dq", scores.dq);
  object.Set("sq", scores.sq);
  object.Set("pq", scores.pq);
  object.Set("dice2", scores.dice2);
  object.Set("truthCount", static_cast<double>(scores.truth_count));
  object.Set("predictedCount", static_cast<double>(scores.predicted_count));
  object.Set("matched", static_cast<double>(scores.matched));
  return object;
}

/// (truth, predicted: nuclei, pixel, cancel) → scores
Napi::Value score_nuclei(const Napi::CallbackInfo& info) {
  return spawn(
      info, cancel_flag(info[3]),
      [truth = get<const NucleiResult>(info[0]), predicted = get<const NucleiResult>(info[1]),
       pixel = info[2].ToNumber().DoubleValue()](const CancelToken&) {
        return nuclei::score_outlines(truth->list, predicted->list, pixel);
      },
      scores_to_js);
}

Napi::Value type_scores_to_js(Napi::Env env, const nuclei::TypeScores& scores) {
  auto types = Napi::Array::New(env, scores.types.size());
  for (std::size_t i = 0; i < scores.types.size(); ++i) {
    const nuclei::TypeScore& score = scores.types[i];
    Napi::Object type = scores_to_js(env, score.segmentation);
    type.Set("type", static_cast<double>(score.type));
    type.Set("f1", score.f1);
    type.Set("agreeing", static_cast<double>(score.agreeing));
    type.Set("onlyPredicted", static_cast<double>(score.only_predicted));
    type.Set("onlyTruth", static_cast<double>(score.only_truth));
    type.Set("unpairedPredicted", static_cast<double>(score.unpaired_predicted));
    type.Set("unpairedTruth", static_cast<double>(score.unpaired_truth));
    types.Set(static_cast<std::uint32_t>(i), type);
  }
  auto object = Napi::Object::New(env);
  object.Set("types", types);
  object.Set("meanDq", scores.mean_dq);
  object.Set("meanSq", scores.mean_sq);
  object.Set("meanPq", scores.mean_pq);
  object.Set("detectionF1", scores.detection_f1);
  object.Set("accuracy", scores.accuracy);
  object.Set("paired", static_cast<double>(scores.paired));
  object.Set("unpairedTruth", static_cast<double>(scores.unpaired_truth));
  object.Set("unpairedPredicted", static_cast<double>(scores.unpaired_predicted));
  object.Set("greedilyPaired", static_cast<double>(scores.greedily_paired));
  return object;
}

/// (truth, predicted: nuclei, radius, pixel, cancel) → scores of types
Napi::Value score_nucleus_types(const Napi::CallbackInfo& info) {
  return spawn(
      info, cancel_flag(info[4]),
      [truth = get<const NucleiResult>(info[0]), predicted = get<const NucleiResult>(info[1]),
       options = nuclei::TypeScoreOptions{info[2].ToNumber().DoubleValue(), info[3].ToNumber().DoubleValue()}](
          const CancelToken& cancel) { return nuclei::score_types(truth->list, predicted->list, options, cancel); },
      type_scores_to_js);
}

/// (truth, predicted: int32 tensors of height x width labels, height, width, cancel) → scores
Napi::Value score_label_maps(const Napi::CallbackInfo& info) {
  return spawn(
      info, cancel_flag(info[4]),
      [truth = get<const Tensor>(info[0]), predicted = get<const Tensor>(info[1]),
       height = info[2].ToNumber().Int64Value(), width = info[3].ToNumber().Int64Value()](const CancelToken&) {
        return nuclei::score_labels(truth->values<std::int32_t>(), predicted->values<std::int32_t>(), height, width);
      },
      scores_to_js);
}

}  // namespace

void export_nuclei(Napi::Env env, Napi::Object exports) {
  export_function<describe>(env, exports, "nucleiInfo");
  export_function<array>(env, exports, "nucleiArray");
  export_function<measurements>(env, exports, "nucleiMeasurements");
  export_function<measure_shapes>(env, exports, "nucleiShapes");
  export_function<make_from_outlines>(env, exports, "nucleiFromOutlines");
  export_function<join>(env, exports, "nucleiConcat");
  export_function<run_postprocess>(env, exports, "hoverPostprocess");
  export_function<score_nuclei>(env, exports, "scoreNuclei");
  export_function<score_nucleus_types>(env, exports, "scoreNucleusTypes");
  export_function<score_label_maps>(env, exports, "scoreLabels");
}

}  // namespace histojet::binding
