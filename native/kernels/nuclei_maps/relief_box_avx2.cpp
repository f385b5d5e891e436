#include "kernels/nuclei_maps/relief_box_vector.hpp"

namespace histojet::kernels::avx2 {

void relief_box(const ReliefArgs& args) {
  relief_with(args);
}

}  // namespace histojet::kernels::avx2
