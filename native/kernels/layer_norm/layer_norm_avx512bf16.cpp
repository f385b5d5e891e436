// For CPUs whose vector units convert bfloat16.
#include "kernels/layer_norm/layer_norm_vector.hpp"

namespace histojet::kernels::avx512bf16 {

void layer_norm(const LayerNormArgs& args) {
  norm_any(args);
}

}  // namespace histojet::kernels::avx512bf16
