#include "engine/precision.hpp"

namespace histojet::engine {

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
