// Causal convolution with SiLU, matrix products and RMSNorm with their gradients, for training on a CPU (see ops.py).
// Float32, channels last. A sequence is cut into `segments` runs of `steps` steps; the convolution starts anew in each.
// `reverse` goes through every run backwards. Rows of x lie `x_row` floats apart, other tensors are dense.

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include "vectors.hpp"

extern "C" {

struct ConvShape {
  std::int64_t segments, steps, channels, x_row, reverse;
  std::int64_t accumulate;  // add to the gradient of x
};

}  // extern "C"

namespace {

constexpr int kTaps = 4;

struct ConvBlock {
  const ConvShape& shape;
  int lanes;
  Vector taps[kTaps], bias;

  ConvBlock(const ConvShape& s, const float* weight, const float* offsets, std::int64_t first)
      : shape(s), lanes(static_cast<int>(std::min<std::int64_t>(kLanes, s.channels - first))), taps{}, bias{} {
    bias = load(offsets + first, lanes);
    for (int k = 0; k < kTaps; ++k) {
      for (int i = 0; i < lanes; ++i) taps[k][i] = weight[(first + i) * kTaps + k];
    }
  }
  std::int64_t row(std::int64_t segment, std::int64_t step) const {
    return segment * shape.steps + (shape.reverse != 0 ? shape.steps - 1 - step : step);
  }
  /// Moves the window of the last inputs on and convolves it.
  Vector result(Vector* window, const Vector& next) const {
    for (int k = 0; k + 1 < kTaps; ++k) window[k] = window[k + 1];
    window[kTaps - 1] = next;
    Vector v = bias;
    for (int k = 0; k < kTaps; ++k) v += taps[k] * window[k];
    return v;
  }
};

constexpr int kRows = 8;              // of a tile of a matrix product
constexpr std::int64_t kDepth = 256;  // terms summed before the result is touched

/// A slice of a matrix product whose right side is packed.
struct Panel {
  const float* a;
  std::int64_t a_row, a_depth;
  const float* b;
  std::int64_t b_row, depth;
  bool accumulate;

  template <int kHeight, int kVectors>
  void tile(std::int64_t m, std::int64_t n, int lanes, float* c, std::int64_t c_row) const {
    Vector sums[kHeight][kVectors] = {};
    const float* from = a + m * a_row;
    for (std::int64_t k = 0; k < depth; ++k) {
      const float* line = b + k * b_row + n;
      for (int r = 0; r < kHeight; ++r) {
        const float value = from[r * a_row + k * a_depth];
        for (int v = 0; v < kVectors; ++v) sums[r][v] += load(line + v * kLanes, kLanes) * value;
      }
    }
    for (int r = 0; r < kHeight; ++r) {
      for (int v = 0; v < kVectors; ++v) {
        put(c + (m + r) * c_row + n + v * kLanes, sums[r][v], std::min(lanes - v * kLanes, kLanes));
      }
    }
  }
  template <int kVectors>
  void rows(std::int64_t count, std::int64_t n, int lanes, float* c, std::int64_t c_row) const {
    std::int64_t m = 0;
    for (; m + kRows <= count; m += kRows) tile<kRows, kVectors>(m, n, lanes, c, c_row);
    for (; m < count; ++m) tile<1, kVectors>(m, n, lanes, c, c_row);
  }
  void put(float* to, Vector v, int lanes) const {
    if (accumulate) v += load(to, lanes);
    store(to, v, lanes);
  }
};

}  // namespace

extern "C" {

/// out = silu(bias + causal convolution of x), dense rows; weight [channels][kTaps].
void conv_forward(const ConvShape* s, const float* x, const float* weight, const float* bias, float* out) {
  for (std::int64_t first = 0; first < s->channels; first += kLanes) {
    const ConvBlock block(*s, weight, bias, first);
    for (std::int64_t segment = 0; segment < s->segments; ++segment) {
      Vector window[kTaps] = {};
      for (std::int64_t t = 0; t < s->steps; ++t) {
        const std::int64_t row = block.row(segment, t);
        const Vector v = block.result(window, load(x + row * s->x_row + first, block.lanes));
        store(out + row * s->channels + first, v * sigmoid(v), block.lanes);
      }
    }
  }
}

/// Gradients of conv_forward: gx (rows of x_row) is written or added to; gweight and gbias are added to. `gout` becomes
/// the gradient by the convolution's result.
void conv_backward(const ConvShape* s, const float* x, const float* weight, const float* bias, float* gout, float* gx,
                   float* gweight, float* gbias) {
  for (std::int64_t first = 0; first < s->channels; first += kLanes) {
    const ConvBlock block(*s, weight, bias, first);
    Vector sums[kTaps] = {};
    Vector sum_bias = {};
    for (std::int64_t segment = 0; segment < s->segments; ++segment) {
      Vector window[kTaps] = {};
      for (std::int64_t t = 0; t < s->steps; ++t) {
        const std::int64_t row = block.row(segment, t);
        const Vector v = block.result(window, load(x + row * s->x_row + first, block.lanes));
        const Vector gate = sigmoid(v);
        float* place = gout + row * s->channels + first;
        const Vector g = load(place, block.lanes) * gate * (1.0f + v * (1.0f - gate));
        store(place, g, block.lanes);
        sum_bias += g;
        for (int k = 0; k < kTaps; ++k) sums[k] += g * window[k];
      }
      Vector later[kTaps] = {};  // the gradients of this step and the next ones
      for (std::int64_t t = s->steps - 1; t >= 0; --t) {
        const std::int64_t row = block.row(segment, t);
        for (int k = kTaps - 1; k > 0; --k) later[k] = later[k - 1];
        later[0] = load(gout + row * s->channels + first, block.lanes);
        Vector g = {};
        for (int k = 0; k < kTaps; ++k) g += block.taps[kTaps - 1 - k] * later[k];
        float* to = gx + row * s->x_row + first;
        if (s->accumulate != 0) g += load(to, block.lanes);
        store(to, g, block.lanes);
      }
    }
    for (int i = 0; i < block.lanes; ++i) {
      gbias[first + i] += sum_bias[i];
      for (int k = 0; k < kTaps; ++k) gweight[(first + i) * kTaps + k] += sums[k][i];
    }
  }
}

/// c[m][n] (+)= sum over k of a(m, k) * b(k, n). a and b may be transposed: strides are given for both axes; c is
/// dense along n.
void product(std::int64_t rows, std::int64_t columns, std::int64_t depth, const float* a, std::int64_t a_row,
             std::int64_t a_depth, const float* b, std::int64_t b_depth, std::int64_t b_column, float* c,
             std::int64_t c_row, std::int64_t accumulate) {
  const std::int64_t padded = (columns + kLanes - 1) / kLanes * kLanes;
  const std::int64_t span = std::min(depth, kDepth);
  std::vector<float> packed(static_cast<std::size_t>(span * padded), 0.0f);
  for (std::int64_t from = 0; from < depth; from += kDepth) {
    const std::int64_t count = std::min(kDepth, depth - from);
    for (std::int64_t k = 0; k < count; ++k) {
      const float* line = b + (from + k) * b_depth;
      float* to = packed.data() + k * padded;
      if (b_column == 1)
        for (std::int64_t n = 0; n < columns; ++n) to[n] = line[n];
      else
        for (std::int64_t n = 0; n < columns; ++n) to[n] = line[n * b_column];
    }
    const Panel panel{a + from * a_depth, a_row, a_depth, packed.data(), padded, count, accumulate != 0 || from > 0};
    for (std::int64_t n = 0; n < columns; n += 2 * kLanes) {
      const int lanes = static_cast<int>(std::min<std::int64_t>(2 * kLanes, columns - n));
      if (lanes > kLanes)
        panel.rows<2>(rows, n, lanes, c, c_row);
      else
        panel.rows<1>(rows, n, lanes, c, c_row);
    }
  }
}

/// y = x * weight / sqrt(mean(x^2) + eps) for rows of `width`; `scale` keeps the inverse roots.
void rms_forward(std::int64_t rows, std::int64_t width, float eps, const float* x, const float* weight, float* y,
                 float* scale) {
  for (std::int64_t r = 0; r < rows; ++r) {
    const float* in = x + r * width;
    float square = 0;
    for (std::int64_t c = 0; c < width; ++c) square += in[c] * in[c];
    const float inverse = 1.0f / std::sqrt(square / static_cast<float>(width) + eps);
    scale[r] = inverse;
    for (std::int64_t c = 0; c < width; ++c) y[r * width + c] = in[c] * inverse * weight[c];
  }
}

/// gx is written, gweight added to.
void rms_backward(std::int64_t rows, std::int64_t width, const float* x, const float* weight, const float* scale,
                  const float* gy, float* gx, float* gweight) {
  for (std::int64_t r = 0; r < rows; ++r) {
    const float* in = x + r * width;
    const float* g = gy + r * width;
    const float inverse = scale[r];
    float dot = 0;
    for (std::int64_t c = 0; c < width; ++c) dot += g[c] * weight[c] * in[c];
    const float pull = dot * inverse * inverse * inverse / static_cast<float>(width);
    for (std::int64_t c = 0; c < width; ++c) {
      gweight[c] += g[c] * in[c] * inverse;
      gx[r * width + c] = g[c] * weight[c] * inverse - in[c] * pull;
    }
  }
}

}  // extern "C"
