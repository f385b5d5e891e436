#pragma once

#include <algorithm>
#include <cmath>
#include <cstring>
#include <random>
#include <vector>

#include "available_isas.hpp"
#include "fixtures.hpp"
#include "scan/scan_tensors.hpp"

namespace histojet::test {

inline double largest(const Tensor& tensor) {
  double most = 0;
  for (const float value : tensor.values<float>()) most = std::max(most, std::fabs(static_cast<double>(value)));
  return most;
}

/// The bar of the scan: 1e-6 of the largest value plus 1e-6.
inline void expect_close(const Tensor& actual, const Tensor& exact, const std::string& what, double relative = 1e-6) {
  ASSERT_EQ(actual.shape(), exact.shape()) << what;
  double worst = 0;
  for (std::int64_t i = 0; i < exact.size(); ++i) {
    const auto at = static_cast<std::size_t>(i);
    const double error = std::fabs(static_cast<double>(actual.values<float>()[at]) - exact.values<float>()[at]);
    if (!(error <= worst)) worst = error;
  }
  EXPECT_LE(worst, relative * largest(exact) + 1e-6) << what;
}

inline bool same_bits(const Tensor& a, const Tensor& b) {
  return a.shape() == b.shape() && std::memcmp(a.bytes(), b.bytes(), a.byte_size()) == 0;
}

/// Swaps the last two sides: [batch, x, y] to [batch, y, x], and [batch, g, n, l] to [batch, l, g, n].
inline Tensor time_first(const Tensor& from) {
  const Shape& shape = from.shape();
  const std::int64_t length = shape.back(), inner = shape.size() == 4 ? shape[1] * shape[2] : shape[1];
  Shape turned = shape.size() == 4 ? Shape{shape[0], length, shape[1], shape[2]} : Shape{shape[0], length, shape[1]};
  Tensor to(DType::kF32, turned);
  for (std::int64_t b = 0; b < shape[0]; ++b) {
    for (std::int64_t i = 0; i < inner; ++i) {
      for (std::int64_t t = 0; t < length; ++t) {
        to.values<float>()[static_cast<std::size_t>((b * length + t) * inner + i)] =
            from.values<float>()[static_cast<std::size_t>((b * inner + i) * length + t)];
      }
    }
  }
  return to;
}

inline Tensor random_tensor(Shape shape, std::mt19937& random, float low, float high) {
  Tensor tensor(DType::kF32, std::move(shape));
  std::uniform_real_distribution<float> values(low, high);
  for (float& value : tensor.values<float>()) value = values(random);
  return tensor;
}

/// A scan like that of a trained block, layout kBdl.
inline scan::ScanTensors random_scan(std::int64_t batch, std::int64_t channels, std::int64_t states,
                                     std::int64_t length, std::int64_t groups = 1, unsigned seed = 1) {
  std::mt19937 random(seed);
  scan::ScanTensors scan;
  scan.u = random_tensor({batch, channels, length}, random, -1, 1);
  scan.delta = random_tensor({batch, channels, length}, random, -2, 2);
  scan.z = random_tensor({batch, channels, length}, random, -3, 3);
  scan.a = random_tensor({channels, states}, random, -4, -0.5f);
  const Shape factor = groups == 1 ? Shape{batch, states, length} : Shape{batch, groups, states, length};
  scan.b = random_tensor(factor, random, -1, 1);
  scan.c = random_tensor(factor, random, -1, 1);
  scan.d = random_tensor({channels}, random, 0.5f, 1.5f);
  scan.delta_bias = random_tensor({channels}, random, -5, -2);
  scan.initial_state = random_tensor({batch, channels, states}, random, -1, 1);
  scan.delta_softplus = true;
  scan.last_state = true;
  return scan;
}

/// The same scan with channels last.
inline scan::ScanTensors channels_last(scan::ScanTensors scan) {
  for (Tensor* tensor : {&scan.u, &scan.delta}) *tensor = time_first(*tensor);
  if (scan.z) scan.z = time_first(*scan.z);
  if (scan.b.shape().size() > 2) scan.b = time_first(scan.b);
  if (scan.c.shape().size() > 2) scan.c = time_first(scan.c);
  scan.layout = scan::Layout::kBld;
  return scan;
}

/// y and the last state of a scan in layout kBdl, in double precision and step by step as the definition says.
inline scan::ScanResult exact_scan(const scan::ScanTensors& scan) {
  const Shape& shape = scan.u.shape();
  const std::int64_t batch = shape[0], channels = shape[1], length = shape[2], states = scan.a.shape()[1];
  scan::ScanResult result{Tensor(DType::kF32, shape), Tensor(DType::kF32, {batch, channels, states})};
  const auto at = [](const Tensor& tensor, std::int64_t i) {
    return static_cast<double>(tensor.values<float>()[static_cast<std::size_t>(i)]);
  };
  const auto factor = [&](const Tensor& tensor, std::int64_t b, std::int64_t d, std::int64_t n, std::int64_t t) {
    if (tensor.shape().size() == 2) return at(tensor, d * states + n);
    const std::int64_t groups = tensor.shape().size() == 4 ? tensor.shape()[1] : 1;
    return at(tensor, ((b * groups + d / (channels / groups)) * states + n) * length + t);
  };
  for (std::int64_t b = 0; b < batch; ++b) {
    for (std::int64_t d = 0; d < channels; ++d) {
      std::vector<double> state(static_cast<std::size_t>(states));
      for (std::int64_t n = 0; n < states; ++n) {
        if (scan.initial_state) {
          state[static_cast<std::size_t>(n)] = at(*scan.initial_state, (b * channels + d) * states + n);
        }
      }
      for (std::int64_t step = 0; step < length; ++step) {
        const std::int64_t t = scan.reverse ? length - 1 - step : step, i = (b * channels + d) * length + t;
        const double raw = at(scan.delta, i) + (scan.delta_bias ? at(*scan.delta_bias, d) : 0.0);
        const double dt = scan.delta_softplus ? std::max(raw, 0.0) + std::log1p(std::exp(-std::fabs(raw))) : raw;
        double y = scan.d ? at(*scan.d, d) * at(scan.u, i) : 0.0;
        for (std::int64_t n = 0; n < states; ++n) {
          double& h = state[static_cast<std::size_t>(n)];
          h = h * std::exp(dt * at(scan.a, d * states + n)) + dt * at(scan.u, i) * factor(scan.b, b, d, n, t);
          y += h * factor(scan.c, b, d, n, t);
        }
        if (scan.z) y *= at(*scan.z, i) / (1 + std::exp(-at(*scan.z, i)));
        result.y.values<float>()[static_cast<std::size_t>(i)] = static_cast<float>(y);
      }
      for (std::int64_t n = 0; n < states; ++n) {
        result.last_state->values<float>()[static_cast<std::size_t>((b * channels + d) * states + n)] =
            static_cast<float>(state[static_cast<std::size_t>(n)]);
      }
    }
  }
  return result;
}

}  // namespace histojet::test
