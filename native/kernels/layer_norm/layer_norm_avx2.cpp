#include "kernels/layer_norm/layer_norm_vector.hpp"

namespace histojet::kernels::avx2 {

void layer_norm(const LayerNormArgs& args) {
  norm_any(args);
}

}  // namespace histojet::kernels::avx2
