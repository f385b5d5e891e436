#include "slide/scaled_painting.hpp"

#include <algorithm>
#include <array>
#include <cmath>

namespace histojet::slide {
namespace {

using Pixel = std::array<float, 4>;

// pixman's 16.16 fixed point.
constexpr std::int64_t kOne = 65536;
constexpr std::int64_t kHalf = kOne / 2;
// cairo leaves out pixels rather than average more.
constexpr double kWidestBox = 16;

std::int64_t fixed_of(double value) {
  return static_cast<std::int64_t>(std::floor(value * kOne + 0.5));
}

std::int64_t fixed_product(std::int64_t a, std::int64_t b) {
  return (a * b + kHalf) >> 16;
}

/// The canvas pixels [first, end) that one axis of a source may touch, the step from one to the next in the source,
/// and where the centre of canvas pixel 0 lies there; 16.16 both.
struct Axis {
  std::int64_t first;
  std::int64_t end;
  std::int64_t step;
  std::int64_t start;

  bool empty() const { return first >= end; }
  std::int64_t at(std::int64_t pixel) const { return start + step * pixel; }
};

Axis axis_extents(double corner, std::int64_t length, double shrink, std::int64_t canvas_length) {
  const double far = corner + static_cast<double>(length) / shrink;
  return {std::max<std::int64_t>(0, static_cast<std::int64_t>(std::floor(corner))),
          std::min(canvas_length, static_cast<std::int64_t>(std::floor(far + 1))), fixed_of(shrink), 0};
}

/// The whole canvas pixels by which cairo moves a pattern, so that its translation fits into 16.16: of the fixed points
/// of the mapping and its four neighbours that differ by one in the scales, the one nearest to the origin.
std::array<double, 2> pattern_shift(double shrink, double offset_x, double offset_y) {
  if (offset_x == 0 && offset_y == 0) return {0, 0};
  std::array shift{offset_x, offset_y};
  double norm = std::max(std::abs(offset_x), std::abs(offset_y));
  for (const int i : {-1, 1}) {
    for (const int j : {-1, 1}) {
      const double determinant = (shrink + i) * (shrink + j);
      if (std::abs(determinant) < 2.220446049250313e-16) continue;
      const double x = -offset_x * (shrink + j) * (1 / determinant);
      const double y = -offset_y * (shrink + i) * (1 / determinant);
      if (const double shorter = std::max(std::abs(x), std::abs(y)); shorter < norm) {
        norm = shorter;
        shift = {x, y};
      }
    }
  }
  return {std::floor(shift[0]), std::floor(shift[1])};
}

/// Rounding the scale to 16.16 would let the picture drift; cairo corrects the translation until the centre of the
/// extents is where it should be, but takes that centre before the shift.
std::int64_t axis_start(const Axis& axis, double shrink, double offset, double shift) {
  const double shifted_offset = offset + shrink * shift;
  const double centre = static_cast<double>(axis.first + axis.end) / 2;
  std::int64_t translation = fixed_of(shifted_offset);
  for (int i = 0; i < 5; ++i) {
    const std::int64_t there = (axis.step * fixed_of(centre) + (translation << 16) + kHalf) >> 16;
    const double drift = (static_cast<double>(there) / kOne - shifted_offset) / shrink - centre;
    const std::int64_t correction = fixed_of(drift * shrink);
    translation -= correction;
    if (correction == 0) break;
  }
  const double first_centre = static_cast<double>(axis.first) - shift + 0.5;
  return fixed_product(axis.step, fixed_of(first_centre)) + translation - axis.step * axis.first;
}

Pixel pixel_at(const Painting& source, std::int64_t x, std::int64_t y) {
  if (x < 0 || y < 0 || x >= source.width || y >= source.height) return {};
  const std::uint8_t* from = &source.rgba[static_cast<std::size_t>((y * source.width + x) * 4)];
  Pixel pixel;
  for (std::size_t c = 0; c < 4; ++c) pixel[c] = static_cast<float>(from[c]) * (1.0F / 255.0F);
  return pixel;
}

/// cairo takes the cheap filter down to 3/4 of the size, and at half the size where each result is the mean of four
/// whole pixels.
bool is_bilinear_enough(double shrink, double offset) {
  const double square = shrink * shrink;
  if (square < 1 / (0.75 * 0.75)) return true;
  const auto offset_24_8 = static_cast<std::int64_t>(std::floor(offset * 256 + 0.5));
  return square > 3.99 && square < 4.01 && offset_24_8 % 256 == 0;
}

class Bilinear {
 public:
  explicit Bilinear(const Painting& source) : source_(source) {}

  Pixel at(std::int64_t x, std::int64_t y) const {
    x -= kHalf;
    y -= kHalf;
    const float right = static_cast<float>(x & (kOne - 1)) / kOne;
    const float lower = static_cast<float>(y & (kOne - 1)) / kOne;
    const float weights[4] = {(1 - right) * (1 - lower), right * (1 - lower), (1 - right) * lower, right * lower};
    Pixel sum{};
    for (int k = 0; k < 4; ++k) {
      const Pixel corner = pixel_at(source_, (x >> 16) + k % 2, (y >> 16) + k / 2);
      for (std::size_t c = 0; c < 4; ++c) {
        const float part = corner[c] * weights[k];
        sum[c] = k == 0 ? part : sum[c] + part;
      }
    }
    return sum;
  }

 private:
  const Painting& source_;
};

/// A box as wide as a canvas pixel, sampled at so many phases of the source's pixel that a step is below 1/128 of it.
class Box {
 public:
  Box(const Painting& source, double shrink) : source_(source), width_(static_cast<int>(std::ceil(shrink + 1))) {
    while (shrink * (1 << phase_bits_) <= 128) ++phase_bits_;
    for (int phase = 0; phase < 1 << phase_bits_; ++phase) add_phase(shrink, phase);
  }

  Pixel at(std::int64_t x, std::int64_t y) const {
    const Tap across = tap(x);
    const Tap down = tap(y);
    std::array<std::int32_t, 4> sums{};
    for (int i = 0; i < width_; ++i) {
      for (int j = 0; j < width_; ++j) {
        const Pixel pixel = pixel_at(source_, across.first + j, down.first + i);
        const auto weight = static_cast<float>(fixed_product(down.weights[i], across.weights[j]));
        for (std::size_t c = 0; c < 4; ++c) {
          // pixman keeps whole sums of float products and so cuts at each addition.
          const float part = pixel[c] * weight;
          sums[c] = static_cast<std::int32_t>(static_cast<float>(sums[c]) + part);
        }
      }
    }
    Pixel mean;
    for (std::size_t c = 0; c < 4; ++c) mean[c] = std::clamp(static_cast<float>(sums[c]) / kOne, 0.0F, 1.0F);
    return mean;
  }

 private:
  struct Tap {
    std::int64_t first;
    const std::int64_t* weights;
  };

  void add_phase(double shrink, int phase) {
    const double fraction = (phase + 0.5) / (1 << phase_bits_);
    const double first = std::ceil(fraction - width_ / 2.0 - 0.5) - fraction + 0.5;
    const std::size_t begin = weights_.size();
    double sum = 0;
    for (int i = 0; i < width_; ++i) {
      const double x = first + i;
      const double covered = std::max(0.0, std::min({shrink, 1.0, (shrink + 1) / 2 - x, (shrink + 1) / 2 + x}));
      sum += covered;
      weights_.push_back(static_cast<std::int64_t>(covered * kOne));
    }
    std::int64_t rest = kOne;
    for (std::size_t i = begin; i < weights_.size(); ++i) {
      weights_[i] = static_cast<std::int64_t>(static_cast<double>(weights_[i]) * (1 / sum));
      rest -= weights_[i];
    }
    weights_[begin + static_cast<std::size_t>(width_ / 2)] += rest;
  }

  Tap tap(std::int64_t position) const {
    const int shift = 16 - phase_bits_;
    position = ((position >> shift) << shift) + ((std::int64_t{1} << shift) >> 1);
    const std::int64_t phase = (position & (kOne - 1)) >> shift;
    const std::int64_t reach = (width_ * kOne - kOne) >> 1;
    return {(position - 1 - reach) >> 16, &weights_[static_cast<std::size_t>(phase * width_)]};
  }

  const Painting& source_;
  int width_;
  int phase_bits_ = 0;
  std::vector<std::int64_t> weights_;
};

void saturate(const Pixel& colour, std::uint8_t* under) {
  Pixel below;
  for (std::size_t c = 0; c < 4; ++c) below[c] = static_cast<float>(under[c]) * (1.0F / 255.0F);
  const float room = 1 - below[3];
  const float share = std::abs(colour[3]) < 1e-30F ? 1.0F : std::clamp(room / colour[3], 0.0F, 1.0F);
  for (std::size_t c = 0; c < 4; ++c) {
    const float added = colour[c] * share;
    const auto value = static_cast<int>(std::clamp(added + below[c], 0.0F, 1.0F) * 256);
    under[c] = static_cast<std::uint8_t>(value - (value >> 8));
  }
}

template <class Filter>
void paint(const Filter& filter, const Axis& across, const Axis& down, Painting& canvas) {
  for (std::int64_t y = down.first; y < down.end; ++y) {
    for (std::int64_t x = across.first; x < across.end; ++x) {
      saturate(filter.at(across.at(x), down.at(y)), &canvas.rgba[static_cast<std::size_t>((y * canvas.width + x) * 4)]);
    }
  }
}

}  // namespace

Painting::Painting(std::int64_t width, std::int64_t height)
    : width(width), height(height), rgba(static_cast<std::size_t>(width * height * 4)) {}

void paint_shrunk(const Painting& source, double shrink, double x, double y, Painting& canvas) {
  Axis across = axis_extents(x, source.width, shrink, canvas.width);
  Axis down = axis_extents(y, source.height, shrink, canvas.height);
  if (across.empty() || down.empty()) return;
  const double offset_x = -x * shrink;
  const double offset_y = -y * shrink;
  const auto [shift_x, shift_y] = pattern_shift(shrink, offset_x, offset_y);
  across.start = axis_start(across, shrink, offset_x, shift_x);
  down.start = axis_start(down, shrink, offset_y, shift_y);
  if (is_bilinear_enough(shrink, offset_x) && is_bilinear_enough(shrink, offset_y)) {
    paint(Bilinear(source), across, down, canvas);
  } else {
    paint(Box(source, std::min(shrink, kWidestBox)), across, down, canvas);
  }
}

}  // namespace histojet::slide
