#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "nuclei/components.hpp"
#include "nuclei/nucleus_list.hpp"
#include "nuclei/ring.hpp"
#include "nuclei/type_vote.hpp"

namespace histojet::nuclei {

/// Pixel count and sums of the pixels' column and row numbers relative to `box`.
struct PixelSums {
  Box box;
  std::int64_t count = 0;
  std::int64_t x = 0;
  std::int64_t y = 0;
};
PixelSums pixel_sums(std::span<const Run> runs);

/// What a list holds of one nucleus.
struct Nucleus {
  double centroid_x = 0;
  double centroid_y = 0;
  double x0 = 0, y0 = 0, x1 = 0, y1 = 0;
  double area = 0;
  TypeVote type;
};

/// Adds a nucleus whose ring's coordinates are multiplied by `ring_scale`.
void add_nucleus(NucleusList& list, const Nucleus& nucleus, const Ring& ring, float ring_scale, bool typed);

}  // namespace histojet::nuclei
