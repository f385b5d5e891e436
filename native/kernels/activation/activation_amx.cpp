// No tile registers here: the variant belongs to the CPUs that have them, whose vector units convert bfloat16.
#include "kernels/activation/activation_vector.hpp"

namespace histojet::kernels::amx {

void activation(const ActivationArgs& args) {
  activate_any(args);
}

}  // namespace histojet::kernels::amx
