#pragma once

#include <functional>
#include <memory>
#include <string>

#include "slide/slide.hpp"
#include "slide/tiff_directory.hpp"
#include "tiff_builder.hpp"

namespace histojet::test {

/// Colour of a pixel of a stored tile.
struct TilePixel {
  std::int64_t column;
  std::int64_t row;
  std::int64_t x;
  std::int64_t y;
};
using TilePaint = std::function<std::array<std::uint8_t, 3>(const TilePixel&)>;

/// Fields of a directory of uncompressed RGB tiles, whose bytes go into `file`. A tile for which `stored` is false gets
/// length 0.
inline TiffBuilder::Fields tiled_level(TiffBuilder& file, std::int64_t width, std::int64_t height, std::int64_t tile,
                                       const TilePaint& paint,
                                       const std::function<bool(std::int64_t, std::int64_t)>& stored = nullptr) {
  std::vector<std::uint64_t> offsets;
  std::vector<std::uint64_t> lengths;
  for (std::int64_t row = 0; row * tile < height; ++row) {
    for (std::int64_t column = 0; column * tile < width; ++column) {
      if (stored && !stored(column, row)) {
        offsets.push_back(0);
        lengths.push_back(0);
        continue;
      }
      std::vector<std::uint8_t> pixels;
      for (std::int64_t y = 0; y < tile; ++y) {
        for (std::int64_t x = 0; x < tile; ++x) {
          for (const std::uint8_t value : paint({column, row, x, y})) pixels.push_back(value);
        }
      }
      offsets.push_back(file.data(pixels));
      lengths.push_back(pixels.size());
    }
  }
  using namespace slide::tag;
  const auto side = [](std::int64_t value) { return TiffBuilder::longs({static_cast<std::uint64_t>(value)}); };
  return {{kImageWidth, side(width)},
          {kImageLength, side(height)},
          {kBitsPerSample, TiffBuilder::shorts({8, 8, 8})},
          {kCompression, TiffBuilder::shorts({1})},
          {kPhotometric, TiffBuilder::shorts({2})},
          {kSamplesPerPixel, TiffBuilder::shorts({3})},
          {kTileWidth, side(tile)},
          {kTileLength, side(tile)},
          {kTileOffsets, TiffBuilder::longs(offsets)},
          {kTileByteCounts, TiffBuilder::longs(lengths)}};
}

/// Column, row and the position inside the tile as a colour: (16 column + row, x, y).
inline std::array<std::uint8_t, 3> tile_marks(const TilePixel& pixel) {
  return {static_cast<std::uint8_t>(16 * pixel.column + pixel.row), static_cast<std::uint8_t>(pixel.x),
          static_cast<std::uint8_t>(pixel.y)};
}

inline std::shared_ptr<const slide::Slide> open_bytes(const std::vector<std::uint8_t>& bytes, const std::string& name,
                                                      const slide::OpenOptions& options = {.openslide = "off"}) {
  return slide::Slide::open(memory_source(bytes, name), options);
}

/// A whole level with alpha.
inline Image whole_level(const slide::Slide& slide, int level) {
  const slide::Level& size = slide.levels()[static_cast<std::size_t>(level)];
  return slide.read_region(
      {.width = size.width, .height = size.height, .level = level, .channels = 4, .level_coordinates = true});
}

inline std::array<int, 4> pixel_at(const Image& image, std::int64_t x, std::int64_t y) {
  const std::uint8_t* at = image.row(y) + x * image.channels;
  return {at[0], at[1], at[2], image.channels == 4 ? at[3] : 255};
}

}  // namespace histojet::test
