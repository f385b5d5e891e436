#pragma once

#include "explain/block_rollout.hpp"
#include "explain/pixel_trace.hpp"
#include "models/pixel_mamba/pixel_mamba.hpp"

namespace histojet::explain {

/// What each token of the last stage adds to a result: its share in the pooling, 1 in all, or for an output that share
/// times the output's value at the token. With classes the mean over all outputs is taken off, which does not change
/// what a softmax says. In all: the logit less its bias (for classes, less the mean of both).
Relevance pooled_relevance(const models::PixelMamba& model, const PixelTrace& trace,
                           const models::PixelMambaResult& result, std::int64_t output);

}  // namespace histojet::explain
