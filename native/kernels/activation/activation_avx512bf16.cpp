// For CPUs whose vector units convert bfloat16.
#include "kernels/activation/activation_vector.hpp"

namespace histojet::kernels::avx512bf16 {

void activation(const ActivationArgs& args) {
  activate_any(args);
}

}  // namespace histojet::kernels::avx512bf16
