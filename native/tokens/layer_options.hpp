#pragma once

#include <cstdint>

#include "base/cpu_info.hpp"
#include "engine/precision.hpp"
#include "kernels/storage.hpp"

namespace histojet::tokens {

using engine::Precision;

/// For what layers over tokens are compiled.
struct LayerOptions {
  Precision precision = Precision::kFloat32;
  Isa isa = active_isa();  ///< never more than the CPU has
};

/// What is really computed, see `engine::offered_precision`.
Precision used_precision(const LayerOptions& options);

/// How the first factor of a matrix product with rows of `depth` values is stored. Short rows stay float32: a tile's
/// row holds 32 values, and rounding costs more than the product.
kernels::Storage operand_storage(const LayerOptions& options, std::int64_t depth);

}  // namespace histojet::tokens
