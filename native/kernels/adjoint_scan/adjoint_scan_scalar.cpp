#include <cmath>

#include "kernels/adjoint_scan/adjoint_scan.hpp"

namespace histojet::kernels::scalar {
namespace {

double softplus(double x) {
  return (x > 0 ? x : 0) + std::log1p(std::exp(-std::fabs(x)));
}

float column(const AdjointScanArgs& args, std::int64_t t, std::int64_t channel) {
  const float raw =
      args.delta[t * args.delta_step + channel] + (args.delta_bias == nullptr ? 0.0f : args.delta_bias[channel]);
  const float dt = args.delta_softplus ? static_cast<float>(softplus(raw)) : raw;
  const double importance = args.importance == nullptr ? 1.0 : args.importance[t * args.importance_step + channel];
  const double weight = importance * args.weight[t * args.weight_step];
  double sum = 0;
  for (std::int64_t n = 0; n < args.states; ++n) {
    float& state = args.state[n * args.channel_stride + channel];
    const double g = state + weight * args.c[t * args.c_step + n];
    sum += g * args.b[t * args.b_step + n];
    state = static_cast<float>(g * std::exp2(static_cast<double>(dt) * args.a2[n * args.channel_stride + channel]));
  }
  sum *= dt;
  if (args.d != nullptr) sum += args.d[channel] * weight;
  if (args.value != nullptr) sum *= args.value[t * args.value_step + channel];
  return static_cast<float>(sum);
}

}  // namespace

void adjoint_scan(const AdjointScanArgs& args) {
  for (std::int64_t t = 0; t < args.steps; ++t) {
    double sum = 0;
    for (std::int64_t channel = 0; channel < args.channels; ++channel) {
      const float value = column(args, t, channel);
      sum += value;
      if (args.columns != nullptr) args.columns[t * args.columns_step + channel] = value;
    }
    if (args.sum != nullptr) args.sum[t * args.sum_step] = static_cast<float>(sum);
  }
}

}  // namespace histojet::kernels::scalar
