#include "nuclei/edge_strength.hpp"

#include <algorithm>
#include <bit>
#include <memory>

#include "kernels/nuclei_maps/at_least.hpp"
#include "kernels/nuclei_maps/edge_strength_row.hpp"
#include "kernels/nuclei_maps/packed_pixels.hpp"
#include "kernels/nuclei_maps/sobel_pass.hpp"
#include "nuclei/reflect.hpp"
#include "nuclei/sobel.hpp"

namespace histojet::nuclei {
namespace {

static_assert(kernels::kSobelStride == 128, "pixels are stored in strips of two words, as the filters give them");

/// What packing may write behind the last value.
constexpr std::size_t kPackSlack = 8;

/// One derivative of the tile: its range over all pixels, its values at the pixels of the components.
struct Gradient {
  ValueRange range;
  std::unique_ptr<double[]> values;
};

/// Only the components' values are kept: the whole plane in double would be the largest array of all.
Gradient gradient(const float* map, ValueRange range, const EdgeStrength& places, int taps, Axis axis,
                  const CancelToken& cancel) {
  const BitMask& mask = places.mask();
  const auto pack = kernels::kPackPixels.pick(active_isa());
  // Every pixel of a component is written once.
  auto values = std::make_unique_for_overwrite<double[]>(places.size() + kPackSlack);
  const auto keep = [&](std::int64_t y, std::int64_t x0, std::span<const double> strip) {
    const std::int64_t first = x0 / 64, words = (std::ssize(strip) + 63) / 64;
    pack({strip.data(), mask.row(y) + first, words, values.get() + places.start(y, first)});
  };
  const ValueRange found = sobel(map, mask.height(), mask.width(), Normalization(range), taps, axis, keep, cancel);
  return {found, std::move(values)};
}

}  // namespace

EdgeStrength::EdgeStrength(const Components& components) : components_(&components), mask_(mask_of(components)) {
  const std::int64_t words = mask_.words(), strips = (words + kStripWords - 1) / kStripWords;
  const auto starts_of = kernels::kPackedStarts.pick(active_isa());
  starts_.resize(static_cast<std::size_t>(strips * kStripWords * mask_.height()) + 1);
  std::uint32_t* starts = starts_.data();
  for (std::int64_t first = 0; first < words; first += kStripWords) {
    const std::int64_t count = std::min(kStripWords, words - first);
    for (std::int64_t y = 0; y < mask_.height(); ++y, starts += kStripWords) {
      starts_of({mask_.row(y) + first, count, starts[0], starts});
      // The last strip may lack a word.
      for (std::int64_t w = count; w < kStripWords; ++w) starts[w + 1] = starts[w];
    }
  }
  values_ = std::make_unique_for_overwrite<float[]>(size());
}

void EdgeStrength::copy_row(std::int64_t y, std::int64_t x0, std::int64_t x1, float* out) const {
  const auto unpack = kernels::kUnpackPixels.pick(active_isa());
  for (std::int64_t w = x0 / 64; 64 * w < x1; ++w) {
    const std::int64_t from = std::max(x0, 64 * w), to = std::min(x1, 64 * w + 64);
    unpack({values_.get() + start(y, w), mask_.row(y)[w], from - 64 * w, to - from, 1.0f, out + from - x0});
  }
}

void EdgeStrength::copy_framed(const Box& box, std::vector<float>& out) const {
  const std::int64_t height = components_->height, width = components_->width;
  const std::int64_t stride = box.x1 - box.x0 + 2;
  out.resize(static_cast<std::size_t>((box.y1 - box.y0 + 2) * stride));
  const std::int64_t x0 = std::max(box.x0 - 1, 0), x1 = std::min<std::int64_t>(box.x1 + 1, width);
  for (std::int64_t y = box.y0 - 1; y <= box.y1; ++y) {
    float* row = out.data() + (y - box.y0 + 1) * stride;
    float* at_zero = row + 1 - box.x0;
    copy_row(reflect101(y, height), x0, x1, at_zero + x0);
    if (box.x0 == 0) at_zero[-1] = at_zero[reflect101(-1, width)];
    if (box.x1 == width) at_zero[width] = at_zero[reflect101(width, width)];
  }
}

EdgeStrength edge_strength(const Maps& maps, const GradientRanges& ranges, const Components& components, int taps,
                           Combination combination, const CancelToken& cancel) {
  EdgeStrength strength(components);
  const float* hv = maps.hv.data();
  const Gradient horizontal = gradient(hv, ranges.horizontal, strength, taps, Axis::kX, cancel);
  const Gradient vertical = gradient(hv + maps.height * maps.width, ranges.vertical, strength, taps, Axis::kY, cancel);
  const Normalization across(horizontal.range), down(vertical.range);
  kernels::kEdgeStrength.pick(active_isa())(
      {horizontal.values.get(), vertical.values.get(), static_cast<std::int64_t>(strength.size()), across.scale,
       across.shift, down.scale, down.shift, combination == Combination::kMaximum, strength.data()});
  return strength;
}

BitMask weak_edges(const EdgeStrength& strength) {
  const BitMask& mask = strength.mask();
  // The references compare with 0.4 in double; no float lies between that and 0.4f. A word more, for reading across.
  std::vector<std::uint64_t> strong(strength.size() / 64 + 2);
  kernels::kAtLeast.pick(active_isa())(
      {strength.data(), static_cast<std::int64_t>(strength.size()), 0.4f, strong.data()});
  BitMask weak(mask.height(), mask.width());
  for (std::int64_t y = 0; y < mask.height(); ++y) {
    for (std::int64_t w = 0; w < mask.words(); ++w) {
      std::uint64_t left = mask.row(y)[w];
      if (left == 0) continue;
      const std::size_t at = strength.start(y, w);
      const std::size_t word = at / 64, shift = at % 64;
      std::uint64_t bits = strong[word] >> shift | (shift != 0 ? strong[word + 1] << (64 - shift) : 0);
      std::uint64_t found = left;
      // Run by run, the packed bits go where the mask's are.
      while (left != 0) {
        const int start = std::countr_zero(left), length = std::countr_one(left >> start);
        const std::uint64_t run = ~std::uint64_t{0} >> (64 - length);
        found &= ~((bits & run) << start);
        left &= ~(run << start);
        bits = length == 64 ? 0 : bits >> length;
      }
      weak.row(y)[w] = found;
    }
  }
  return weak;
}

}  // namespace histojet::nuclei
