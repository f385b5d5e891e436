#pragma once

#include <optional>

#include "scan/scan_run.hpp"
#include "scan/scan_tensors.hpp"
#include "tensor/tensor.hpp"

namespace histojet::scan {

/// Tensors of a scan of Mamba-2, any floating type; see SsdScan for what is computed. Names and shapes in messages are
/// those of the JavaScript function.
struct SsdTensors {
  Tensor x;                       ///< [batch, length, heads, channels]
  Tensor dt;                      ///< [batch, length, heads]
  Tensor a;                       ///< "A" [heads]
  Tensor b;                       ///< "B" [batch, length, groups, states], or [batch, length, states] for one group
  Tensor c;                       ///< "C", shape of B
  std::optional<Tensor> d;        ///< "D" [heads]
  std::optional<Tensor> dt_bias;  ///< [heads]
  std::optional<Tensor> initial_state;  ///< [batch, heads, channels, states]
  bool dt_softplus = false;
  bool last_state = false;  ///< wanted
};

/// y has the shape of x, the state [batch, heads, channels, states]. @throws Error kShapeMismatch naming the tensor,
/// the expected and the found shape; kInvalidArgument for a tensor that is not floating and whatever ssd_scan()
/// refuses; kOutOfMemory; Cancelled.
ScanResult ssd_tensors(const SsdTensors& tensors, const ScanRun& run = {});

}  // namespace histojet::scan
