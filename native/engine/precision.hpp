#pragma once

#include <string_view>

namespace histojet::engine {

/// How exactly a network computes. Without tile instructions for bfloat16 all three compute in float32.
enum class Precision {
  kFloat32,  ///< float32 throughout
  kHigh,     ///< float32-class results (about 1e-5): values and weights split into two bfloat16, three products each
  kFast,     ///< bfloat16 values and weights, float32 sums (about 1e-2)
};

/// "float32", "high" or "fast".
std::string_view precision_name(Precision precision);

}  // namespace histojet::engine
