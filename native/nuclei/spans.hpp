#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace histojet::nuclei {

/// Pixels [start, end) of one row of an endless grid.
struct Span {
  std::int64_t row;
  std::int64_t start;
  std::int64_t end;
};

/// The pixels whose centres lie inside an outline (even-odd rule), row by row, left to right. `ring`: x0, y0, x1, y1,
/// …, open; pixel (i, j) of the grid covers [i, i + 1) x [j, j + 1) times `pixel`. A centre exactly on the left or
/// upper border is inside, on the right or lower one outside. Coordinates that are no numbers give no pixels.
/// @throws Error kInvalidArgument for an outline higher than 2^24 pixels.
void ring_spans(std::span<const float> ring, double pixel, std::vector<Span>& spans);

/// Pixels of the spans, and pixels that two such lists share.
std::int64_t pixel_count(std::span<const Span> spans);
std::int64_t shared_pixels(std::span<const Span> a, std::span<const Span> b);

}  // namespace histojet::nuclei
