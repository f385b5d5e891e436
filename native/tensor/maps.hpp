#pragma once

#include <cstdint>
#include <vector>

namespace histojet {

/// What a nuclei network says about each pixel of one tile; the input of post-processing.
struct Maps {
  std::int64_t height = 0;
  std::int64_t width = 0;
  /// [height, width] probability of nucleus in [0, 1].
  std::vector<float> np;
  /// [2, height, width]: 0 horizontal (-1 at the left end of a nucleus, +1 at the right), 1 vertical (-1 at the top).
  std::vector<float> hv;
  /// [height, width] class, 0 background; empty for networks without types.
  std::vector<std::uint8_t> tp;
};

}  // namespace histojet
