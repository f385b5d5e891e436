#include "kernels/resize_bilinear/resize_bilinear.hpp"
#include "kernels/vector/stored.hpp"

namespace histojet::kernels::scalar {
namespace {

float between(float first, float second, float second_share) {
  return (1.0f - second_share) * first + second_share * second;
}

}  // namespace

void resize_bilinear(const ResizeBilinearArgs& args) {
  for (std::int64_t x = 0; x < args.out_width; ++x) {
    const ResizeTap& tap = args.columns[x];
    for (std::int64_t c = 0; c < args.channels; ++c) {
      const auto mixed = [&](const RowIn& row) {
        return between(load(row, args.storage, tap.first * args.channels + c),
                       load(row, args.storage, tap.second * args.channels + c), tap.second_share);
      };
      const float value = between(mixed(args.first), mixed(args.second), args.second_share);
      store(args.out, args.storage, x * args.channels + c, value);
    }
  }
}

}  // namespace histojet::kernels::scalar
