#pragma once

#include <cstdint>

#include "models/pixel_mamba/pixel_mamba.hpp"

namespace histojet::explain {

/// In place of an output's number: none of them.
constexpr std::int64_t kNoOutput = -1;
/// In place of an output's number: the one that says what was predicted, see predicted_output().
constexpr std::int64_t kPredictedOutput = -2;

/// @throws Error kInvalidArgument unless `output` is one of the network's, kNoOutput or kPredictedOutput.
void check_output(const models::PixelMambaConfig& config, std::int64_t output);

/// The output that stands for a prediction: of the most probable class (the first of equals), the threshold below the
/// predicted grade, the only one; kNoOutput for heads with several numbers.
std::int64_t predicted_output(const models::PixelMambaConfig& config, const models::PixelMambaResult& result);

/// `output`, or what stands for the prediction if that is wanted.
std::int64_t chosen_output(const models::PixelMambaConfig& config, const models::PixelMambaResult& result,
                           std::int64_t output);

/// The number that a result is judged by: the logit of an output, for classes less the mean of all logits, so that what
/// speaks for every class alike drops out; without an output the risk. @throws Error kInvalidArgument where there is
/// neither.
double target_score(const models::PixelMambaConfig& config, const models::PixelMambaResult& result,
                    std::int64_t output);

}  // namespace histojet::explain
