#include "engine/precision.hpp"

namespace histojet::engine {

Precision offered_precision(Precision wanted, Isa isa) {
  const Isa least = wanted == Precision::kHigh ? Isa::kAmx : Isa::kAvx512Bf16;
  return isa >= least ? wanted : Precision::kFloat32;
}

std::string_view precision_name(Precision precision) {
  switch (precision) {
    case Precision::kFloat32:
      return "float32";
    case Precision::kHigh:
      return "high";
    case Precision::kFast:
      return "fast";
  }
  return "float32";
}

}  // namespace histojet::engine
