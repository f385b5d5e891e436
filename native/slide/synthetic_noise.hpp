#pragma once

#include <cstdint>
#include <vector>

namespace histojet::slide {

/// Deterministic numbers for the synthetic slide: integer hashing and smooth noise made from it. Nothing here calls
/// the mathematical library, whose last bits differ between machines.

/// 32 well-mixed bits of a lattice point.
inline std::uint32_t hash_point(std::int32_t x, std::int32_t y, std::uint32_t seed) {
  std::uint32_t h = seed ^ (static_cast<std::uint32_t>(x) * 0x9E3779B1u);
  h = (h ^ (h >> 15)) * 0x2C1B3C6Du;
  h ^= static_cast<std::uint32_t>(y) * 0x85EBCA77u;
  h = (h ^ (h >> 13)) * 0x297A2D39u;
  h = (h ^ (h >> 16)) * 0x9E3779B1u;
  return h ^ (h >> 15);
}

/// 0 to below 1.
inline float unit_float(std::uint32_t bits) {
  return static_cast<float>(bits >> 8) * (1.0f / 16777216.0f);
}

/// A stream of numbers that belongs to one object (splitmix64).
class CellRandom {
 public:
  explicit CellRandom(std::uint64_t seed) : state_(seed) {}
  std::uint32_t bits();
  /// 0 to below 1.
  float unit() { return unit_float(bits()); }
  float range(float low, float high) { return low + (high - low) * unit(); }
  bool chance(float probability) { return unit() < probability; }
  /// About normal: mean 0, deviation 1, never beyond 3.5.
  float normal();
  /// A factor around 1 whose logarithm is about normal.
  float spread(float sigma);

 private:
  std::uint64_t state_;
};

/// e^x for |x| up to about 10, relative error below 1e-3; the same bits everywhere.
float portable_exp(float x);

struct Direction {
  float x = 1;
  float y = 0;
};
/// Cosine and sine of an angle given in turns, normalised to length 1.
Direction direction_of(float turns);

/// 0 below `low`, 1 above `high`, smooth between.
inline float smooth_step(float low, float high, float x) {
  float t = (x - low) / (high - low);
  t = t < 0 ? 0 : (t > 1 ? 1 : t);
  return t * t * (3 - 2 * t);
}
inline float clamp01(float x) {
  return x < 0 ? 0 : (x > 1 ? 1 : x);
}
inline float mix(float a, float b, float t) {
  return a + (b - a) * t;
}

/// A square lattice over the slide. With a period (pixels) the spacing is rounded so that a whole number of cells fits
/// and indices wrap, which makes everything built on it periodic.
class Lattice {
 public:
  Lattice() = default;
  Lattice(double spacing_px, std::int64_t period_px, std::uint64_t seed);
  double spacing() const { return spacing_; }
  double inverse() const { return inverse_; }
  std::uint32_t hash(std::int64_t ix, std::int64_t iy) const { return hash_point(wrap(ix), wrap(iy), seed_); }
  /// A stream for the object of a cell; `salt` separates several uses.
  CellRandom random(std::int64_t ix, std::int64_t iy, std::uint32_t salt = 0) const;

 private:
  std::int32_t wrap(std::int64_t i) const {
    if (cells_ == 0) return static_cast<std::int32_t>(i);
    const std::int64_t r = i % cells_;
    return static_cast<std::int32_t>(r < 0 ? r + cells_ : r);
  }
  double spacing_ = 1;
  double inverse_ = 1;
  std::int64_t cells_ = 0;
  std::uint32_t seed_ = 0;
};

/// Gradient noise, about -0.7..0.7, mean 0: for layout fields, because it shows no blocks.
float gradient_noise(const Lattice& lattice, double x, double y);
/// Value noise, -1..1, mean 0: for textures.
float value_noise(const Lattice& lattice, float u, float v, std::uint32_t salt = 0);

/// Octaves of gradient noise on lattices of halved spacing.
class Fractal {
 public:
  Fractal() = default;
  Fractal(double spacing_px, int octaves, float gain, std::int64_t period_px, std::uint64_t seed);
  float at(double x, double y) const;

 private:
  std::vector<Lattice> lattices_;
  float gain_ = 0.5f;
};

/// Value noise for a whole window, row by row into `out` (width x height): much cheaper than point by point.
void fill_value_noise(const Lattice& lattice, std::int64_t x, std::int64_t y, std::int64_t width, std::int64_t height,
                      float* out);

}  // namespace histojet::slide
