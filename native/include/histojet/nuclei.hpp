#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "histojet/base.hpp"
#include "nuclei/density_grid.hpp"
#include "nuclei/metrics.hpp"
#include "nuclei/nucleus_list.hpp"
#include "nuclei/outline_shape.hpp"
#include "nuclei/postprocess.hpp"
#include "nuclei/type_scores.hpp"

namespace histojet {

/// Joins lists in order. All must be typed or all untyped and have the same measurements; empty ones fit everywhere.
/// @throws Error kInvalidArgument otherwise.
nuclei::NucleusList concat(std::span<const nuclei::NucleusList* const> lists);

/// A list from open rings alone: centroids, boxes and areas (square units of the coordinates) are those of the
/// polygons. `points` holds the rings one after the other, `starts` [n + 1] their first points. `types` is empty or
/// [n].
/// @throws Error kInvalidArgument when `starts` does not fit `points` or a ring has fewer than 3 points.
nuclei::NucleusList from_outlines(std::vector<float> points, std::vector<std::uint64_t> starts,
                                  std::vector<std::uint8_t> types);

}  // namespace histojet
