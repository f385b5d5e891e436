#include "kernels/resize_bilinear/resize_bilinear_vector.hpp"

namespace histojet::kernels::avx512 {

void resize_bilinear(const ResizeBilinearArgs& args) {
  resize_any(args);
}

}  // namespace histojet::kernels::avx512
