#include "nuclei/morphology.hpp"

#include <vector>

namespace histojet::nuclei {
namespace {

/// Each bit with its two neighbours on either side; `before` and `after` are the neighbouring words.
std::uint64_t widened(std::uint64_t before, std::uint64_t word, std::uint64_t after) {
  return word | word << 1 | before >> 63 | word << 2 | before >> 62 | word >> 1 | after << 63 | word >> 2 | after << 62;
}

BitMask dilate5(const BitMask& mask) {
  const std::int64_t height = mask.height(), words = mask.words();
  BitMask wide(height, mask.width()), out(height, mask.width());
  const std::uint64_t inside = mask.width() % 64 == 0 ? ~std::uint64_t{0} : (std::uint64_t{1} << mask.width() % 64) - 1;
  for (std::int64_t y = 0; y < height; ++y) {
    const std::uint64_t* row = mask.row(y);
    for (std::int64_t w = 0; w < words; ++w) {
      wide.row(y)[w] = widened(w > 0 ? row[w - 1] : 0, row[w], w + 1 < words ? row[w + 1] : 0);
    }
    if (words > 0) wide.row(y)[words - 1] &= inside;
  }
  const std::vector<std::uint64_t> nothing(static_cast<std::size_t>(words));
  for (std::int64_t y = 0; y < height; ++y) {
    const auto row_or_nothing = [&](const BitMask& from, std::int64_t at) {
      return at >= 0 && at < height ? from.row(at) : nothing.data();
    };
    const std::uint64_t *tip = row_or_nothing(mask, y - 2), *above = row_or_nothing(wide, y - 1), *here = wide.row(y),
                        *below = row_or_nothing(wide, y + 1), *foot = row_or_nothing(mask, y + 2);
    for (std::int64_t w = 0; w < words; ++w) out.row(y)[w] = tip[w] | above[w] | here[w] | below[w] | foot[w];
  }
  return out;
}

/// The ellipse is symmetric, so eroding the ones is dilating the zeros; outside the image there are no zeros.
BitMask erode5(BitMask mask) {
  mask.invert();
  BitMask out = dilate5(mask);
  out.invert();
  return out;
}

}  // namespace

BitMask open5(const BitMask& mask, int times) {
  BitMask out = mask;
  for (int i = 0; i < times; ++i) out = erode5(out);
  for (int i = 0; i < times; ++i) out = dilate5(out);
  return out;
}

}  // namespace histojet::nuclei
