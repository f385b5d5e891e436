#pragma once

#include "engine/program.hpp"

namespace histojet::engine {

/// Packs the weights of a convolution or transposed convolution into `out.parts`, for the storage of its inputs among
/// `done`. `panel_columns`: of the float32 kernel. `precision`: that of the program.
void pack_convolution(const Node& node, const std::vector<ProgramNode>& done, std::int64_t panel_columns,
                      Precision precision, ProgramNode& out);

}  // namespace histojet::engine
