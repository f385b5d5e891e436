// No tile registers here: the variant belongs to the CPUs that have them, whose vector units convert bfloat16.
#include "kernels/causal_conv1d/causal_conv1d_vector.hpp"

namespace histojet::kernels::amx {

void causal_conv1d(const CausalConv1dArgs& args) {
  convolve_causal(args);
}

}  // namespace histojet::kernels::amx
