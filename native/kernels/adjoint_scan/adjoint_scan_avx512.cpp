#include "kernels/adjoint_scan/adjoint_scan_vector.hpp"

namespace histojet::kernels::avx512 {

void adjoint_scan(const AdjointScanArgs& args) {
  adjoint_scan_any(args);
}

}  // namespace histojet::kernels::avx512
