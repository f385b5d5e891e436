// The pixels of TiffLevel: from the stored bytes of a tile to RGB or RGBA rows.

#include "base/error.hpp"
#include "codecs/jpeg.hpp"
#include "codecs/jpeg_2000.hpp"
#include "codecs/jpeg_xl.hpp"
#include "codecs/webp.hpp"
#include "slide/scratch.hpp"
#include "slide/tiff_level.hpp"
#include "slide/tiff_pixels.hpp"

namespace histojet::slide {
namespace {

constexpr std::uint64_t kMinIsWhite = 0;
constexpr std::uint64_t kRgb = 2;
constexpr std::uint64_t kYCbCr = 6;

codecs::JpegDecoder& jpeg_decoder() {
  thread_local codecs::JpegDecoder decoder;
  return decoder;
}

codecs::JpegColor jpeg_color(std::uint64_t photometric) {
  return photometric == kRgb     ? codecs::JpegColor::kRgb
         : photometric == kYCbCr ? codecs::JpegColor::kYCbCr
                                 : codecs::JpegColor::kGrey;
}

codecs::Jpeg2000Color jpeg_2000_color(const TiffLayout& layout, std::span<const std::uint8_t> stream) {
  if (layout.color_samples() == 1) return codecs::Jpeg2000Color::kGrey;
  if (layout.compression == kAperioYCbCr) return codecs::Jpeg2000Color::kYCbCr;
  // A codestream with its own transform gives RGB; without one the tag is right about its components. Compression 33005
  // always means RGB.
  const bool stored_so = layout.photometric == kYCbCr && layout.compression != kAperioRgb &&
                         !codecs::read_jpeg_2000_header(stream).component_transform;
  return stored_so ? codecs::Jpeg2000Color::kYCbCr : codecs::Jpeg2000Color::kRgb;
}

}  // namespace

std::string TiffLevel::decode_tile(std::int64_t column, std::int64_t row, std::uint8_t* out, std::int64_t stride,
                                   bool tolerant) const {
  check_tile(column, row);
  const auto index = static_cast<std::uint64_t>(row * tiles_across() + column);
  const std::int64_t rows = stored_rows(row);
  return direct_ ? decode_picture(index, rows, out, stride, tolerant)
                 : decode_samples(index, rows, out, stride, tolerant);
}

bool TiffLevel::decode_part(std::int64_t column, std::int64_t row, const Rect& part, std::uint8_t* out,
                            std::int64_t stride) const {
  if (!direct_ || layout_.codec != TiffCodec::kJpeg || channels() != 3 || layout_.photometric == kMinIsWhite) {
    return false;
  }
  check_tile(column, row);
  const Piece place = piece(static_cast<std::uint64_t>(row * tiles_across() + column));
  Scratch stream(place.length);
  file_->source().read_at(place.offset, stream.span());
  codecs::JpegDecoder& decoder = jpeg_decoder();
  decoder.set_tables(jpeg_tables_);
  decoder.decode_window(stream.span(), jpeg_color(layout_.photometric), tile_width_, stored_rows(row), 3,
                        {part.x, part.y, part.width, part.height}, out, stride);
  return true;
}

std::string TiffLevel::decode_picture(std::uint64_t index, std::int64_t rows, std::uint8_t* out, std::int64_t stride,
                                      bool tolerant) const {
  const Piece place = piece(index);
  Scratch stream(place.length);
  file_->source().read_at(place.offset, stream.span());
  std::string warning = picture(stream.span(), false, channels(), rows, out, stride, tolerant);
  if (layout_.photometric == kMinIsWhite) {
    for (std::int64_t y = 0; y < rows; ++y) invert(out + y * stride, tile_width_ * 3);
  }
  return warning;
}

std::string TiffLevel::decode_samples(std::uint64_t index, std::int64_t rows, std::uint8_t* out, std::int64_t stride,
                                      bool tolerant) const {
  const std::size_t part = piece_bytes(rows);
  Scratch samples(part * planes());
  std::string warning;
  for (std::uint64_t p = 0; p < planes(); ++p) {
    const std::string said =
        expand(piece(index + p * tile_count()), rows, samples.span().subspan(p * part, part), tolerant);
    if (warning.empty()) warning = said;
  }
  if (layout_.stored_ycbcr()) {
    convert_ycbcr(layout_, samples.span(), tile_width_, rows, out, stride);
  } else {
    convert_samples(layout_, palette_, samples.span(), tile_width_, rows, out, stride);
  }
  return warning;
}

std::string TiffLevel::expand(const Piece& place, std::int64_t rows, std::span<std::uint8_t> bytes,
                              bool tolerant) const {
  if (layout_.codec == TiffCodec::kNone) {
    file_->source().read_at(place.offset, bytes);
    return {};
  }
  Scratch stream(place.length);
  file_->source().read_at(place.offset, stream.span());
  if (stores_samples(layout_.codec)) {
    expand_samples(layout_.codec, stream.span(), bytes);
    return {};
  }
  const int components = layout_.separate_planes ? 1 : layout_.samples;
  return picture(stream.span(), true, components, rows, bytes.data(), tile_width_ * components, tolerant);
}

std::string TiffLevel::picture(std::span<const std::uint8_t> stream, bool as_samples, int channels, std::int64_t rows,
                               std::uint8_t* out, std::int64_t stride, bool tolerant) const {
  const TiffCodec codec = layout_.codec == TiffCodec::kInStream ? codec_of_stream(stream) : layout_.codec;
  const bool with_alpha = codec == TiffCodec::kWebp || codec == TiffCodec::kJpegXl;
  const bool possible = channels == 3 || (channels == 1 && codec != TiffCodec::kWebp) || (channels == 4 && with_alpha);
  if (codec != TiffCodec::kUnknown && !possible) {
    throw Error(ErrorCode::kUnsupportedFormat,
                compression_name(layout_.compression) + " with " + std::to_string(channels) + " interleaved samples");
  }
  switch (codec) {
    case TiffCodec::kJpeg: {
      codecs::JpegDecoder& decoder = jpeg_decoder();
      decoder.set_tables(jpeg_tables_);
      const auto components = channels == 1 ? codecs::JpegColor::kGrey : codecs::JpegColor::kRgb;
      return decoder.decode(stream, as_samples ? components : jpeg_color(layout_.photometric), tile_width_, rows,
                            channels, out, stride, tolerant);
    }
    case TiffCodec::kJpeg2000: {
      const auto components = channels == 1 ? codecs::Jpeg2000Color::kGrey : codecs::Jpeg2000Color::kRgb;
      return codecs::decode_jpeg_2000(stream, as_samples ? components : jpeg_2000_color(layout_, stream), tile_width_,
                                      rows, channels, out, stride, tolerant);
    }
    case TiffCodec::kWebp:
      codecs::decode_webp(stream, tile_width_, rows, channels, out, stride);
      return {};
    case TiffCodec::kJpegXl:
      codecs::decode_jpeg_xl(stream, tile_width_, rows, channels, out, stride);
      return {};
    default:
      throw Error(ErrorCode::kUnsupportedFormat, compression_name(layout_.compression) +
                                                     ": writers disagree about this number and the stream is neither "
                                                     "JPEG nor JPEG 2000");
  }
}

}  // namespace histojet::slide
