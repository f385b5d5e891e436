// PNG and JPEG pictures as slides of one level: decoded once, at the first read, and kept.

#include <algorithm>
#include <cstring>
#include <mutex>

#include "base/checked.hpp"
#include "base/error.hpp"
#include "codecs/jpeg.hpp"
#include "codecs/png.hpp"
#include "slide/formats.hpp"
#include "slide/tiff_properties.hpp"
#include "slide/tiled_slide.hpp"

namespace histojet::slide {
namespace {

constexpr std::uint64_t kMaxPixels = 1 << 28;
// Only the grain of the parallel copying; the picture is one piece.
constexpr std::int64_t kTileSide = 512;
// A JPEG block of 64 pixels takes at least about a bit.
constexpr std::uint64_t kMaxShrink = 4096;

Image decode_jpeg(std::span<const std::uint8_t> bytes, bool tolerant, std::string& warning) {
  codecs::JpegDecoder decoder;
  const codecs::JpegHeader header = decoder.read_header(bytes);
  Image image(header.width, header.height, 3);
  warning = decoder.decode(bytes, codecs::JpegColor::kAuto, header.width, header.height, 3, image.data.data(),
                           header.width * 3, tolerant);
  return image;
}

class PlainGrid final : public TileGrid {
 public:
  PlainGrid(std::shared_ptr<const ByteSource> source, std::int64_t width, std::int64_t height, bool png, bool alpha)
      : source_(std::move(source)), png_(png), alpha_(alpha) {
    width_ = width;
    height_ = height;
    tile_width_ = std::min(width, kTileSide);
    tile_height_ = std::min(height, kTileSide);
  }

  int channels() const override { return alpha_ ? 4 : 3; }
  bool has_tile(std::int64_t, std::int64_t) const override { return true; }
  bool worth_caching() const override { return false; }

  std::string decode_tile(std::int64_t column, std::int64_t row, std::uint8_t* out, std::int64_t stride,
                          bool tolerant) const override {
    const Image& image = pixels(tolerant);
    const std::int64_t x = column * tile_width_;
    const std::int64_t y = row * tile_height_;
    const std::int64_t columns = std::min(tile_width_, width_ - x);
    const std::int64_t rows = std::min(tile_height_, height_ - y);
    for (std::int64_t i = 0; i < rows; ++i) {
      std::memcpy(out + i * stride, image.row(y + i) + x * image.channels,
                  static_cast<std::size_t>(columns * image.channels));
    }
    return warning_;
  }

 private:
  const Image& pixels(bool tolerant) const {
    std::call_once(once_, [&] {
      const std::vector<std::uint8_t> bytes = source_->read(0, source_->size());
      Image image = png_ ? codecs::decode_png(bytes) : decode_jpeg(bytes, tolerant, warning_);
      if (image.width != width_ || image.height != height_ || image.channels != channels()) {
        throw Error(ErrorCode::kCorruptFile, "the picture does not have the size and channels of its header");
      }
      image_ = std::move(image);
    });
    return image_;
  }

  std::shared_ptr<const ByteSource> source_;
  bool png_;
  bool alpha_;
  mutable std::once_flag once_;
  mutable Image image_;
  mutable std::string warning_;
};

std::shared_ptr<const Slide> open_plain(const OpenContext& context, const char* format,
                                        std::unique_ptr<const PlainGrid> grid) {
  const auto pixels =
      checked_mul(static_cast<std::uint64_t>(grid->width()), static_cast<std::uint64_t>(grid->height()));
  if (!pixels || *pixels > kMaxPixels) {
    throw Error(ErrorCode::kUnsupportedFormat,
                context.path() + ": " + std::to_string(grid->width()) + " x " + std::to_string(grid->height()) +
                    " pixels are too many for a picture that must be decoded as a whole (at most 2^28); convert it to "
                    "a tiled TIFF");
  }
  if (*pixels / kMaxShrink > context.source()->size()) {
    throw Error(ErrorCode::kCorruptFile, context.path() + ": " + std::to_string(context.source()->size()) +
                                             " bytes cannot hold " + std::to_string(*pixels) + " pixels");
  }
  SlideParts parts;
  parts.format = format;
  // Densities in such files are those of screens and printers, so they say nothing about the specimen.
  parts.mpp = choose_mpp(context.options(), std::nullopt, std::nullopt, std::nullopt, parts.warnings);
  parts.properties["openslide.vendor"] = format;
  parts.grids.push_back(std::move(grid));
  return std::make_shared<const TiledSlide>(context.source(), context.options(), std::move(parts));
}

/// True when the picture will decode with alpha: by its colour type or by a tRNS chunk before the pixels.
bool png_has_alpha(const ByteSource& source, std::span<const std::uint8_t> head) {
  if (head[25] == 4 || head[25] == 6) return true;
  std::uint64_t at = 8;
  for (int chunks = 0; chunks < 10000 && source.contains(at, 8); ++chunks) {
    const std::vector<std::uint8_t> chunk = source.read(at, 8);
    const std::string_view type(reinterpret_cast<const char*>(chunk.data()) + 4, 4);
    if (type == "tRNS") return true;
    if (type == "IDAT") return false;
    at +=
        12 + (std::uint64_t{chunk[0]} << 24 | std::uint64_t{chunk[1]} << 16 | std::uint64_t{chunk[2]} << 8 | chunk[3]);
  }
  return false;
}

/// The size from the frame header of a JPEG file; metadata before it may be long, so more is read where needed.
codecs::JpegHeader jpeg_header(const ByteSource& source) {
  codecs::JpegDecoder decoder;
  for (std::uint64_t length = 1 << 16; length < source.size(); length *= 16) {
    try {
      return decoder.read_header(source.read(0, length));
    } catch (const Error&) {
      continue;
    }
  }
  return decoder.read_header(source.read(0, source.size()));
}

}  // namespace

bool is_png(const OpenContext& context) {
  return context.starts_with("\x89PNG\r\n\x1A\n");
}

std::shared_ptr<const Slide> open_png(const OpenContext& context) {
  try {
    const codecs::PngHeader header = codecs::read_png_header(context.head());
    return open_plain(context, "png",
                      std::make_unique<const PlainGrid>(context.source(), header.width, header.height, true,
                                                        png_has_alpha(*context.source(), context.head())));
  } catch (const Error& error) {
    if (std::string_view(error.what()).starts_with(context.path())) throw;
    throw Error(error.code(), context.path() + ": " + error.what());
  }
}

bool is_jpeg(const OpenContext& context) {
  return context.starts_with("\xFF\xD8\xFF");
}

std::shared_ptr<const Slide> open_jpeg(const OpenContext& context) {
  codecs::JpegHeader header;
  try {
    header = jpeg_header(*context.source());
  } catch (const Error& error) {
    throw Error(error.code(), context.path() + ": " + error.what());
  }
  return open_plain(context, "jpeg",
                    std::make_unique<const PlainGrid>(context.source(), header.width, header.height, false, false));
}

}  // namespace histojet::slide
