#pragma once

#include <cstdint>
#include <vector>

#include "slide/synthetic.hpp"
#include "slide/synthetic_population.hpp"

namespace histojet::slide {

/// A nucleus with its visible outline: cut where a higher nucleus covers it and at the border of the slide.
struct VisibleNucleus {
  TrueNucleus nucleus;
  double x = 0;  ///< centre, moved into the slide where it lies outside
  double y = 0;
};

/// Rings of all nuclei that may touch the window, in the order of drawing. Coordinates have at most two decimals.
std::vector<VisibleNucleus> visible_nuclei(const Population& population, const SyntheticParams& params, std::int64_t x,
                                           std::int64_t y, std::int64_t width, std::int64_t height);

/// Paints rings into labels of a window: a pixel belongs to the last ring that holds its centre.
void paint_labels(const std::vector<VisibleNucleus>& nuclei, std::int64_t x, std::int64_t y, std::int64_t width,
                  std::int64_t height, std::vector<std::int32_t>& labels);

}  // namespace histojet::slide
