#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "slide/placed_grid.hpp"

namespace histojet::slide {

/// A scanned area of a Ventana BIF slide.
struct VentanaArea {
  std::int64_t first_column = 0;  ///< of the stored tiles of level 0
  std::int64_t first_row = 0;
  std::int64_t columns = 0;
  std::int64_t rows = 0;
  double x = 0;  ///< pixels of level 0, from the upper left corner of all areas
  double y = 0;
};

/// How the tiles of a Ventana BIF slide overlap: in all areas by the same amounts, the means of the measured ones
/// weighted with their confidence (openslide.github.io, formats/ventana).
struct VentanaStitching {
  std::vector<VentanaArea> areas;
  double step_x = 0;  ///< from tile to tile in pixels of level 0
  double step_y = 0;

  /// The tiles of a level that is `downsample` times smaller than level 0 and stores `parts` x `parts` of its tiles in
  /// one. Its size holds all areas.
  TilePlan plan(double downsample, std::int64_t parts, std::int64_t tile_width, std::int64_t tile_height) const;
};

/// Reads the XML (`EncodeInfo`) of level 0. Joints may name their tiles in either order (newer scanners write LEFT and
/// DOWN), and tiles are numbered in a snake from the bottom row or, with LEFT and DOWN, row by row.
/// @throws Error kCorruptFile when it is no such XML, or names tiles that `level` does not store.
VentanaStitching read_ventana_stitching(const std::string& xml, const TiffLevel& level);

}  // namespace histojet::slide
