#include "slide/color_table.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <string>

#include "base/checked.hpp"
#include "base/error.hpp"
#include "base/executor.hpp"

namespace histojet::slide {

namespace {

constexpr std::int32_t kSide = ColorTable::kNodes;
constexpr std::int32_t kBlue = 4;  // steps in nodes_
constexpr std::int32_t kGreen = kSide * kBlue;
constexpr std::int32_t kRed = kSide * kGreen;
constexpr std::int64_t kPixelsPerTask = 1 << 18;
constexpr int kOneBits = 16;  // nodes_ holds 1 as 65536

/// The three channels of a node and a fourth that fills up; one instruction works on all.
using Node = std::int32_t __attribute__((vector_size(16)));

Node load(const std::int32_t* at) {
  Node node;
  std::memcpy(&node, at, sizeof node);
  return node;
}

}  // namespace

ColorTable::ColorTable(const std::vector<std::uint16_t>& values) : nodes_(kSide * kRed), cells_(256) {
  const std::size_t expected = static_cast<std::size_t>(kSide) * kSide * kSide * 3;
  if (values.size() != expected) {
    throw Error(ErrorCode::kShapeMismatch, "expected a colour table of " + std::to_string(expected) + " values, got " +
                                               std::to_string(values.size()));
  }
  for (std::size_t i = 0; i < values.size(); ++i) {
    const double value = values[i] / 65535.0 * 2 - 0.5;
    nodes_[i / 3 * 4 + i % 3] = static_cast<std::int32_t>(std::lround(std::ldexp(value, kOneBits)));
  }
  // The last value belongs to the last node: it lies at the far end of the last cell.
  for (std::uint32_t v = 0; v < 256; ++v) {
    const std::uint32_t scaled = v * (kSide - 1);
    const std::uint32_t cell = std::min<std::uint32_t>(scaled / 255, kSide - 2);
    cells_[v] = static_cast<std::uint16_t>(cell << 8 | (scaled - cell * 255));
  }
}

/// Each cell is split into six tetrahedra along its diagonal: the colour moves from the lower to the upper corner along
/// the three axes, the largest distance first (Sakamoto and Itooka's interpolation).
void ColorTable::convert(std::uint8_t* pixels, std::int64_t count, int channels) const {
  constexpr std::int32_t kSteps[4] = {kRed, kGreen, kBlue, 0};
  constexpr std::int32_t kHalf = 1 << (kOneBits - 1);
  for (std::uint8_t* p = pixels; p != pixels + count * channels; p += channels) {
    if (channels == 4 && p[3] == 0) continue;
    const std::int32_t red = cells_[p[0]], green = cells_[p[1]], blue = cells_[p[2]];
    // Distance and axis in one number, so that sorting takes no branches.
    const std::int32_t r = (red & 0xff) << 2, g = (green & 0xff) << 2 | 1, b = (blue & 0xff) << 2 | 2;
    const std::int32_t first = std::max(std::max(r, g), b), last = std::min(std::min(r, g), b);
    const std::int32_t middle = r + g + b - first - last;
    const std::int32_t* at = nodes_.data() + (red >> 8) * kRed + (green >> 8) * kGreen + (blue >> 8) * kBlue;
    Node sum = load(at) * (255 - (first >> 2));
    sum += load(at += kSteps[first & 3]) * ((first >> 2) - (middle >> 2));
    sum += load(at += kSteps[middle & 3]) * ((middle >> 2) - (last >> 2));
    sum += load(at += kSteps[last & 3]) * (last >> 2);
    sum = (sum + kHalf) >> kOneBits;  // the weights add up to 255
    for (int k = 0; k < 3; ++k) p[k] = static_cast<std::uint8_t>(std::clamp(sum[k], 0, 255));
  }
}

void ColorTable::apply(Image& image) const {
  if (image.channels != 3 && image.channels != 4) {
    throw Error(ErrorCode::kInvalidArgument, "expected 3 or 4 channels, got " + std::to_string(image.channels));
  }
  const std::int64_t pixels = image.width * image.height;
  Executor::instance().parallel_for(ceil_div(pixels, kPixelsPerTask), 0, [&](std::int64_t task) {
    const std::int64_t first = task * kPixelsPerTask;
    convert(image.data.data() + first * image.channels, std::min(kPixelsPerTask, pixels - first), image.channels);
  });
}

}  // namespace histojet::slide
