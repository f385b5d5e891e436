#pragma once

#include <cstdint>
#include <functional>
#include <span>

#include "base/cancel.hpp"
#include "nuclei/normalize.hpp"

namespace histojet::nuclei {

/// Direction of a derivative.
enum class Axis { kX, kY };

/// Takes the values of row `y` from column `x0` on.
using SobelSink = std::function<void(std::int64_t y, std::int64_t x0, std::span<const double> values)>;

/// cv2.Sobel of 5 or 21 taps from float to double of a normalised map (spec section 5.0): binomial smoothing across the
/// axis, binomial smoothing of two taps less and (-1, 0, 1) along it, not scaled, border reflected without repeating
/// the edge. The row pass of float values is exact in double unless their exponents lie far apart.
///
/// Works on strips of columns from left to right, each from top to bottom, so that the rows under one filter stay in
/// the nearest cache; `sink` gets every pixel once. map: [height, width], not empty. `taps`: 5 or 21.
/// @returns the range of the derivative. @throws Error kInvalidArgument for another count of taps; Cancelled.
ValueRange sobel(const float* map, std::int64_t height, std::int64_t width, const Normalization& normalization,
                 int taps, Axis axis, const SobelSink& sink, const CancelToken& cancel = {});

}  // namespace histojet::nuclei
