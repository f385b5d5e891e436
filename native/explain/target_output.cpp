#include "explain/target_output.hpp"

#include <algorithm>
#include <numeric>
#include <string>

#include "base/error.hpp"

namespace histojet::explain {

using models::HeadKind;

void check_output(const models::PixelMambaConfig& config, std::int64_t output) {
  if (output >= kPredictedOutput && output < config.outputs) return;
  throw Error(ErrorCode::kInvalidArgument, "output: expected a number from 0 to " + std::to_string(config.outputs - 1) +
                                               ", got " + std::to_string(output));
}

std::int64_t predicted_output(const models::PixelMambaConfig& config, const models::PixelMambaResult& result) {
  const std::vector<double>& shares = result.head.probabilities;
  const std::int64_t best = std::ranges::max_element(shares) - shares.begin();
  if (config.head == HeadKind::kClassification) return best;
  if (config.head == HeadKind::kOrdinal) return std::max<std::int64_t>(0, best - 1);
  return config.outputs == 1 ? 0 : kNoOutput;
}

std::int64_t chosen_output(const models::PixelMambaConfig& config, const models::PixelMambaResult& result,
                           std::int64_t output) {
  return output == kPredictedOutput ? predicted_output(config, result) : output;
}

double target_score(const models::PixelMambaConfig& config, const models::PixelMambaResult& result,
                    std::int64_t output) {
  if (output < 0) {
    if (config.head == HeadKind::kSurvivalDiscrete) return result.head.risk;
    throw Error(ErrorCode::kInvalidArgument, "output: this network's answer is no single number; name one from 0 to " +
                                                 std::to_string(config.outputs - 1));
  }
  const std::vector<float>& logits = result.logits;
  const double logit = logits.at(static_cast<std::size_t>(output));
  if (config.head != HeadKind::kClassification || logits.size() < 2) return logit;
  return logit - std::accumulate(logits.begin(), logits.end(), 0.0) / static_cast<double>(logits.size());
}

}  // namespace histojet::explain
