#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace histojet {

/// Instruction sets that kernels are written for, in rising order. `kAvx512Bf16`: AVX-512 with products of bfloat16
/// pairs (VDPBF16PS) on the CPUs whose products of that kind are faster than float32 multiply-adds, AMD's. `kAmx`:
/// bfloat16 tiles.
enum class Isa { kScalar, kAvx2, kAvx512, kAvx512Bf16, kAmx };

/// All of them.
inline constexpr Isa kIsas[] = {Isa::kScalar, Isa::kAvx2, Isa::kAvx512, Isa::kAvx512Bf16, Isa::kAmx};

/// "scalar", "avx2", "avx512", "avx512bf16" or "amx".
std::string_view isa_name(Isa isa);

/// The best instruction set that this CPU and its operating system offer. Computed once.
Isa detected_isa();

/// `detected_isa()` capped by the environment variable HISTOJET_ISA (scalar | avx2 | avx512 | avx512bf16 | amx), read
/// at the first call. @throws Error kInvalidArgument for another value.
Isa active_isa();

/// The SHA extensions with what they need beside them.
bool has_sha_instructions();

/// Names of the CPU features that matter here, for reports ("avx2", "avx512f", "amx_bf16", …).
std::vector<std::string> cpu_features();

/// The model name that the operating system reports, or "unknown".
std::string cpu_model();

/// Cores that this process may use: affinity mask capped by the cgroup quota (rounded up); HISTOJET_THREADS overrides.
int usable_core_count();

}  // namespace histojet
