#include "kernels/activation/activation_vector.hpp"

namespace histojet::kernels::avx2 {

void activation(const ActivationArgs& args) {
  activate_any(args);
}

}  // namespace histojet::kernels::avx2
