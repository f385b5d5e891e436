#include "kernels/fused_normalize/plane_range.hpp"

namespace histojet::kernels::scalar {

void plane_range(const PlaneRangeArgs& args) {
  float low = args.in[0], high = args.in[0], rest = 0;
  for (std::int64_t i = 0; i < args.count; ++i) {
    const float value = args.in[i];
    low = value < low ? value : low;
    high = value > high ? value : high;
    rest += value - value;  // 0, or NaN for what is not finite
  }
  *args.low = low;
  *args.high = high;
  *args.finite = rest == 0;
}

}  // namespace histojet::kernels::scalar
