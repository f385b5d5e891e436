#include "kernels/ssd_scan/ssd_scan_vector.hpp"

namespace histojet::kernels::avx512 {

void ssd_scan(const SsdScanArgs& args) {
  scan_head(args);
}

}  // namespace histojet::kernels::avx512
