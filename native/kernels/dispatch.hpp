#pragma once

#include "base/cpu_info.hpp"

namespace histojet::kernels {

/// The variants of one kernel. All compute the same function of the same arguments; the scalar one is the reference and
/// always present, a missing one (null) falls to the next lower instruction set.
template <class Args>
struct KernelTable {
  using Function = void (*)(const Args&);
  Function scalar = nullptr;
  Function avx2 = nullptr;
  Function avx512 = nullptr;
  Function avx512bf16 = nullptr;
  Function amx = nullptr;

  /// The best variant that needs no more than `isa`. The caller answers for `isa` being there (`active_isa()`, or a
  /// lower one that a test forces).
  Function pick(Isa isa) const {
    if (isa >= Isa::kAmx && amx != nullptr) return amx;
    if (isa >= Isa::kAvx512Bf16 && avx512bf16 != nullptr) return avx512bf16;
    if (isa >= Isa::kAvx512 && avx512 != nullptr) return avx512;
    if (isa >= Isa::kAvx2 && avx2 != nullptr) return avx2;
    return scalar;
  }
};

}  // namespace histojet::kernels
