#pragma once

#include <cstdint>
#include <vector>

#include "base/part_file.hpp"
#include "slide/pyramid_writer.hpp"

namespace histojet::slide {

/// Where the bytes of a tile lie in the file.
struct TileRange {
  std::uint64_t offset = 0;
  std::uint64_t length = 0;
};

/// One level as its directory describes it. The table of stored tiles may be smaller than the level's grid: then it
/// repeats in both directions.
struct LevelTable {
  std::int64_t width = 0;
  std::int64_t height = 0;
  std::int64_t stored_columns = 0;
  std::int64_t stored_rows = 0;
  const std::vector<TileRange>* ranges = nullptr;
};

/// The first 16 bytes of a little-endian BigTIFF; the offset of the first directory is still 0.
std::vector<std::uint8_t> bigtiff_header();

/// Appends what the levels share, their tile tables and their directories, and names the first one in the header. The
/// levels form one chain; in OME-TIFF those after the first are the SubIFDs of the first.
void write_directories(PartFile& file, const PyramidOptions& options, const std::vector<LevelTable>& levels);

}  // namespace histojet::slide
