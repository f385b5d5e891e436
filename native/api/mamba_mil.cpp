#include <cmath>
#include <string>
#include <utility>

#include "histojet/token_models.hpp"
#include "scan/checked_tensors.hpp"

namespace histojet {

namespace {

void expect_finite(const Tensor& features) {
  const std::span<const float> values = features.values<float>();
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (std::isfinite(values[i])) continue;
    const auto width = static_cast<std::size_t>(features.shape()[1]);
    throw Error(ErrorCode::kInvalidArgument, "features[" + std::to_string(i / width) + "][" +
                                                 std::to_string(i % width) + "] is " + std::to_string(values[i]) +
                                                 ", expected a finite number");
  }
}

/// Values of any type as doubles.
std::vector<double> doubles_of(const Tensor& tensor) {
  const auto copied = [](const auto& values) { return std::vector<double>(values.begin(), values.end()); };
  switch (tensor.dtype()) {
    case DType::kI32:
      return copied(tensor.values<std::int32_t>());
    case DType::kU32:
      return copied(tensor.values<std::uint32_t>());
    case DType::kI64:
      return copied(tensor.values<std::int64_t>());
    case DType::kU64:
      return copied(tensor.values<std::uint64_t>());
    case DType::kF64:
      return copied(tensor.values<double>());
    default:  // float32 holds all others exactly
      return copied(tensor.to_f32().values<float>());
  }
}

std::vector<models::TilePlace> places_of(const Tensor* coordinates, std::int64_t tiles) {
  if (coordinates == nullptr) return {};
  scan::expect_shape("coordinates", *coordinates, {tiles, 2});
  const std::vector<double> values = doubles_of(*coordinates);
  std::vector<models::TilePlace> places;
  for (std::size_t i = 0; i < values.size(); i += 2) places.push_back({values[i], values[i + 1]});
  return places;
}

}  // namespace

MambaMilModel MambaMilModel::load(std::shared_ptr<const weights::StateDict> dict,
                                  const models::MambaMilOptions& options) {
  return MambaMilModel(std::make_shared<const models::MambaMil>(models::MambaMil::load(std::move(dict), options)));
}

MilPrediction MambaMilModel::predict(const Tensor& features, int threads, const CancelToken& cancel,
                                     const Tensor* coordinates) const {
  const Tensor floats = scan::floats_of("features", features);
  const Shape& shape = floats.shape();
  const std::int64_t values = config().in_dim;
  if (shape.size() != 2 || shape[0] < 1 || shape[1] != values) {
    scan::refuse_shape("features", features, "[tiles, " + std::to_string(values) + "] with at least one tile");
  }
  expect_finite(floats);
  const std::vector<models::TilePlace> places = places_of(coordinates, shape[0]);
  models::MambaMil::Scratch scratch;
  models::MambaMilOutput output =
      network_->run({floats.values<float>().data(), values}, shape[0], scratch, threads, cancel, places);
  for (const float logit : output.logits) {
    if (std::isfinite(logit)) continue;
    throw Error(ErrorCode::kInvalidArgument,
                "the network's output is no finite number: its weights do not fit its input or its configuration");
  }
  const auto head = config().survival ? models::HeadKind::kSurvivalDiscrete : models::HeadKind::kClassification;
  models::HeadResult result = models::interpret_logits(head, output.logits);
  return {.features = std::move(output.features),
          .logits = std::move(output.logits),
          .head = std::move(result),
          .attention = std::move(output.attention),
          .empty_attention = output.empty_attention};
}

}  // namespace histojet
