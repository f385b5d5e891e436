#include "nuclei/edge_strength.hpp"

#include <algorithm>
#include <memory>

#include "kernels/nuclei_maps/at_least.hpp"
#include "kernels/nuclei_maps/edge_strength_row.hpp"
#include "nuclei/reflect.hpp"
#include "nuclei/sobel.hpp"

namespace histojet::nuclei {
namespace {

/// One derivative of the tile: its range over all pixels, its values at the pixels of the components.
struct Gradient {
  ValueRange range;
  std::unique_ptr<double[]> values;
};

/// Only the components' values are kept: the whole plane in double would be the largest array of all.
Gradient gradient(const float* map, ValueRange range, const EdgeStrength& places, int taps, Axis axis,
                  const CancelToken& cancel) {
  const Components& components = places.components();
  // Every pixel of a component is written once.
  auto values = std::make_unique_for_overwrite<double[]>(places.size());
  // The strips come from left to right: of each row, the first run that is not behind the strip.
  std::vector<std::size_t> next(components.row_starts.begin(), components.row_starts.end() - 1);
  const auto keep = [&](std::int64_t y, std::int64_t x0, std::span<const double> strip) {
    const std::int64_t x1 = x0 + static_cast<std::int64_t>(strip.size());
    std::size_t& i = next[static_cast<std::size_t>(y)];
    for (const std::size_t end = components.row_starts[static_cast<std::size_t>(y) + 1]; i < end; ++i) {
      const Run& run = components.runs[i];
      if (run.start >= x1) return;
      const std::int64_t from = std::max<std::int64_t>(run.start, x0), to = std::min<std::int64_t>(run.end, x1);
      if (run.label != 0) {
        std::copy(strip.data() + from - x0, strip.data() + to - x0, values.get() + places.start(i) + from - run.start);
      }
      if (run.end > x1) return;
    }
  };
  const ValueRange found =
      sobel(map, components.height, components.width, Normalization(range), taps, axis, keep, cancel);
  return {found, std::move(values)};
}

}  // namespace

EdgeStrength::EdgeStrength(const Components& components) : components_(&components) {
  std::size_t size = 0;
  starts_.reserve(components.runs.size());
  for (const Run& run : components.runs) {
    starts_.push_back(size);
    if (run.label != 0) size += static_cast<std::size_t>(run.end - run.start);
  }
  values_ = std::make_unique_for_overwrite<float[]>(size);
  size_ = size;
}

void EdgeStrength::copy_row(std::int64_t y, std::int64_t x0, std::int64_t x1, float* out) const {
  std::fill_n(out, x1 - x0, 1.0f);
  const auto runs = components_->runs.begin();
  const auto starts = components_->row_starts.begin() + y;
  const auto end = runs + static_cast<std::ptrdiff_t>(starts[1]);
  auto run = std::partition_point(runs + static_cast<std::ptrdiff_t>(starts[0]), end,
                                  [&](const Run& behind) { return behind.end <= x0; });
  for (; run != end && run->start < x1; ++run) {
    if (run->label == 0) continue;
    const std::int64_t from = std::max<std::int64_t>(run->start, x0), to = std::min<std::int64_t>(run->end, x1);
    const float* values = values_.get() + starts_[static_cast<std::size_t>(run - runs)];
    std::copy(values + from - run->start, values + to - run->start, out + from - x0);
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
  const Components& components = strength.components();
  // The references compare with 0.4 in double; no float lies between that and 0.4f.
  const auto at_least = kernels::kAtLeast.pick(active_isa());
  BitMask weak(components.height, components.width);
  std::vector<std::uint64_t> strong(static_cast<std::size_t>(weak.words()));
  for (std::size_t i = 0; i < components.runs.size(); ++i) {
    const Run& run = components.runs[i];
    if (run.label == 0) continue;
    const std::int64_t count = run.end - run.start;
    at_least({strength.run(i), count, 0.4f, strong.data()});
    std::uint64_t* words = weak.row(run.row) + run.start / 64;
    const int shift = run.start % 64;
    for (std::int64_t done = 0; done < count; done += 64, ++words) {
      const std::uint64_t valid = count - done >= 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << (count - done)) - 1;
      const std::uint64_t bits = ~strong[static_cast<std::size_t>(done / 64)] & valid;
      words[0] |= bits << shift;
      if (shift != 0 && bits >> (64 - shift) != 0) words[1] |= bits >> (64 - shift);
    }
  }
  return weak;
}

}  // namespace histojet::nuclei
