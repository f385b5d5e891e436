#include "tiles/mask_regions.hpp"

#include <algorithm>
#include <utility>

namespace histojet::tiles {
namespace {

/// Largest (or smallest) value within `radius` along a line of `count` pixels that are `step` apart.
template <class Pick>
void spread_line(const std::uint8_t* in, std::uint8_t* out, std::int64_t count, std::int64_t step, std::int64_t radius,
                 Pick pick) {
  for (std::int64_t i = 0; i < count; ++i) {
    std::uint8_t value = in[i * step];
    const std::int64_t stop = std::min(count - 1, i + radius);
    for (std::int64_t j = std::max<std::int64_t>(0, i - radius); j <= stop; ++j) value = pick(value, in[j * step]);
    out[i * step] = value;
  }
}

template <class Pick>
void spread(std::vector<std::uint8_t>& mask, std::int64_t width, std::int64_t height, std::int64_t radius, Pick pick) {
  std::vector<std::uint8_t> other(mask.size());
  for (std::int64_t y = 0; y < height; ++y) {
    spread_line(mask.data() + y * width, other.data() + y * width, width, 1, radius, pick);
  }
  for (std::int64_t x = 0; x < width; ++x) {
    spread_line(other.data() + x, mask.data() + x, height, width, radius, pick);
  }
}

/// One region at a time, remembered as its pixels, which are few compared to the mask (a stack, not recursion).
struct RegionFiller {
  std::vector<std::uint8_t>& mask;
  std::int64_t width;
  std::int64_t height;
  std::vector<std::uint8_t> seen;
  std::vector<std::int64_t> pixels;
  bool on_border = false;

  void collect(std::int64_t seed) {
    const std::uint8_t value = mask[seed];
    pixels.assign(1, seed);
    seen[seed] = 1;
    on_border = false;
    for (std::size_t next = 0; next < pixels.size(); ++next) {
      const std::int64_t at = pixels[next];
      const std::int64_t x = at % width;
      const std::int64_t y = at / width;
      on_border |= x == 0 || y == 0 || x == width - 1 || y == height - 1;
      const auto visit = [&](bool exists, std::int64_t neighbour) {
        if (!exists || seen[neighbour] || mask[neighbour] != value) return;
        seen[neighbour] = 1;
        pixels.push_back(neighbour);
      };
      visit(x > 0, at - 1);
      visit(x < width - 1, at + 1);
      visit(y > 0, at - width);
      visit(y < height - 1, at + width);
    }
  }
};

}  // namespace

void flip_small_regions(std::vector<std::uint8_t>& mask, std::int64_t width, std::int64_t height, std::uint8_t value,
                        std::int64_t min_pixels, bool spare_border) {
  RegionFiller filler{mask, width, height, std::vector<std::uint8_t>(mask.size(), 0), {}};
  for (std::int64_t seed = 0; seed < std::ssize(mask); ++seed) {
    if (mask[seed] != value || filler.seen[seed]) continue;
    filler.collect(seed);
    if (std::ssize(filler.pixels) >= min_pixels || (spare_border && filler.on_border)) continue;
    for (const std::int64_t at : filler.pixels) mask[at] = static_cast<std::uint8_t>(1 - value);
  }
}

void close_gaps(std::vector<std::uint8_t>& mask, std::int64_t width, std::int64_t height, std::int64_t radius) {
  spread(mask, width, height, radius, [](std::uint8_t a, std::uint8_t b) { return std::max(a, b); });
  spread(mask, width, height, radius, [](std::uint8_t a, std::uint8_t b) { return std::min(a, b); });
}

}  // namespace histojet::tiles
