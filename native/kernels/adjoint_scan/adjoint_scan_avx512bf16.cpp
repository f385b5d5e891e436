// For CPUs whose vector units convert bfloat16.
#include "kernels/adjoint_scan/adjoint_scan_vector.hpp"

namespace histojet::kernels::avx512bf16 {

void adjoint_scan(const AdjointScanArgs& args) {
  adjoint_scan_any(args);
}

}  // namespace histojet::kernels::avx512bf16
