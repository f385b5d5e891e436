// No tile registers here: the variant belongs to the CPUs that have them, whose vector units convert bfloat16.
#include "kernels/softmax/softmax_vector.hpp"

namespace histojet::kernels::amx {

void softmax(const SoftmaxArgs& args) {
  softmax_any(args);
}

}  // namespace histojet::kernels::amx
