#pragma once

#include <cstdint>
#include <vector>

#include "models/pixel_mamba/region_source.hpp"

namespace histojet::explain {

/// Finds the regions under squares of pixels.
class SquareRegions {
 public:
  SquareRegions(const models::RegionSource& source, std::int64_t region_px);

  /// Numbers of the regions that the network looks at and that hold a pixel of the square and of the picture,
  /// ascending.
  std::vector<std::int64_t> under(std::int64_t x_px, std::int64_t y_px, std::int64_t side_px) const;

 private:
  struct Place {
    std::int64_t row;
    std::int64_t column;
    std::int64_t number;
  };
  std::int64_t region_px_;
  std::int64_t width_px_;
  std::int64_t height_px_;
  std::vector<Place> places_;  ///< row by row
};

}  // namespace histojet::explain
