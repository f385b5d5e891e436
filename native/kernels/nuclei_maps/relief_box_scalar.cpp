#include "kernels/nuclei_maps/relief_box_vector.hpp"

namespace histojet::kernels::scalar {

void relief_box(const ReliefArgs& args) {
  relief_with(args);
}

}  // namespace histojet::kernels::scalar
