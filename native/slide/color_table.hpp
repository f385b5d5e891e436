#pragma once

#include <cstdint>
#include <vector>

#include "base/image.hpp"

namespace histojet::slide {

/// A conversion from one RGB space to another as a table of 33 x 33 x 33 colours, tetrahedrally interpolated between
/// its nodes: colour management at the cost of a few operations a pixel. Immutable and safe from any thread.
class ColorTable {
 public:
  static constexpr int kNodes = 33;

  /// `values`: 33 x 33 x 33 x 3, red slowest and the three output channels fastest; node i of an axis stands for
  /// i / 32, values 0..65535 for -0.5..1.5: beyond the gamut, so that its border is met well. @throws kShapeMismatch.
  explicit ColorTable(const std::vector<std::uint16_t>& values);

  /// Converts in place: RGB, or RGB with straight alpha, which stays (as does the colour of pixels with alpha 0).
  /// Large pictures are split over the threads of the executor; the result does not depend on their number.
  /// @throws Error kInvalidArgument for other than 3 or 4 channels.
  void apply(Image& image) const;

 private:
  void convert(std::uint8_t* pixels, std::int64_t count, int channels) const;

  std::vector<std::int32_t> nodes_;   // [33^3, 4]: the fourth value fills up to 16 bytes
  std::vector<std::uint16_t> cells_;  // [256]: lower node << 8 | distance to it in 1/255 of a cell
};

}  // namespace histojet::slide
