// For CPUs whose vector units convert bfloat16.
#include "kernels/selective_scan/selective_scan_vector.hpp"

namespace histojet::kernels::avx512bf16 {

void selective_scan(const SelectiveScanArgs& args) {
  scan_channels(args);
}

}  // namespace histojet::kernels::avx512bf16
