// For CPUs whose vector units convert bfloat16.
#include "kernels/softmax/softmax_vector.hpp"

namespace histojet::kernels::avx512bf16 {

void softmax(const SoftmaxArgs& args) {
  softmax_any(args);
}

}  // namespace histojet::kernels::avx512bf16
