// No tile registers here: the variant belongs to the CPUs that have them, whose vector units convert bfloat16.
#include "kernels/resize_bilinear/resize_bilinear_vector.hpp"

namespace histojet::kernels::amx {

void resize_bilinear(const ResizeBilinearArgs& args) {
  resize_any(args);
}

}  // namespace histojet::kernels::amx
