#pragma once

#include "nuclei/bit_mask.hpp"

namespace histojet::nuclei {

/// `times` erosions, then as many dilations, with OpenCV's 5x5 ellipse (rows 00100, 11111, 11111, 11111, 00100).
/// Outside the image counts as set for the erosion and as unset for the dilation (cv2.morphologyEx MORPH_OPEN).
BitMask open5(const BitMask& mask, int times);

}  // namespace histojet::nuclei
