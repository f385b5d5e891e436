#include <cmath>

#include "kernels/pointwise/pointwise.hpp"
#include "kernels/vector/stored.hpp"

namespace histojet::kernels::scalar {

void pointwise(const PointwiseArgs& args) {
  for (std::int64_t x = 0; x < args.width; ++x) {
    const std::int64_t source_x = args.enlarge ? x / 2 : x;
    for (std::int64_t c = 0; c < args.channels; ++c) {
      float value = load(args.a, args.storage, source_x * args.channels + c);
      if (args.b.pixels != nullptr) value += load(args.b, args.storage, x * args.channels + c);
      if (args.scale != nullptr) value = std::fma(args.scale[c], value, args.shift[c]);
      if (args.relu && value < 0.0f) value = 0.0f;
      store(args.out, args.storage, x * args.channels + c, value);
    }
  }
}

}  // namespace histojet::kernels::scalar
