#include <cmath>

#include "kernels/ssd_scan/ssd_scan.hpp"

namespace histojet::kernels::scalar {
namespace {

float step_size(const SsdScanArgs& args, std::int64_t t) {
  const float raw = args.dt[t * args.dt_step] + args.dt_bias;
  if (!std::isfinite(raw) && args.dt_broken != nullptr) *args.dt_broken = true;
  const double x = raw;
  return args.dt_softplus ? static_cast<float>((x > 0 ? x : 0) + std::log1p(std::exp(-std::fabs(x)))) : raw;
}

}  // namespace

void ssd_scan(const SsdScanArgs& args) {
  for (std::int64_t t = 0; t < args.steps; ++t) {
    const double dt = step_size(args, t);
    const double decay = std::exp2(dt * args.a2);
    const float* b = args.b + t * args.b_step;
    const float* c = args.c + t * args.c_step;
    for (std::int64_t i = 0; i < args.channels; ++i) {
      const double x = args.x[t * args.x_step + i];
      double sum = args.d * x;
      for (std::int64_t n = 0; n < args.states; ++n) {
        float& h = args.state[n * args.channel_stride + i];
        h = static_cast<float>(decay * h + dt * x * b[n]);
        sum += static_cast<double>(c[n]) * h;
      }
      args.y[t * args.y_step + i] = static_cast<float>(sum);
    }
  }
}

}  // namespace histojet::kernels::scalar
