// For CPUs whose vector units convert bfloat16.
#include "kernels/rms_norm/rms_norm_vector.hpp"

namespace histojet::kernels::avx512bf16 {

void rms_norm(const RmsNormArgs& args) {
  rms_any(args);
}

}  // namespace histojet::kernels::avx512bf16
