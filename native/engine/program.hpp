#pragma once

#include <array>
#include <memory>
#include <string>
#include <vector>

#include "base/cpu_info.hpp"
#include "engine/graph.hpp"
#include "kernels/conv2d/conv2d_pack.hpp"

namespace histojet::engine {

/// One operation after the passes, with its weights packed for the kernels that will run it.
struct ProgramNode {
  OpKind kind = OpKind::kImage;
  std::string name;
  std::vector<int> inputs;
  int like = -1;
  std::int64_t channels = 0;
  std::int64_t pixel_stride = 0;  ///< floats between two pixels of the result; 0 for outputs
  std::int64_t kernel = 1;
  std::int64_t padding = 0;
  bool relu = false;
  std::vector<kernels::KStep> steps;
  std::int64_t uniform_pixel_stride = 0;
  std::array<kernels::PackedMatrix, 2>
      weights;  ///< convolutions: [0]; transposed convolutions: one per output row phase

  std::int64_t weight_bytes() const {
    return (weights[0].panels ? weights[0].byte_size() : 0) + (weights[1].panels ? weights[1].byte_size() : 0);
  }
};

struct CompileOptions {
  /// Instruction set to compile for; never more than the CPU has.
  Isa isa = active_isa();
  /// Names of taps that become planar outputs of the same name.
  std::vector<std::string> taps;
};

/// A graph after all passes that do not depend on the size of the picture: folded, fused, weights packed once for one
/// instruction set. Immutable; plans and sessions of all sizes share it.
class Program {
 public:
  /// @throws Error kInvalidArgument when an operation is left that has no kernel of its own (a batch norm or ReLU that
  /// does not follow a convolution, a concat read by anything but convolutions), for an unknown tap or missing image.
  static std::shared_ptr<const Program> compile(Graph graph, const CompileOptions& options = {});

  const std::vector<ProgramNode>& nodes() const { return nodes_; }
  const ProgramNode& node(int id) const { return nodes_[static_cast<std::size_t>(id)]; }
  Isa isa() const { return isa_; }
  /// Memory of the packed weights.
  std::int64_t weight_bytes() const;

 private:
  std::vector<ProgramNode> nodes_;
  Isa isa_ = Isa::kScalar;
};

}  // namespace histojet::engine
