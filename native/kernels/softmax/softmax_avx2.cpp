#include "kernels/softmax/softmax_vector.hpp"

namespace histojet::kernels::avx2 {

void softmax(const SoftmaxArgs& args) {
  softmax_any(args);
}

}  // namespace histojet::kernels::avx2
