#pragma once

#include <vector>

#include "base/cancel.hpp"
#include "nuclei/components.hpp"
#include "tensor/maps.hpp"

namespace histojet::nuclei {

/// How the two gradients of a pixel become one edge strength.
enum class Combination {
  kMaximum,   ///< HoverNet: max(s_h, s_v)
  kRootOfSum  ///< HoverFast: sqrt(s_h^2 + s_v^2)
};

/// Edge strength of the pixels of `components` (runs of label 0 left out), clipped below at 0; 1 elsewhere.
/// s = 1 - N(Sobel(N(map))), normalised over the whole tile (spec sections 5.1 and 5.2, steps 2 and 3); `taps`: 5
/// or 21.
/// @returns [height, width]. @throws Cancelled.
std::vector<float> edge_strength(const Maps& maps, const Components& components, int taps, Combination combination,
                                 const CancelToken& cancel);

/// `maps.hv` without infinities and NaN (0 instead of them); empty when there is none, so that nothing need be copied.
std::vector<float> finite_hv(const Maps& maps);

}  // namespace histojet::nuclei
