#pragma once

#include <cstdint>
#include <functional>

#include "base/cancel.hpp"
#include "base/cpu_info.hpp"

namespace histojet::scan {

/// How a scan runs; nothing here changes its result but `isa`, in the last digits.
struct ScanRun {
  int threads = 0;  ///< at most; 0: all that the process has
  CancelToken cancel;
  /// Called from any thread with the values of y that are done, and all.
  std::function<void(std::int64_t, std::int64_t)> progress;
  Isa isa = active_isa();
};

}  // namespace histojet::scan
