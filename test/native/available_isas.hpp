#pragma once

#include <vector>

#include "base/cpu_info.hpp"

namespace histojet::test {

/// The instruction sets that this machine can run.
inline std::vector<Isa> available_isas() {
  std::vector<Isa> isas;
  for (const Isa isa : kIsas) {
    if (isa <= detected_isa()) isas.push_back(isa);
  }
  return isas;
}

}  // namespace histojet::test
