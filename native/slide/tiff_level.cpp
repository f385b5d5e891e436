#include "slide/tiff_level.hpp"

#include <algorithm>

#include "base/checked.hpp"
#include "base/error.hpp"

namespace histojet::slide {
namespace {

constexpr std::uint64_t kMaxSide = 0x7FFFFFFF;
constexpr std::uint64_t kMaxTileSide = 16384;
constexpr std::uint64_t kMaxPieceBytes = 1 << 30;
constexpr std::uint64_t kMaxPieces = 1 << 26;

}  // namespace

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
  const std::uint64_t samples = directory_->integer(tag::kSamplesPerPixel, 1);
  if (samples < 1 || samples > 4) {
    throw Error(ErrorCode::kUnsupportedFormat,
                where() + "expected 1 to 4 samples per pixel, got " + std::to_string(samples));
  }
  layout_.compression = directory_->integer(tag::kCompression, 1);
  layout_.codec = tiff_codec(layout_.compression);
  layout_.photometric = directory_->integer(tag::kPhotometric, samples >= 3 ? 2 : 1);
  layout_.samples = static_cast<int>(samples);
  layout_.separate_planes = samples > 1 && directory_->integer(tag::kPlanarConfiguration, 1) == 2;
  layout_.big_endian = file_->big_endian();
  read_bits();
  const std::uint64_t predictor = allows_predictor(layout_.codec) ? directory_->integer(tag::kPredictor, 1) : 1;
  layout_.horizontal_difference = predictor == 2;
  if (predictor > 2) {
    throw Error(ErrorCode::kUnsupportedFormat,
                where() + "predictor " + std::to_string(predictor) + " is not supported");
  }
  const auto bytes = checked_mul(static_cast<std::uint64_t>(tile_width_) * static_cast<std::uint64_t>(tile_height_),
                                 samples * static_cast<std::uint64_t>(layout_.bits) / 8);
  if (!bytes || *bytes > kMaxPieceBytes) {
    throw Error(ErrorCode::kUnsupportedFormat, where() + "a single tile or strip of " + std::to_string(tile_width_) +
                                                   " x " + std::to_string(tile_height_) +
                                                   " pixels exceeds the limit of 1 GiB");
  }
  if (!checked_mul(tile_count(), samples) || tile_count() * samples > kMaxPieces) {
    throw Error(ErrorCode::kCorruptFile, where() + "claims more than 67 million tiles");
  }
}

void TiffLevel::read_bits() {
  std::uint64_t bits = 1;
  if (directory_->has(tag::kBitsPerSample)) {
    // Some writers store one value for all samples.
    const auto samples = static_cast<std::uint64_t>(layout_.samples);
    const auto all =
        directory_->integers(tag::kBitsPerSample, std::min(samples, directory_->count(tag::kBitsPerSample)));
    bits = all.empty() ? 0 : all.front();
    if (std::ranges::any_of(all, [&](std::uint64_t value) { return value != bits; })) bits = 0;
  }
  const std::uint64_t sample_format = directory_->integer(tag::kSampleFormat, 1);
  const bool any_depth = layout_.codec == TiffCodec::kJpeg2000 || layout_.codec == TiffCodec::kJpegXl;
  const bool known = bits == 8 || bits == 16 || (any_depth && bits > 8 && bits < 16);
  if (!known || (sample_format != 1 && sample_format != 4)) {
    throw Error(ErrorCode::kUnsupportedFormat, where() + "expected unsigned samples of 8 or 16 bits");
  }
  layout_.bits = any_depth ? 8 : static_cast<int>(bits);
}

void TiffLevel::read_color() {
  const std::uint64_t photometric = layout_.photometric;
  const int color = layout_.color_samples();
  if (photometric > 3 && photometric != 6) {
    throw Error(ErrorCode::kUnsupportedFormat,
                where() + "photometric interpretation " + std::to_string(photometric) + " is not supported");
  }
  if (layout_.samples < color) {
    throw Error(ErrorCode::kCorruptFile, where() + "colour with only " + std::to_string(layout_.samples) + " samples");
  }
  if (layout_.samples > color && directory_->has(tag::kExtraSamples)) {
    const std::uint64_t extra = directory_->integer(tag::kExtraSamples, 0);
    layout_.has_alpha = extra == 1 || extra == 2;
    layout_.premultiplied = extra == 1;
  }
  if (layout_.stored_ycbcr()) read_ycbcr();
  unreadable_ = reason_unreadable();
  if (layout_.codec == TiffCodec::kJpeg || layout_.codec == TiffCodec::kInStream) {
    if (const auto tables = directory_->bytes(tag::kJpegTables)) jpeg_tables_ = *tables;
  }
  if (photometric == 3) read_palette();
  const bool exact = layout_.samples == color;
  const bool picture_alpha = layout_.samples == 4 && !layout_.premultiplied;
  direct_ = !stores_samples(layout_.codec) && !layout_.separate_planes && palette_.empty() &&
            (exact || (layout_.codec == TiffCodec::kJpeg2000 && !layout_.has_alpha) ||
             (picture_alpha && (layout_.codec == TiffCodec::kWebp || layout_.codec == TiffCodec::kJpegXl)));
}

void TiffLevel::read_ycbcr() {
  layout_.chroma_x = layout_.chroma_y = 2;
  if (directory_->has(tag::kYCbCrSubsampling)) {
    const auto steps = directory_->integers(tag::kYCbCrSubsampling, 2);
    layout_.chroma_x = static_cast<int>(std::min<std::uint64_t>(steps[0], 255));
    layout_.chroma_y = static_cast<int>(std::min<std::uint64_t>(steps[1], 255));
  }
}

void TiffLevel::read_palette() {
  if (layout_.bits != 8) throw Error(ErrorCode::kUnsupportedFormat, where() + "palette with 16-bit indices");
  const auto map = directory_->integers(tag::kColorMap, 768);
  palette_.resize(768);
  for (std::size_t i = 0; i < 256; ++i) {
    for (std::size_t c = 0; c < 3; ++c) palette_[i * 3 + c] = static_cast<std::uint8_t>(map[c * 256 + i] >> 8);
  }
}

std::string TiffLevel::reason_unreadable() const {
  const TiffCodec codec = layout_.codec;
  const std::string name = compression_name(layout_.compression);
  if (codec == TiffCodec::kUnknown) return name + " is not supported";
  if (layout_.photometric == 6 && layout_.separate_planes) return "YCbCr in separate planes is not supported";
  if (!stores_samples(codec) && layout_.bits != 8) return name + " with 16-bit samples is not supported";
  if (codec == TiffCodec::kWebp && (layout_.samples < 3 || layout_.separate_planes)) {
    return name + " with other than 3 or 4 interleaved samples is not supported";
  }
  if (!layout_.stored_ycbcr()) return {};
  const auto step = [](int value) { return value == 1 || value == 2 || value == 4; };
  const bool black_level = directory_->number(tag::kReferenceBlackWhite).value_or(0) != 0;
  if (layout_.bits != 8 || layout_.samples != 3 || layout_.horizontal_difference || black_level ||
      !step(layout_.chroma_x) || !step(layout_.chroma_y)) {
    return "YCbCr samples with 16 bits, more than 3 samples, a predictor, a black level or subsampling other than 1, "
           "2 or 4 are not supported";
  }
  return {};
}

std::string TiffLevel::where() const {
  return file_->source().name() + ": " + directory_->name() + ": ";
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

std::uint64_t TiffLevel::piece_bytes(std::int64_t rows) const {
  if (layout_.stored_ycbcr()) {
    const std::int64_t blocks = ceil_div(tile_width_, layout_.chroma_x) * ceil_div(rows, layout_.chroma_y);
    return static_cast<std::uint64_t>(blocks * (layout_.chroma_x * layout_.chroma_y + 2));
  }
  return static_cast<std::uint64_t>(tile_width_ * rows * layout_.samples * layout_.bits / 8) / planes();
}

const std::vector<std::uint32_t>& TiffLevel::lengths() const {
  std::call_once(lengths_once_, [this] {
    const auto lengths = directory_->integers(tiled_ ? tag::kTileByteCounts : tag::kStripByteCounts, piece_count());
    lengths_.resize(lengths.size());
    // A length that does not fit is larger than any piece may be, and so is its replacement.
    std::ranges::transform(lengths, lengths_.begin(), [](std::uint64_t length) {
      return static_cast<std::uint32_t>(std::min<std::uint64_t>(length, 0xFFFFFFFF));
    });
  });
  return lengths_;
}

const std::vector<std::uint64_t>& TiffLevel::offsets() const {
  std::call_once(offsets_once_, [this] {
    offsets_ = directory_->integers(tiled_ ? tag::kTileOffsets : tag::kStripOffsets, piece_count());
  });
  return offsets_;
}

TiffLevel::Piece TiffLevel::piece(std::uint64_t index) const {
  return {offsets().at(index), lengths().at(index)};
}

bool TiffLevel::has_tile(std::int64_t column, std::int64_t row) const {
  return lengths().at(static_cast<std::size_t>(row * tiles_across() + column)) > 0;
}

void TiffLevel::stored_ranges(std::int64_t column, std::int64_t row, std::vector<ByteRange>& out) const {
  for (std::uint64_t p = 0; p < planes(); ++p) {
    const Piece place = piece(static_cast<std::uint64_t>(row * tiles_across() + column) + p * tile_count());
    if (place.length > 0) out.push_back({place.offset, place.length});
  }
}

std::optional<Rect> TiffLevel::stored_bounds() const {
  const std::vector<std::uint32_t>& stored = lengths();
  const std::int64_t across = tiles_across();
  std::int64_t left = across, right = -1, top = tiles_down(), bottom = -1, count = 0;
  for (std::int64_t row = 0; row < tiles_down(); ++row) {
    for (std::int64_t column = 0; column < across; ++column) {
      if (stored[static_cast<std::size_t>(row * across + column)] == 0) continue;
      ++count;
      left = std::min(left, column);
      right = std::max(right, column);
      top = std::min(top, row);
      bottom = row;
    }
  }
  if (count == 0 || count == across * tiles_down()) return std::nullopt;
  return Rect{left * tile_width_, top * tile_height_, std::min(width_, (right + 1) * tile_width_) - left * tile_width_,
              std::min(height_, (bottom + 1) * tile_height_) - top * tile_height_};
}

void TiffLevel::check_tile(std::int64_t column, std::int64_t row) const {
  if (!unreadable_.empty()) throw Error(ErrorCode::kUnsupportedFormat, unreadable_);
  const std::uint64_t raw = piece_bytes(stored_rows(row));
  for (std::uint64_t p = 0; p < planes(); ++p) {
    const Piece place = piece(static_cast<std::uint64_t>(row * tiles_across() + column) + p * tile_count());
    if (!file_->source().contains(place.offset, place.length)) {
      throw Error(ErrorCode::kCorruptFile, std::to_string(place.length) + " bytes at offset " +
                                               std::to_string(place.offset) + " lie beyond the end of the file");
    }
    if (place.length < least_stream_bytes(layout_.codec, raw)) {
      throw Error(ErrorCode::kCorruptFile, std::to_string(place.length) + " bytes in the file cannot hold " +
                                               std::to_string(raw) + " bytes of samples");
    }
  }
}

}  // namespace histojet::slide
