#pragma once

#include <cstdint>
#include <vector>

#include "nuclei/components.hpp"

namespace histojet::nuclei {

/// The relief that markers flood: -Gauss3(1 - strength) of the pixels in `box`, where Gauss3 has the taps
/// (1/4, 1/2, 1/4), rows before columns, border reflected without repeating the edge (cv2.GaussianBlur of 3x3).
/// Computed in T: double for HoverNet, float for HoverFast.
/// strength: [height, width], 1 outside the mask. out: rows of `stride` values, widened to double.
template <class T>
void relief(const std::vector<float>& strength, std::int64_t height, std::int64_t width, const Box& box, double* out,
            std::int64_t stride);

}  // namespace histojet::nuclei
