#pragma once

#include <string_view>

#include "base/cpu_info.hpp"

namespace histojet::engine {

/// How exactly a network computes.
enum class Precision {
  kFloat32,  ///< float32 throughout
  kHigh,     ///< float32-class results (about 1e-5): values and weights split into two bfloat16, three products each
  kFast,     ///< bfloat16 values and weights, float32 sums (about 1e-2)
};

/// What is computed where `wanted` is asked for: `high` needs tiles, whose three products are still faster than one of
/// float32, and `fast` any fast product of bfloat16; float32 where these are missing.
Precision offered_precision(Precision wanted, Isa isa);

/// "float32", "high" or "fast".
std::string_view precision_name(Precision precision);

}  // namespace histojet::engine
