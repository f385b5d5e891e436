// No tile registers here: the variant belongs to the CPUs that have them.
#include "kernels/selective_scan/selective_scan_vector.hpp"

namespace histojet::kernels::amx {

void selective_scan(const SelectiveScanArgs& args) {
  scan_channels(args);
}

}  // namespace histojet::kernels::amx
