// No tile registers here: the variant belongs to the CPUs that have them.
#include "kernels/adjoint_scan/adjoint_scan_vector.hpp"

namespace histojet::kernels::amx {

void adjoint_scan(const AdjointScanArgs& args) {
  adjoint_scan_any(args);
}

}  // namespace histojet::kernels::amx
