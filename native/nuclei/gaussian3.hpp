#pragma once

#include <vector>

#include "nuclei/edge_strength.hpp"

namespace histojet::nuclei {

/// Precision in which a relief is computed.
enum class ReliefType {
  kDouble,  ///< HoverNet
  kFloat    ///< HoverFast
};

/// The relief that markers flood: -Gauss3(1 - strength) of the pixels in `box`, where Gauss3 has the taps
/// (1/4, 1/2, 1/4), rows before columns, border reflected without repeating the edge (cv2.GaussianBlur of 3x3).
/// out: rows of `stride` values, widened to double. `scratch` keeps its memory from call to call.
void relief(const EdgeStrength& strength, const Box& box, ReliefType type, double* out, std::int64_t stride,
            std::vector<float>& scratch);

}  // namespace histojet::nuclei
