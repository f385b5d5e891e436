#include "kernels/softmax/softmax_vector.hpp"

namespace histojet::kernels::avx512 {

void softmax(const SoftmaxArgs& args) {
  softmax_any(args);
}

}  // namespace histojet::kernels::avx512
