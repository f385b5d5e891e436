#pragma once

#include <optional>

#include "scan/scan_run.hpp"
#include "scan/scan_tensors.hpp"
#include "tensor/tensor.hpp"

namespace histojet::scan {

/// Tensors of the convolution in front of a selective scan, any floating type: of each channel along the steps, with
/// the step itself and those before it,
///
///     y[t] = bias + sum over k of weight[k] * x[t - (taps - 1) + k]
///
/// and x = 0 before the first step. Names and shapes in messages are those of the JavaScript function.
struct CausalConvTensors {
  Tensor x;                             ///< of the shape that Layout says for u
  Tensor weight;                        ///< [channels, taps], 1 to 4 taps; [channels, 1, taps] as Conv1d stores it
  std::optional<Tensor> bias;           ///< [channels]
  std::optional<Tensor> initial_state;  ///< [batch, channels, taps - 1]: the steps before the first
  bool silu = false;                    ///< y / (1 + e^-y) behind it
  bool last_state = false;              ///< wanted: the last taps - 1 steps, for the next call
  Layout layout = Layout::kBdl;
};

/// y has the shape of x. Neither threads nor the cutting into calls changes a bit. @throws Error kShapeMismatch naming
/// the tensor, the expected and the found shape; kInvalidArgument for a tensor that is not floating; kOutOfMemory;
/// Cancelled.
ScanResult causal_conv(const CausalConvTensors& tensors, const ScanRun& run = {});

}  // namespace histojet::scan
