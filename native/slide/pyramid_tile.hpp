#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "base/image.hpp"
#include "codecs/jpeg.hpp"
#include "slide/pyramid_writer.hpp"

namespace histojet::slide {

/// A tile of a pyramid in the making: pixels, or one colour. `width` x `height` of it belong to the level, the rest is
/// padding.
struct PyramidTile {
  std::int64_t width = 0;
  std::int64_t height = 0;
  std::optional<Colour> colour;
  Image pixels;  ///< whole tiles, where there is no colour
};
using PyramidTilePointer = std::shared_ptr<const PyramidTile>;

/// The one colour of a picture of 1 or 3 channels; nothing when it has several.
std::optional<Colour> colour_of(const Image& pixels);

/// Copies the level's part of a tile into the padding: repeated edge pixels, or the start again where the slide is
/// periodic.
void pad_tile(PyramidTile& tile, bool wrap);

/// Encoder settings of JPEG tiles: abbreviated streams whose tables stand in the directory.
codecs::JpegEncodeOptions jpeg_options(const PyramidOptions& options);

/// The stored bytes of one whole tile. Deterministic.
std::vector<std::uint8_t> encode_tile(const Image& pixels, const PyramidOptions& options);

/// Makes one tile of a level out of up to four of the level before: the 2 x 2 mean. The four may come in any order and
/// are not kept.
class TileHalving {
 public:
  /// `width` x `height` of the new tile belong to its level.
  TileHalving(const PyramidOptions& options, std::int64_t width, std::int64_t height);

  /// `quadrant`: 0 upper left, 1 upper right, 2 lower left, 3 lower right.
  void add(std::int64_t quadrant, const PyramidTile& tile);
  PyramidTilePointer finish();

 private:
  void need_pixels();
  void fill(std::int64_t quadrant, const PyramidTile& tile);

  const PyramidOptions& options_;
  std::shared_ptr<PyramidTile> made_;
  std::array<std::optional<Colour>, 4> colours_;
  bool mixed_ = false;
};

}  // namespace histojet::slide
