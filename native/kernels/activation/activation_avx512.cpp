#include "kernels/activation/activation_vector.hpp"

namespace histojet::kernels::avx512 {

void activation(const ActivationArgs& args) {
  activate_any(args);
}

}  // namespace histojet::kernels::avx512
