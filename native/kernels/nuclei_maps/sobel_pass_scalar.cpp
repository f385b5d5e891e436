#include "kernels/nuclei_maps/sobel_pass.hpp"

namespace histojet::kernels::scalar {

void sobel_row(const SobelRowArgs& args) {
  for (std::int64_t x = 0; x < args.width; ++x) args.out[x] = 0;
  for (int k = -args.radius; k <= args.radius; ++k) {
    if (k == 0 && !args.symmetric) continue;
    const double tap = k < 0 && !args.symmetric ? -args.taps[-k] : args.taps[k < 0 ? -k : k];
    const double* in = args.in + k;
    for (std::int64_t x = 0; x < args.width; ++x) args.out[x] += in[x] * tap;
  }
}

void sobel_column(const SobelColumnArgs& args) {
  double low = args.range[0], high = args.range[1];
  for (std::int64_t y = 0; y < args.rows; ++y) {
    const double* in = args.in + y * kSobelStride;
    double* out = args.out + y * kSobelStride;
    const double sign = args.symmetric ? 1 : -1;
    for (std::int64_t x = 0; x < args.width; ++x) out[x] = args.symmetric ? in[x] * args.taps[0] : 0;
    for (int k = 1; k <= args.radius; ++k) {
      const double *above = in - k * kSobelStride, *below = in + k * kSobelStride;
      for (std::int64_t x = 0; x < args.width; ++x) out[x] += (below[x] + sign * above[x]) * args.taps[k];
    }
    for (std::int64_t x = 0; x < args.width; ++x) {
      low = out[x] < low ? out[x] : low;
      high = out[x] > high ? out[x] : high;
    }
  }
  args.range[0] = low;
  args.range[1] = high;
}

}  // namespace histojet::kernels::scalar
