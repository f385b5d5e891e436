#pragma once

#include <cstdint>
#include <vector>

namespace histojet::tiles {

/// Turns over every 4-connected region of pixels equal to `value` that has fewer than `min_pixels` pixels and, with
/// `spare_border`, does not touch the mask's edge. `mask`: [height, width], 0 or 1.
void flip_small_regions(std::vector<std::uint8_t>& mask, std::int64_t width, std::int64_t height, std::uint8_t value,
                        std::int64_t min_pixels, bool spare_border);

/// Closing (dilation, then erosion) with a square of side 2 * radius + 1; outside the mask there is nothing to erode.
void close_gaps(std::vector<std::uint8_t>& mask, std::int64_t width, std::int64_t height, std::int64_t radius);

}  // namespace histojet::tiles
