#include "slide/tiff_level.hpp"

#include <algorithm>

#include "base/checked.hpp"
#include "base/error.hpp"
#include "codecs/deflate.hpp"
#include "codecs/jpeg.hpp"
#include "codecs/lzw.hpp"
#include "slide/scratch.hpp"
#include "slide/tiff_pixels.hpp"

namespace histojet::slide {
namespace {

constexpr std::uint64_t kMaxSide = 0x7FFFFFFF;
constexpr std::uint64_t kMaxTileSide = 16384;
constexpr std::uint64_t kMaxPieceBytes = 1 << 30;
constexpr std::uint64_t kMaxPieces = 1 << 26;
// No supported codec shrinks more than this (deflate 1032:1, LZW about 2700:1), so a longer claim is a lie.
constexpr std::uint64_t kMaxShrink = 4096;

constexpr std::uint64_t kUncompressed = 1;
constexpr std::uint64_t kLzw = 5;
constexpr std::uint64_t kJpeg = 7;

bool is_deflate(std::uint64_t compression) {
  return compression == 8 || compression == 32946;
}
bool is_supported(std::uint64_t compression) {
  return compression == kUncompressed || compression == kLzw || compression == kJpeg || is_deflate(compression);
}

codecs::JpegDecoder& jpeg_decoder() {
  thread_local codecs::JpegDecoder decoder;
  return decoder;
}

}  // namespace

std::string compression_name(std::uint64_t compression) {
  struct Known {
    std::uint64_t code;
    const char* name;
  };
  constexpr Known kKnown[] = {
      {2, "CCITT"},
      {3, "CCITT fax"},
      {4, "CCITT fax"},
      {6, "old JPEG"},
      {32773, "PackBits"},
      {33003, "Aperio JPEG 2000 YCbCr"},
      {33005, "Aperio JPEG 2000 RGB"},
      {34712, "JPEG 2000"},
      {50000, "zstd"},
      {34926, "zstd"},
      {50001, "WebP"},
      {34927, "WebP"},
      {50002, "JPEG XL"},
      {52546, "JPEG XL"},
      {22610, "JPEG XR"},
      {34934, "JPEG XR"},
      {34887, "LERC"},
      {34925, "LZMA"},
  };
  const auto* known = std::ranges::find(kKnown, compression, &Known::code);
  const std::string name = known == std::end(kKnown) ? "compression" : known->name;
  return name + " (" + std::to_string(compression) + ")";
}

TiffLevel::TiffLevel(const TiffFile& file, const TiffDirectory& directory)
    : file_(&file), directory_(&directory), tiled_(directory.tiled()) {
  read_geometry();
  read_layout();
  read_color();
  const std::uint64_t pieces = piece_count();
  directory.check_integers(tiled_ ? tag::kTileOffsets : tag::kStripOffsets, pieces);
  directory.check_integers(tiled_ ? tag::kTileByteCounts : tag::kStripByteCounts, pieces);
}

void TiffLevel::read_geometry() {
  const auto where = [&] { return file_->source().name() + ": " + directory_->name() + ": "; };
  const std::uint64_t width = directory_->integer(tag::kImageWidth, 0);
  const std::uint64_t height = directory_->integer(tag::kImageLength, 0);
  if (width < 1 || height < 1 || width > kMaxSide || height > kMaxSide) {
    throw Error(ErrorCode::kCorruptFile, where() + "expected sides of 1..2147483647 pixels, got " +
                                             std::to_string(width) + " x " + std::to_string(height));
  }
  std::uint64_t tile_width = width;
  std::uint64_t tile_height = std::min(height, directory_->integer(tag::kRowsPerStrip, height));
  if (tiled_) {
    tile_width = directory_->integer(tag::kTileWidth, 0);
    tile_height = directory_->integer(tag::kTileLength, 0);
  }
  const std::uint64_t widest = tiled_ ? kMaxTileSide : kMaxSide;
  if (tile_width < 1 || tile_height < 1 || tile_width > widest || tile_height > widest) {
    throw Error(ErrorCode::kCorruptFile, where() + "impossible tile size " + std::to_string(tile_width) + " x " +
                                             std::to_string(tile_height) + ", expected sides of 1..16384");
  }
  width_ = static_cast<std::int64_t>(width);
  height_ = static_cast<std::int64_t>(height);
  tile_width_ = static_cast<std::int64_t>(tile_width);
  tile_height_ = static_cast<std::int64_t>(tile_height);
}

void TiffLevel::read_layout() {
  const std::string where = file_->source().name() + ": " + directory_->name() + ": ";
  const std::uint64_t samples = directory_->integer(tag::kSamplesPerPixel, 1);
  if (samples < 1 || samples > 4) {
    throw Error(ErrorCode::kUnsupportedFormat,
                where + "expected 1 to 4 samples per pixel, got " + std::to_string(samples));
  }
  layout_.compression = directory_->integer(tag::kCompression, 1);
  layout_.photometric = directory_->integer(tag::kPhotometric, samples >= 3 ? 2 : 1);
  layout_.samples = static_cast<int>(samples);
  layout_.separate_planes = samples > 1 && directory_->integer(tag::kPlanarConfiguration, 1) == 2;
  layout_.big_endian = file_->big_endian();
  std::uint64_t bits = 1;
  if (directory_->has(tag::kBitsPerSample)) {
    // Some writers store one value for all samples.
    const auto all =
        directory_->integers(tag::kBitsPerSample, std::min(samples, directory_->count(tag::kBitsPerSample)));
    bits = all.empty() ? 0 : all.front();
    if (std::ranges::any_of(all, [&](std::uint64_t value) { return value != bits; })) bits = 0;
  }
  const std::uint64_t sample_format = directory_->integer(tag::kSampleFormat, 1);
  if ((bits != 8 && bits != 16) || (sample_format != 1 && sample_format != 4)) {
    throw Error(ErrorCode::kUnsupportedFormat, where + "expected unsigned samples of 8 or 16 bits");
  }
  layout_.bits = static_cast<int>(bits);
  const std::uint64_t predictor = directory_->integer(tag::kPredictor, 1);
  const bool predicted = layout_.compression == kLzw || is_deflate(layout_.compression);
  layout_.horizontal_difference = predicted && predictor == 2;
  if (predicted && predictor > 2) {
    throw Error(ErrorCode::kUnsupportedFormat, where + "predictor " + std::to_string(predictor) + " is not supported");
  }
  const auto bytes = checked_mul(static_cast<std::uint64_t>(tile_width_) * static_cast<std::uint64_t>(tile_height_),
                                 samples * bits / 8);
  if (!bytes || *bytes > kMaxPieceBytes) {
    throw Error(ErrorCode::kUnsupportedFormat, where + "a single tile or strip of " + std::to_string(tile_width_) +
                                                   " x " + std::to_string(tile_height_) +
                                                   " pixels exceeds the limit of 1 GiB");
  }
  if (!checked_mul(tile_count(), samples) || tile_count() * samples > kMaxPieces) {
    throw Error(ErrorCode::kCorruptFile, where + "claims more than 67 million tiles");
  }
}

void TiffLevel::read_color() {
  const std::string where = file_->source().name() + ": " + directory_->name() + ": ";
  const std::uint64_t photometric = layout_.photometric;
  const int color = layout_.color_samples();
  if (photometric > 3 && photometric != 6) {
    throw Error(ErrorCode::kUnsupportedFormat,
                where + "photometric interpretation " + std::to_string(photometric) + " is not supported");
  }
  if (layout_.samples < color) {
    throw Error(ErrorCode::kCorruptFile, where + "colour with only " + std::to_string(layout_.samples) + " samples");
  }
  if (layout_.samples > color && directory_->has(tag::kExtraSamples)) {
    const std::uint64_t extra = directory_->integer(tag::kExtraSamples, 0);
    layout_.has_alpha = extra == 1 || extra == 2;
    layout_.premultiplied = extra == 1;
  }
  if (!is_supported(layout_.compression)) {
    unreadable_ = compression_name(layout_.compression) + " is not supported";
  } else if (photometric == 6 && layout_.compression != kJpeg) {
    unreadable_ = "YCbCr samples without JPEG compression are not supported";
  } else if (photometric == 6 && layout_.separate_planes) {
    unreadable_ = "YCbCr in separate planes is not supported";
  } else if (layout_.compression == kJpeg && layout_.bits != 8) {
    unreadable_ = "JPEG with 16-bit samples is not supported";
  }
  if (layout_.compression == kJpeg) {
    if (const auto tables = directory_->bytes(tag::kJpegTables)) jpeg_tables_ = *tables;
  }
  if (photometric == 3) {
    if (layout_.bits != 8) throw Error(ErrorCode::kUnsupportedFormat, where + "palette with 16-bit indices");
    const auto map = directory_->integers(tag::kColorMap, 768);
    palette_.resize(768);
    for (std::size_t i = 0; i < 256; ++i) {
      for (std::size_t c = 0; c < 3; ++c) palette_[i * 3 + c] = static_cast<std::uint8_t>(map[c * 256 + i] >> 8);
    }
  }
}

std::uint64_t TiffLevel::tile_count() const {
  return static_cast<std::uint64_t>(tiles_across()) * static_cast<std::uint64_t>(tiles_down());
}

std::uint64_t TiffLevel::piece_count() const {
  return tile_count() * static_cast<std::uint64_t>(layout_.separate_planes ? layout_.samples : 1);
}

std::int64_t TiffLevel::stored_rows(std::int64_t row) const {
  return tiled_ ? tile_height_ : std::min(tile_height_, height_ - row * tile_height_);
}

void TiffLevel::load_tables() const {
  std::call_once(tables_once_, [this] {
    const std::uint64_t pieces = piece_count();
    const auto lengths = directory_->integers(tiled_ ? tag::kTileByteCounts : tag::kStripByteCounts, pieces);
    lengths_.resize(lengths.size());
    // A length that does not fit is larger than any piece may be, and so is its replacement.
    std::ranges::transform(lengths, lengths_.begin(), [](std::uint64_t length) {
      return static_cast<std::uint32_t>(std::min<std::uint64_t>(length, 0xFFFFFFFF));
    });
    offsets_ = directory_->integers(tiled_ ? tag::kTileOffsets : tag::kStripOffsets, pieces);
  });
}

TiffLevel::Piece TiffLevel::piece(std::uint64_t index) const {
  load_tables();
  return {offsets_.at(index), lengths_.at(index)};
}

bool TiffLevel::has_tile(std::int64_t column, std::int64_t row) const {
  return piece(static_cast<std::uint64_t>(row * tiles_across() + column)).length > 0;
}

void TiffLevel::check_tile(std::int64_t column, std::int64_t row) const {
  if (!unreadable_.empty()) throw Error(ErrorCode::kUnsupportedFormat, unreadable_);
  const std::uint64_t pieces = layout_.separate_planes ? static_cast<std::uint64_t>(layout_.samples) : 1;
  const auto raw =
      static_cast<std::uint64_t>(tile_width_ * stored_rows(row) * layout_.samples * layout_.bits / 8) / pieces;
  for (std::uint64_t p = 0; p < pieces; ++p) {
    const Piece place = piece(static_cast<std::uint64_t>(row * tiles_across() + column) + p * tile_count());
    if (!file_->source().contains(place.offset, place.length)) {
      throw Error(ErrorCode::kCorruptFile, std::to_string(place.length) + " bytes at offset " +
                                               std::to_string(place.offset) + " lie beyond the end of the file");
    }
    if (place.length < (layout_.compression == kUncompressed ? raw : raw / kMaxShrink)) {
      throw Error(ErrorCode::kCorruptFile, std::to_string(place.length) + " bytes in the file cannot hold " +
                                               std::to_string(raw) + " bytes of samples");
    }
  }
}

std::string TiffLevel::decode_tile(std::int64_t column, std::int64_t row, std::uint8_t* out, std::int64_t stride,
                                   bool tolerant) const {
  check_tile(column, row);
  const auto index = static_cast<std::uint64_t>(row * tiles_across() + column);
  const std::int64_t rows = stored_rows(row);
  const bool whole_jpeg = layout_.compression == kJpeg && !layout_.separate_planes && palette_.empty() &&
                          layout_.samples == layout_.color_samples();
  return whole_jpeg ? decode_jpeg(index, rows, out, stride, tolerant)
                    : decode_samples(index, rows, out, stride, tolerant);
}

std::string TiffLevel::decode_jpeg(std::uint64_t index, std::int64_t rows, std::uint8_t* out, std::int64_t stride,
                                   bool tolerant) const {
  const Piece place = piece(index);
  Scratch stream(place.length);
  file_->source().read_at(place.offset, stream.span());
  codecs::JpegDecoder& decoder = jpeg_decoder();
  decoder.set_tables(jpeg_tables_);
  const auto color = layout_.photometric == 2   ? codecs::JpegColor::kRgb
                     : layout_.photometric == 6 ? codecs::JpegColor::kYCbCr
                                                : codecs::JpegColor::kGrey;
  std::string warning = decoder.decode(stream.span(), color, tile_width_, rows, 3, out, stride, tolerant);
  if (layout_.photometric == 0) {
    for (std::int64_t y = 0; y < rows; ++y) invert(out + y * stride, tile_width_ * 3);
  }
  return warning;
}

std::string TiffLevel::decode_samples(std::uint64_t index, std::int64_t rows, std::uint8_t* out, std::int64_t stride,
                                      bool tolerant) const {
  const std::uint64_t pieces = layout_.separate_planes ? static_cast<std::uint64_t>(layout_.samples) : 1;
  const auto total = static_cast<std::size_t>(tile_width_ * rows * layout_.samples * layout_.bits / 8);
  const std::size_t part = total / pieces;
  Scratch samples(total);
  std::string warning;
  for (std::uint64_t p = 0; p < pieces; ++p) {
    const std::string said =
        expand(piece(index + p * tile_count()), rows, samples.span().subspan(p * part, part), tolerant);
    if (warning.empty()) warning = said;
  }
  convert_samples(layout_, palette_, samples.span(), tile_width_, rows, out, stride);
  return warning;
}

std::string TiffLevel::expand(const Piece& place, std::int64_t rows, std::span<std::uint8_t> bytes,
                              bool tolerant) const {
  if (layout_.compression == kUncompressed) {
    file_->source().read_at(place.offset, bytes);
    return {};
  }
  Scratch stream(place.length);
  file_->source().read_at(place.offset, stream.span());
  if (layout_.compression == kLzw) {
    codecs::decode_lzw(stream.span(), bytes);
    return {};
  }
  if (is_deflate(layout_.compression)) {
    codecs::inflate_zlib(stream.span(), bytes);
    return {};
  }
  const int components = layout_.separate_planes ? 1 : layout_.samples;
  if (components != 1 && components != 3) {
    throw Error(ErrorCode::kUnsupportedFormat, "JPEG with " + std::to_string(components) + " interleaved samples");
  }
  codecs::JpegDecoder& decoder = jpeg_decoder();
  decoder.set_tables(jpeg_tables_);
  const auto color = components == 1 ? codecs::JpegColor::kGrey : codecs::JpegColor::kRgb;
  return decoder.decode(stream.span(), color, tile_width_, rows, components, bytes.data(), tile_width_ * components,
                        tolerant);
}

}  // namespace histojet::slide
