#pragma once

#include <cmath>

#include "kernels/selective_scan/selective_scan.hpp"

namespace histojet::kernels::scalar {
// The parts of one step of one channel, for the scalar variants of scans; exponentials and sums in double precision.

struct StepInput {
  float u;
  float dt;
};

inline StepInput step_input(const SelectiveScanArgs& args, std::int64_t t, std::int64_t channel) {
  const float bias = args.delta_bias == nullptr ? 0.0f : args.delta_bias[channel];
  const float raw = args.delta[t * args.delta_step + channel] + bias;
  if (!std::isfinite(raw) && args.delta_broken != nullptr) *args.delta_broken = true;
  const double x = raw;
  const double softplus = (x > 0 ? x : 0) + std::log1p(std::exp(-std::fabs(x)));
  return {args.u[t * args.u_step + channel], args.delta_softplus ? static_cast<float>(softplus) : raw};
}

struct StateInput {
  double decay;
  double input;
  double c;
};

inline StateInput state_input(const SelectiveScanArgs& args, const StepInput& in, std::int64_t t, std::int64_t n,
                              std::int64_t channel) {
  const std::int64_t at = n * args.channel_stride + channel;
  const double b = args.b_per_channel ? args.b[at] : args.b[t * args.b_step + n];
  const double c = args.c_per_channel ? args.c[at] : args.c[t * args.c_step + n];
  const double dt = in.dt;
  return {std::exp2(dt * args.a2[at]), dt * in.u * b, c};
}

/// The skip, what another scan gave, and the gate.
inline void write_step(const SelectiveScanArgs& args, const StepInput& in, std::int64_t t, std::int64_t channel,
                       double sum) {
  if (args.d != nullptr) sum += static_cast<double>(args.d[channel]) * in.u;
  if (args.addend != nullptr) sum += static_cast<double>(args.addend[t * args.addend_step + channel]);
  if (args.z != nullptr) {
    const double z = args.z[t * args.z_step + channel];
    sum *= z / (1 + std::exp(-z));
  }
  args.y[t * args.y_step + channel] = static_cast<float>(sum);
}

}  // namespace histojet::kernels::scalar
