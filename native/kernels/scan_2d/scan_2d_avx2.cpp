#include "kernels/scan_2d/scan_2d_vector.hpp"

namespace histojet::kernels::avx2 {

void scan_2d(const Scan2dArgs& args) {
  scan_cells(args);
}

}  // namespace histojet::kernels::avx2
