#include "kernels/image_to_float/image_to_float.hpp"

namespace histojet::kernels::scalar {

void image_to_float(const ImageToFloatArgs& args) {
  for (std::int64_t i = 0; i < args.count; ++i) args.out[i] = static_cast<float>(args.in[i]) / 255.0f;
}

}  // namespace histojet::kernels::scalar
