#include "slide/pyramid_tile.hpp"

#include <algorithm>
#include <cstring>

#include "codecs/deflate.hpp"
#include "codecs/zstd.hpp"

namespace histojet::slide {

namespace {

/// TIFF's predictor 2 on 8-bit samples: each row as differences to the left neighbour.
std::vector<std::uint8_t> differences(const Image& pixels) {
  std::vector<std::uint8_t> rows = pixels.data;
  const auto step = static_cast<std::size_t>(pixels.channels);
  const std::size_t length = static_cast<std::size_t>(pixels.width) * step;
  for (std::size_t start = 0; start < rows.size(); start += length) {
    for (std::size_t i = start + length - 1; i >= start + step; --i) {
      rows[i] = static_cast<std::uint8_t>(rows[i] - rows[i - step]);
    }
  }
  return rows;
}

}  // namespace

std::optional<Colour> colour_of(const Image& pixels) {
  const auto step = static_cast<std::size_t>(pixels.channels);
  // Every byte equals the one a pixel earlier: one comparison of the buffer with itself.
  if (std::memcmp(pixels.data.data(), pixels.data.data() + step, pixels.data.size() - step) != 0) return {};
  Colour colour{};
  std::copy_n(pixels.data.begin(), step, colour.begin());
  return colour;
}

void pad_tile(PyramidTile& tile, bool wrap) {
  Image& p = tile.pixels;
  const std::int64_t step = p.channels;
  for (std::int64_t y = 0; y < p.height; ++y) {
    const std::int64_t from = y < tile.height ? y : (wrap ? y % tile.height : tile.height - 1);
    if (from != y) std::memcpy(p.row(y), p.row(from), static_cast<std::size_t>(p.width * step));
    std::uint8_t* row = p.row(y);
    for (std::int64_t x = tile.width; x < p.width; ++x) {
      const std::int64_t at = wrap ? x % tile.width : tile.width - 1;
      std::memcpy(row + step * x, row + step * at, static_cast<std::size_t>(step));
    }
  }
}

codecs::JpegEncodeOptions jpeg_options(const PyramidOptions& options) {
  return {options.quality, options.subsampling, true};
}

std::vector<std::uint8_t> encode_tile(const Image& pixels, const PyramidOptions& options) {
  switch (options.compression) {
    case PyramidCompression::kJpeg:
      return codecs::encode_jpeg(pixels, jpeg_options(options));
    case PyramidCompression::kDeflate:
      return codecs::deflate_zlib(differences(pixels));
    case PyramidCompression::kZstd:
      return codecs::compress_zstd(differences(pixels));
    case PyramidCompression::kNone:
      break;
  }
  return pixels.data;
}

TileHalving::TileHalving(const PyramidOptions& options, std::int64_t width, std::int64_t height)
    : options_(options), made_(std::make_shared<PyramidTile>()) {
  made_->width = width;
  made_->height = height;
}

void TileHalving::need_pixels() {
  if (mixed_) return;
  mixed_ = true;
  made_->pixels = Image(options_.tile_px, options_.tile_px, options_.channels);
}

void TileHalving::add(std::int64_t quadrant, const PyramidTile& tile) {
  if (tile.colour) {
    colours_[static_cast<std::size_t>(quadrant)] = tile.colour;
    return;
  }
  need_pixels();
  fill(quadrant, tile);
}

PyramidTilePointer TileHalving::finish() {
  const auto first = std::ranges::find_if(colours_, [](const auto& colour) { return colour.has_value(); });
  const auto same = [&](const std::optional<Colour>& colour) { return !colour || *colour == **first; };
  if (!mixed_ && first != colours_.end() && std::ranges::all_of(colours_, same)) {
    made_->colour = *first;
    return made_;
  }
  need_pixels();
  for (std::int64_t quadrant = 0; quadrant < 4; ++quadrant) {
    PyramidTile plain;
    plain.colour = colours_[static_cast<std::size_t>(quadrant)];
    if (plain.colour) fill(quadrant, plain);
  }
  pad_tile(*made_, options_.period_px > 0);
  return made_;
}

void TileHalving::fill(std::int64_t quadrant, const PyramidTile& tile) {
  const std::int64_t half = options_.tile_px / 2;
  const std::int64_t step = options_.channels;
  const std::int64_t left = quadrant % 2 * half;
  const std::int64_t top = quadrant / 2 * half;
  const std::int64_t columns = std::min(made_->width - left, half);
  const std::int64_t rows = std::min(made_->height - top, half);
  for (std::int64_t y = 0; y < rows; ++y) {
    std::uint8_t* out = made_->pixels.row(top + y) + step * left;
    if (tile.colour) {
      for (std::int64_t x = 0; x < columns; ++x) std::copy_n(tile.colour->begin(), step, out + step * x);
      continue;
    }
    const std::uint8_t* a = tile.pixels.row(2 * y);
    const std::uint8_t* b = tile.pixels.row(2 * y + 1);
    for (std::int64_t x = 0; x < columns; ++x) {
      for (std::int64_t k = 0; k < step; ++k) {
        const std::int64_t i = 2 * step * x + k;
        out[step * x + k] = static_cast<std::uint8_t>((a[i] + a[i + step] + b[i] + b[i + step] + 2) / 4);
      }
    }
  }
}

}  // namespace histojet::slide
