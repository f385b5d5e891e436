#include "kernels/resize_bilinear2x/resize_bilinear2x.hpp"

namespace histojet::kernels::scalar {

void resize_bilinear2x(const ResizeBilinear2xArgs& args) {
  const std::int64_t channels = args.channels;
  for (std::int64_t x = 0; x < 2 * args.width; ++x) {
    const std::int64_t center = x / 2;
    const std::int64_t wanted = x % 2 == 0 ? center - 1 : center + 1;
    const std::int64_t neighbour = wanted < 0 ? 0 : wanted >= args.width ? args.width - 1 : wanted;
    for (std::int64_t c = 0; c < channels; ++c) {
      const std::int64_t main = center * channels + c;
      const std::int64_t side = neighbour * channels + c;
      const float near = 0.75f * args.near[main] + 0.25f * args.near[side];
      const float far = 0.75f * args.far[main] + 0.25f * args.far[side];
      args.out[x * channels + c] = 0.75f * near + 0.25f * far;
    }
  }
}

}  // namespace histojet::kernels::scalar
