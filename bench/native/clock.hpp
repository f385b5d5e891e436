#pragma once

#include <chrono>
#include <ctime>

/// Processor time of this process so far, all threads.
inline double cpu_seconds() {
  timespec now{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

/// Time on the wall since some fixed moment.
inline double wall_seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

inline double cpu_ms() {
  return 1e3 * cpu_seconds();
}

inline double wall_ms() {
  return 1e3 * wall_seconds();
}
