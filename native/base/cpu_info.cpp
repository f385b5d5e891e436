#include "base/cpu_info.hpp"

#include <cpuid.h>
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <fstream>

#include "base/error.hpp"

namespace histojet {

std::string_view isa_name(Isa isa) {
  switch (isa) {
    case Isa::kScalar:
      return "scalar";
    case Isa::kAvx2:
      return "avx2";
    case Isa::kAvx512:
      return "avx512";
    case Isa::kAvx512Bf16:
      return "avx512bf16";
    case Isa::kAmx:
      return "amx";
  }
  return "scalar";
}

namespace {

/// Leaf 7 of CPUID; not every compiler's builtins know these names.
struct ExtendedFeatures {
  unsigned ebx = 0, edx = 0, eax_1 = 0;

  ExtendedFeatures() {
    unsigned eax = 0, ecx = 0, unused = 0;
    __get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx);
    __get_cpuid_count(7, 1, &eax_1, &unused, &ecx, &unused);
  }
  bool sha() const { return (ebx >> 29 & 1) != 0; }
  bool avx512_bf16() const { return (eax_1 >> 5 & 1) != 0; }
  bool amx_bf16() const { return (edx >> 22 & 1) != 0; }
  bool amx_tile() const { return (edx >> 24 & 1) != 0; }
};

/// An instruction multiplies twice as many values as a float32 multiply-add. Intel's cores take four times as long for
/// it, AMD's (measured: Zen 5) as long as for the other.
bool has_fast_bf16_pairs() {
  return __builtin_cpu_is("amd") != 0;
}

/// Tile registers enlarge the state of each thread, so the kernel wants to be asked, once per process, before the first
/// use; without its yes the first tile instruction would end the process. It refuses too when a thread has a signal
/// stack that is too small.
bool may_use_tiles() {
  constexpr int kRequestPermission = 0x1023;  // ARCH_REQ_XCOMP_PERM
  constexpr int kTileData = 18;
  return syscall(SYS_arch_prctl, kRequestPermission, kTileData) == 0;
}

}  // namespace

Isa detected_isa() {
  static const Isa isa = [] {
    __builtin_cpu_init();
    const bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    const bool avx512 = avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                        __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq");
    const ExtendedFeatures features;
    if (!avx2) return Isa::kScalar;
    if (!avx512) return Isa::kAvx2;
    if (!features.avx512_bf16()) return Isa::kAvx512;
    if (features.amx_tile() && features.amx_bf16() && may_use_tiles()) return Isa::kAmx;
    return has_fast_bf16_pairs() ? Isa::kAvx512Bf16 : Isa::kAvx512;
  }();
  return isa;
}

Isa active_isa() {
  static const Isa isa = [] {
    const char* cap = std::getenv("HISTOJET_ISA");
    if (cap == nullptr || *cap == '\0') return detected_isa();
    for (const Isa candidate : kIsas) {
      if (isa_name(candidate) == cap) return std::min(candidate, detected_isa());
    }
    throw Error(ErrorCode::kInvalidArgument,
                std::string("HISTOJET_ISA is \"") + cap + "\", expected scalar, avx2, avx512, avx512bf16 or amx");
  }();
  return isa;
}

bool has_sha_instructions() {
  __builtin_cpu_init();
  return ExtendedFeatures().sha() && __builtin_cpu_supports("ssse3") && __builtin_cpu_supports("sse4.1");
}

std::vector<std::string> cpu_features() {
  __builtin_cpu_init();
  std::vector<std::string> features;
  const auto add = [&](const char* name, bool present) {
    if (present) features.emplace_back(name);
  };
  add("avx2", __builtin_cpu_supports("avx2"));
  add("fma", __builtin_cpu_supports("fma"));
  add("avx512f", __builtin_cpu_supports("avx512f"));
  add("avx512bw", __builtin_cpu_supports("avx512bw"));
  add("avx512vl", __builtin_cpu_supports("avx512vl"));
  add("avx512dq", __builtin_cpu_supports("avx512dq"));
  const ExtendedFeatures extended;
  add("avx512_bf16", extended.avx512_bf16());
  add("amx-bf16", extended.amx_bf16());
  add("amx-tile", extended.amx_tile());
  return features;
}

std::string cpu_model() {
  std::ifstream info("/proc/cpuinfo");
  for (std::string line; std::getline(info, line);) {
    if (line.rfind("model name", 0) != 0) continue;
    const auto colon = line.find(':');
    if (colon != std::string::npos && colon + 2 <= line.size()) return line.substr(colon + 2);
  }
  return "unknown";
}

namespace {

int affinity_core_count() {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (sched_getaffinity(0, sizeof set, &set) != 0) return 1;
  return std::max(1, CPU_COUNT(&set));
}

/// The quota of the control group (version 2) in cores, or a number too large to matter.
int quota_core_count() {
  std::ifstream file("/sys/fs/cgroup/cpu.max");
  std::string quota;
  double period = 0;
  if (!(file >> quota >> period) || quota == "max" || period <= 0) return 1 << 20;
  return std::max(1, static_cast<int>(std::ceil(std::atof(quota.c_str()) / period)));
}

}  // namespace

int usable_core_count() {
  if (const char* wanted = std::getenv("HISTOJET_THREADS")) {
    const int count = std::atoi(wanted);
    if (count >= 1 && count <= 1024) return count;
  }
  return std::min(affinity_core_count(), quota_core_count());
}

}  // namespace histojet
