#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/locked_file.hpp"
#include "base/resident_memory.hpp"
#include "histojet/version.hpp"

namespace histojet {

/// What this machine offers and what the kernels use of it.
struct SystemInfo {
  std::string cpu_model;
  std::vector<std::string> cpu_features;
  std::string isa;  ///< "scalar", "avx2", "avx512", "avx512bf16" or "amx"; HISTOJET_ISA caps it
  int threads = 0;  ///< size of the executor
};
/// @throws Error kInvalidArgument when HISTOJET_ISA names no instruction set.
SystemInfo system_info();

}  // namespace histojet
