#include "base/cpu_info.hpp"

#include <sched.h>

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
    case Isa::kAmx:
      return "amx";
  }
  return "scalar";
}

Isa detected_isa() {
  static const Isa isa = [] {
    __builtin_cpu_init();
    const bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    const bool avx512 = avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                        __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq");
    return avx512 ? Isa::kAvx512 : avx2 ? Isa::kAvx2 : Isa::kScalar;
  }();
  return isa;
}

Isa active_isa() {
  static const Isa isa = [] {
    const char* cap = std::getenv("HISTOJET_ISA");
    if (cap == nullptr || *cap == '\0') return detected_isa();
    for (const Isa candidate : {Isa::kScalar, Isa::kAvx2, Isa::kAvx512, Isa::kAmx}) {
      if (isa_name(candidate) == cap) return std::min(candidate, detected_isa());
    }
    throw Error(ErrorCode::kInvalidArgument,
                std::string("HISTOJET_ISA is \"") + cap + "\", expected scalar, avx2, avx512 or amx");
  }();
  return isa;
}

std::vector<std::string> cpu_features() {
  std::vector<std::string> features;
  __builtin_cpu_init();
#define HISTOJET_FEATURE(name) \
  if (__builtin_cpu_supports(name)) features.emplace_back(name)
  HISTOJET_FEATURE("avx2");
  HISTOJET_FEATURE("fma");
  HISTOJET_FEATURE("avx512f");
  HISTOJET_FEATURE("avx512bw");
  HISTOJET_FEATURE("avx512vl");
  HISTOJET_FEATURE("avx512dq");
  HISTOJET_FEATURE("avx512bf16");
  HISTOJET_FEATURE("amx-tile");
  HISTOJET_FEATURE("amx-bf16");
#undef HISTOJET_FEATURE
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
