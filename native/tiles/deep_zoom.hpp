#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/cancel.hpp"
#include "base/image.hpp"
#include "slide/color_table.hpp"
#include "slide/slide.hpp"

namespace histojet::tiles {

struct DeepZoomOptions {
  std::int64_t tile_size = 254;  ///< pixels without overlap, 1 to 8192
  std::int64_t overlap = 1;      ///< pixels that a tile shares with each neighbour, 0 to 1024
  bool png = false;              ///< PNG instead of JPEG
  int quality = 80;              ///< of JPEG, 1 to 100; from 90 on without chroma subsampling
  bool limit_bounds = false;     ///< only the part that was scanned (slide::Slide::bounds)
};

/// One level of a Deep Zoom pyramid; pixels of that level.
struct DeepZoomLevel {
  std::int64_t width = 0;
  std::int64_t height = 0;
  std::int64_t columns = 0;
  std::int64_t rows = 0;
};

/// A slide as a Deep Zoom pyramid (Microsoft's DZI), with the geometry of `DeepZoomGenerator` of openslide-python
/// (openslide/deepzoom.py): levels halve, rounding up, down to 1 x 1, and level 0 is that smallest one. A tile is cut
/// out of the best level of the slide and shrunk by area averaging. Immutable and safe from any number of threads.
class DeepZoom {
 public:
  /// @throws Error kInvalidArgument.
  DeepZoom(std::shared_ptr<const slide::Slide> slide, const DeepZoomOptions& options);

  const std::vector<DeepZoomLevel>& levels() const { return levels_; }

  /// The pixels of a tile, RGB on the slide's background.
  /// @throws Error kInvalidArgument for a tile that does not exist, kCorruptFile, kIo; Cancelled.
  Image read_tile(int level, std::int64_t column, std::int64_t row, const CancelToken& cancel = {}) const;
  /// The same as an encoded file. `colours` may be null.
  std::vector<std::uint8_t> encoded_tile(int level, std::int64_t column, std::int64_t row,
                                         const slide::ColorTable* colours, const CancelToken& cancel = {}) const;

 private:
  struct Axis;
  Axis along(int level, std::int64_t index, bool vertical) const;

  std::shared_ptr<const slide::Slide> slide_;
  DeepZoomOptions options_;
  slide::Rect area_;  // level-0 pixels
  std::vector<DeepZoomLevel> levels_;
};

}  // namespace histojet::tiles
