#include "kernels/fused_normalize/symmetric_filter.hpp"

namespace histojet::kernels::scalar {

void symmetric_filter(const SymmetricFilterArgs& args) {
  for (std::int64_t x = 0; x < args.width; ++x) {
    double sum = args.centre != nullptr ? args.centre[x] * args.centre_tap : 0;
    for (int k = 0; k < args.radius; ++k) {
      const double left = args.left[k][x], right = args.right[k][x];
      sum += (args.centre != nullptr ? left + right : right - left) * args.taps[k];
    }
    args.out[x] = sum;
  }
  if (args.range == nullptr) return;
  double low = args.range[0], high = args.range[1];
  for (std::int64_t x = 0; x < args.width; ++x) {
    low = args.out[x] < low ? args.out[x] : low;
    high = args.out[x] > high ? args.out[x] : high;
  }
  args.range[0] = low;
  args.range[1] = high;
}

}  // namespace histojet::kernels::scalar
