#pragma once

#include <optional>

#include "scan/scan_run.hpp"
#include "tensor/tensor.hpp"

namespace histojet::scan {

/// Order of the dimensions of u, delta, z and y.
enum class Layout {
  kBdl,  ///< [batch, channels, length], that of the Mamba reference; B and C [batch, (groups,) states, length]
  kBld,  ///< [batch, length, channels], that of token sequences; B and C [batch, length, (groups,) states]
};

/// Cells of a grid in row-major order.
struct GridSize {
  std::int64_t height = 0;
  std::int64_t width = 0;
};

/// Tensors of a selective scan, any floating type; see SelectiveScan for what is computed. Names and shapes in messages
/// are those of the JavaScript function.
struct ScanTensors {
  Tensor u;
  Tensor delta;                         ///< shape of u
  Tensor a;                             ///< "A" [channels, states]
  Tensor b;                             ///< "B" as Layout says, or constant [channels, states]
  Tensor c;                             ///< "C" likewise
  std::optional<Tensor> d;              ///< "D" [channels]
  std::optional<Tensor> z;              ///< shape of u
  std::optional<Tensor> delta_bias;     ///< [channels]
  std::optional<Tensor> initial_state;  ///< [batch, channels, states]
  bool delta_softplus = false;
  bool reverse = false;
  bool last_state = false;  ///< wanted
  Layout layout = Layout::kBdl;
  std::optional<GridSize> grid;  ///< given: scan_2d() over length = height * width cells, without states
};

/// Float32, whatever the inputs are.
struct ScanResult {
  Tensor y;                          ///< shape of u
  std::optional<Tensor> last_state;  ///< [batch, channels, states]
};

/// @throws Error kShapeMismatch naming the tensor, the expected and the found shape; kInvalidArgument for a tensor that
///   is not floating and whatever selective_scan() refuses; kOutOfMemory; Cancelled.
ScanResult scan_tensors(const ScanTensors& tensors, const ScanRun& run = {});

}  // namespace histojet::scan
