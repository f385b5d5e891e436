// No tile registers here: the variant belongs to the CPUs that have them, whose vector units convert bfloat16.
#include "kernels/rms_norm/rms_norm_vector.hpp"

namespace histojet::kernels::amx {

void rms_norm(const RmsNormArgs& args) {
  rms_any(args);
}

}  // namespace histojet::kernels::amx
