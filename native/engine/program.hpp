#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/aligned_buffer.hpp"
#include "base/cpu_info.hpp"
#include "engine/graph.hpp"
#include "engine/precision.hpp"
#include "kernels/conv2d/conv2d_pack.hpp"
#include "kernels/conv2d_bf16/conv2d_bf16_pack.hpp"
#include "kernels/storage.hpp"

namespace histojet::engine {

/// The weights of one kernel call: all output channels, those of some groups, or one row parity of a transposed
/// convolution. Packed for float32 (`steps`, `weights`) or for tiles.
struct ConvPart {
  std::int64_t first_channel = 0;  ///< of the output
  std::vector<kernels::KStep> steps;
  kernels::PackedMatrix weights;
  kernels::PackedTiles tiles;

  std::int64_t weight_bytes() const;
  std::int64_t columns() const { return tiles.tiles ? tiles.columns : weights.columns; }
};

/// One operation after the passes, with its weights packed for the kernels that will run it.
struct ProgramNode {
  OpKind kind = OpKind::kImage;
  std::string name;
  std::vector<int> inputs;
  int like = -1;
  std::int64_t channels = 0;
  kernels::Storage storage = kernels::Storage::kFloat32;  ///< of the result
  std::int64_t pixel_bytes = 0;  ///< between two pixels of (a plane of) the result; 0 for outputs
  std::int64_t kernel = 1;
  ConvGeometry geometry;
  bool relu = false;
  bool enlarge = false;              ///< kPointwise: the first input has half the size
  bool add_last = false;             ///< kConv2d: the last input is not convolved but added to the result
  std::int64_t shortcut_stride = 0;  ///< kConv2d 1x1: the stride of the last convolved input, where it differs; or 0
  int made_with = -1;                ///< the convolution that writes this result beside its own, or -1
  AlignedBuffer<float> scale;  ///< kPointwise, and kConv2d of relu(scale * sum + shift): by stored channel; or null
  AlignedBuffer<float> shift;
  std::vector<ConvPart> parts;  ///< convolutions; transposed ones have a part for each row parity
  kernels::TileForm form;       ///< of convolutions on tiles

  bool is_conv() const { return !parts.empty(); }
  /// Inputs that a convolution convolves.
  std::size_t convolved_inputs() const { return inputs.size() - (add_last ? 1 : 0); }
  /// By how many pixels the window moves on a convolved input.
  std::int64_t stride(std::size_t input) const {
    return shortcut_stride != 0 && input + 1 == convolved_inputs() ? shortcut_stride : geometry.stride;
  }
  /// Values per pixel in memory, padding included.
  std::int64_t stored_channels() const { return pixel_bytes / kernels::element_bytes(storage); }
  /// Values per pixel that a convolution writes: whole vectors, or in bfloat16 half a cache line or whole ones.
  std::int64_t columns() const {
    const bool narrow = storage == kernels::Storage::kFloat32 || channels <= 16;
    return (channels + (narrow ? 15 : 31)) / (narrow ? 16 : 32) * (narrow ? 16 : 32);
  }
  std::int64_t weight_bytes() const;
};

struct CompileOptions {
  /// Instruction set to compile for; never more than the CPU has.
  Isa isa = active_isa();
  /// Names of taps that become planar outputs of the same name.
  std::vector<std::string> taps;
  Precision precision = Precision::kFloat32;
  /// Convolutions may write several results: an activated sum beside the sum, those of convolutions that read the same.
  /// Without it each operation runs alone; for comparisons.
  bool several_results = true;
  /// Sums that are read raw and activated are stored in both forms by one step on tiles. One rounding less, and no
  /// faster than a pass of its own: two results are written while the products go on.
  bool activated_beside = false;
  /// Store bfloat16 also where the CPU has no products for it; the scalar reference then does their work. For tests.
  bool emulate_tiles = false;
};

/// A graph after all passes that do not depend on the size of the picture: folded, fused, weights packed once for one
/// instruction set and precision. Immutable; plans and sessions of all sizes share it.
class Program {
 public:
  /// @throws Error kInvalidArgument when a concat is read by an operation that cannot take parts, for an unknown tap or
  /// a missing image.
  static std::shared_ptr<const Program> compile(Graph graph, const CompileOptions& options = {});

  const std::vector<ProgramNode>& nodes() const { return nodes_; }
  const ProgramNode& node(int id) const { return nodes_[static_cast<std::size_t>(id)]; }
  Isa isa() const { return isa_; }
  /// What is really computed, see `offered_precision`.
  Precision precision() const { return precision_; }
  /// Memory of the packed weights.
  std::int64_t weight_bytes() const;

 private:
  std::vector<ProgramNode> nodes_;
  Isa isa_ = Isa::kScalar;
  Precision precision_ = Precision::kFloat32;
};

}  // namespace histojet::engine
