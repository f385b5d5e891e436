#pragma once

#include "base/cancel.hpp"
#include "base/cpu_info.hpp"

namespace histojet::merging {

/// Where the work runs. Results depend on none of it.
struct Run {
  int threads = 0;  ///< 0: all of the executor
  Isa isa = active_isa();
  CancelToken cancel;
};

}  // namespace histojet::merging
