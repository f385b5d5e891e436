// No tile registers here: the variant belongs to the CPUs that have them, whose vector units convert bfloat16.
#include "kernels/layer_norm/layer_norm_vector.hpp"

namespace histojet::kernels::amx {

void layer_norm(const LayerNormArgs& args) {
  norm_any(args);
}

}  // namespace histojet::kernels::amx
