#pragma once

#include <cstdint>
#include <vector>

#include "base/cancel.hpp"

namespace histojet::nuclei {

/// Marker-based flooding with the exact order of scikit-image's `watershed` (connectivity 4, no compactness, no line;
/// spec section 5.0), ties between equal values included. The statement of the truth that `flood_component` is tested
/// against.
/// values: [height, width], low is flooded first. labels: on entry the markers (> 0), 0 for pixels to flood and a
/// negative number outside the mask; on return the regions; pixels that no marker reaches stay 0.
/// `monotone`: a pushed value is raised to the popped one (scikit-image >= 0.25). @throws Cancelled.
void watershed(const double* values, std::int32_t* labels, std::int64_t height, std::int64_t width, bool monotone,
               const CancelToken& cancel = {});

}  // namespace histojet::nuclei
