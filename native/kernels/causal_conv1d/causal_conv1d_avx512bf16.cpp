// For CPUs whose vector units convert bfloat16.
#include "kernels/causal_conv1d/causal_conv1d_vector.hpp"

namespace histojet::kernels::avx512bf16 {

void causal_conv1d(const CausalConv1dArgs& args) {
  convolve_causal(args);
}

}  // namespace histojet::kernels::avx512bf16
