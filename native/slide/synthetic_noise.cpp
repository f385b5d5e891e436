#include "slide/synthetic_noise.hpp"

#include <cmath>

namespace histojet::slide {

std::uint32_t CellRandom::bits() {
  state_ += 0x9E3779B97F4A7C15ull;
  std::uint64_t z = state_;
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ull;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBull;
  return static_cast<std::uint32_t>((z ^ (z >> 31)) >> 32);
}

float CellRandom::normal() {
  const float sum = unit() + unit() + unit() + unit();
  return (sum - 2.0f) * 1.7320508f;
}

float CellRandom::spread(float sigma) {
  return portable_exp(sigma * normal());
}

float portable_exp(float x) {
  double r = 1.0 + static_cast<double>(x) / 4096.0;
  for (int i = 0; i < 12; ++i) r *= r;
  return static_cast<float>(r);
}

namespace {

/// Sine of a quarter turn's fraction t in -1..1 (Taylor to the ninth power).
double quarter_sine(double t) {
  const double x = t * 1.5707963267948966;
  const double s = x * x;
  return x * (1 + s * (-1.0 / 6 + s * (1.0 / 120 + s * (-1.0 / 5040 + s / 362880))));
}

double sine_of_turns(double turns) {
  double t = turns - std::floor(turns);  // 0..1
  if (t > 0.75) return quarter_sine((t - 1.0) * 4);
  if (t > 0.25) return quarter_sine((0.5 - t) * 4);
  return quarter_sine(t * 4);
}

constexpr int kGradients = 16;
struct GradientTable {
  float x[kGradients];
  float y[kGradients];
  GradientTable() {
    for (int i = 0; i < kGradients; ++i) {
      const Direction d = direction_of(static_cast<float>(i) / kGradients);
      x[i] = d.x;
      y[i] = d.y;
    }
  }
};
const GradientTable& gradients() {
  static const GradientTable table;
  return table;
}

inline float fade(float t) {
  return t * t * t * (t * (t * 6 - 15) + 10);
}
inline float ease(float t) {
  return t * t * (3 - 2 * t);
}

/// Floor of moderate values without a library call.
inline std::int64_t fast_floor(double x) {
  const std::int64_t i = static_cast<std::int64_t>(x);
  return i - (x < static_cast<double>(i) ? 1 : 0);
}

}  // namespace

Direction direction_of(float turns) {
  const double y = sine_of_turns(turns);
  const double x = sine_of_turns(static_cast<double>(turns) + 0.25);
  const double inverse = 1.0 / std::sqrt(x * x + y * y);
  return {static_cast<float>(x * inverse), static_cast<float>(y * inverse)};
}

Lattice::Lattice(double spacing_px, std::int64_t period_px, std::uint64_t seed) : spacing_(spacing_px) {
  if (period_px > 0) {
    cells_ = static_cast<std::int64_t>(static_cast<double>(period_px) / spacing_px + 0.5);
    if (cells_ < 1) cells_ = 1;
    spacing_ = static_cast<double>(period_px) / static_cast<double>(cells_);
  }
  inverse_ = 1.0 / spacing_;
  CellRandom random(seed * 0xD6E8FEB86659FD93ull + 0x1234567);
  seed_ = random.bits();
}

CellRandom Lattice::random(std::int64_t ix, std::int64_t iy, std::uint32_t salt) const {
  const std::uint64_t high = hash(ix, iy);
  const std::uint64_t low = hash_point(wrap(ix), wrap(iy), seed_ ^ 0xA511E9B3u ^ (salt * 0x63D83595u));
  return CellRandom((high << 32) ^ low ^ (static_cast<std::uint64_t>(salt) << 17));
}

float gradient_noise(const Lattice& lattice, double x, double y) {
  const double u = x * lattice.inverse();
  const double v = y * lattice.inverse();
  const std::int64_t ix = fast_floor(u);
  const std::int64_t iy = fast_floor(v);
  const float fx = static_cast<float>(u - static_cast<double>(ix));
  const float fy = static_cast<float>(v - static_cast<double>(iy));
  const GradientTable& table = gradients();
  const auto corner = [&](std::int64_t cx, std::int64_t cy, float dx, float dy) {
    const std::uint32_t g = lattice.hash(cx, cy) >> 28;
    return table.x[g] * dx + table.y[g] * dy;
  };
  const float a = corner(ix, iy, fx, fy);
  const float b = corner(ix + 1, iy, fx - 1, fy);
  const float c = corner(ix, iy + 1, fx, fy - 1);
  const float d = corner(ix + 1, iy + 1, fx - 1, fy - 1);
  const float sx = fade(fx);
  return mix(mix(a, b, sx), mix(c, d, sx), fade(fy));
}

float value_noise(const Lattice& lattice, float u, float v, std::uint32_t salt) {
  const std::int64_t ix = fast_floor(u);
  const std::int64_t iy = fast_floor(v);
  const float sx = ease(u - static_cast<float>(ix));
  const float sy = ease(v - static_cast<float>(iy));
  const std::int64_t sy0 = iy + static_cast<std::int64_t>(salt) * 7919;
  const float a = unit_float(lattice.hash(ix, sy0));
  const float b = unit_float(lattice.hash(ix + 1, sy0));
  const float c = unit_float(lattice.hash(ix, sy0 + 1));
  const float d = unit_float(lattice.hash(ix + 1, sy0 + 1));
  return 2 * mix(mix(a, b, sx), mix(c, d, sx), sy) - 1;
}

Fractal::Fractal(double spacing_px, int octaves, float gain, std::int64_t period_px, std::uint64_t seed) : gain_(gain) {
  for (int i = 0; i < octaves; ++i) {
    lattices_.emplace_back(spacing_px, period_px, seed * 31 + static_cast<std::uint64_t>(i) * 977 + 5);
    spacing_px *= 0.5;
  }
}

float Fractal::at(double x, double y) const {
  float sum = 0;
  float amplitude = 1;
  for (const Lattice& lattice : lattices_) {
    sum += amplitude * gradient_noise(lattice, x, y);
    amplitude *= gain_;
  }
  return sum;
}

void fill_value_noise(const Lattice& lattice, std::int64_t x, std::int64_t y, std::int64_t width, std::int64_t height,
                      float* out) {
  const std::int64_t first = fast_floor(static_cast<double>(x) * lattice.inverse());
  const std::int64_t last = fast_floor(static_cast<double>(x + width) * lattice.inverse()) + 1;
  const std::size_t columns = static_cast<std::size_t>(last - first + 1);
  std::vector<float> above(columns), below(columns), row(columns), blend(static_cast<std::size_t>(width));
  std::vector<std::int32_t> cell(static_cast<std::size_t>(width));
  for (std::int64_t i = 0; i < width; ++i) {
    const double u = static_cast<double>(x + i) * lattice.inverse();
    const std::int64_t ix = fast_floor(u);
    cell[static_cast<std::size_t>(i)] = static_cast<std::int32_t>(ix - first);
    blend[static_cast<std::size_t>(i)] = ease(static_cast<float>(u - static_cast<double>(ix)));
  }
  const auto fill_row = [&](std::int64_t iy, std::vector<float>& values) {
    for (std::size_t k = 0; k < columns; ++k) {
      values[k] = 2 * unit_float(lattice.hash(first + static_cast<std::int64_t>(k), iy)) - 1;
    }
  };
  std::int64_t current = INT64_MIN;
  for (std::int64_t j = 0; j < height; ++j) {
    const double v = static_cast<double>(y + j) * lattice.inverse();
    const std::int64_t iy = fast_floor(v);
    if (iy != current) {
      fill_row(iy, above);
      fill_row(iy + 1, below);
      current = iy;
    }
    const float sy = ease(static_cast<float>(v - static_cast<double>(iy)));
    for (std::size_t k = 0; k < columns; ++k) row[k] = mix(above[k], below[k], sy);
    float* target = out + j * width;
    for (std::int64_t i = 0; i < width; ++i) {
      const std::size_t k = static_cast<std::size_t>(cell[static_cast<std::size_t>(i)]);
      target[i] = mix(row[k], row[k + 1], blend[static_cast<std::size_t>(i)]);
    }
  }
}

}  // namespace histojet::slide
