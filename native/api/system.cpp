#include "histojet/system.hpp"

#include <unistd.h>

#include <fstream>

#include "base/cpu_info.hpp"
#include "base/executor.hpp"

namespace histojet {

SystemInfo system_info() {
  return {cpu_model(), cpu_features(), std::string(isa_name(active_isa())), Executor::instance().thread_count()};
}

std::int64_t resident_bytes() {
  std::ifstream statm("/proc/self/statm");
  std::int64_t total_pages = 0;
  std::int64_t resident_pages = 0;
  if (!(statm >> total_pages >> resident_pages)) return 0;
  return resident_pages * sysconf(_SC_PAGESIZE);
}

}  // namespace histojet
