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

}  // namespace

MambaMilModel MambaMilModel::load(std::shared_ptr<const weights::StateDict> dict,
                                  const models::MambaMilOptions& options) {
  return MambaMilModel(std::make_shared<const models::MambaMil>(models::MambaMil::load(std::move(dict), options)));
}

MilPrediction MambaMilModel::predict(const Tensor& features, int threads, const CancelToken& cancel) const {
  const Tensor floats = scan::floats_of("features", features);
  const Shape& shape = floats.shape();
  const std::int64_t values = config().in_dim;
  if (shape.size() != 2 || shape[0] < 1 || shape[1] != values) {
    scan::refuse_shape("features", features, "[tiles, " + std::to_string(values) + "] with at least one tile");
  }
  expect_finite(floats);
  models::MambaMil::Scratch scratch;
  models::MambaMilOutput output =
      network_->run({floats.values<float>().data(), values}, shape[0], scratch, threads, cancel);
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
          .attention = std::move(output.attention)};
}

}  // namespace histojet
