// For CPUs whose vector units convert bfloat16.
#include "kernels/resize_bilinear/resize_bilinear_vector.hpp"

namespace histojet::kernels::avx512bf16 {

void resize_bilinear(const ResizeBilinearArgs& args) {
  resize_any(args);
}

}  // namespace histojet::kernels::avx512bf16
