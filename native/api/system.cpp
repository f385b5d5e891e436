#include "histojet/system.hpp"

#include "base/cpu_info.hpp"
#include "base/executor.hpp"

namespace histojet {

SystemInfo system_info() {
  return {cpu_model(), cpu_features(), std::string(isa_name(active_isa())), Executor::instance().thread_count()};
}

}  // namespace histojet
