#include "slide/tiff_codec.hpp"

#include <algorithm>
#include <iterator>

#include "base/error.hpp"
#include "codecs/deflate.hpp"
#include "codecs/lzw.hpp"
#include "codecs/packbits.hpp"
#include "codecs/zstd.hpp"

namespace histojet::slide {
namespace {

struct Known {
  std::uint64_t code;
  TiffCodec codec;
  const char* name;
};

constexpr Known kKnown[] = {
    {1, TiffCodec::kNone, "no compression"},
    {2, TiffCodec::kUnknown, "CCITT"},
    {3, TiffCodec::kUnknown, "CCITT fax"},
    {4, TiffCodec::kUnknown, "CCITT fax"},
    {5, TiffCodec::kLzw, "LZW"},
    {6, TiffCodec::kUnknown, "old JPEG"},
    {7, TiffCodec::kJpeg, "JPEG"},
    {8, TiffCodec::kDeflate, "Deflate"},
    {22610, TiffCodec::kUnknown, "JPEG XR"},
    {32773, TiffCodec::kPackBits, "PackBits"},
    {32946, TiffCodec::kDeflate, "Deflate"},
    {kAperioYCbCr, TiffCodec::kJpeg2000, "Aperio JPEG 2000 YCbCr"},
    {33004, TiffCodec::kInStream, "lossy JPEG 2000 or Aperio JPEG YCC"},
    {kAperioRgb, TiffCodec::kJpeg2000, "Aperio JPEG 2000 RGB"},
    {33007, TiffCodec::kInStream, "alternative JPEG or Aperio raw YCbCr 4:2:2"},
    {34712, TiffCodec::kJpeg2000, "JPEG 2000"},
    {34887, TiffCodec::kUnknown, "LERC"},
    {34925, TiffCodec::kUnknown, "LZMA"},
    {34926, TiffCodec::kZstd, "zstd"},
    {34927, TiffCodec::kWebp, "WebP"},
    {34934, TiffCodec::kUnknown, "JPEG XR"},
    {50000, TiffCodec::kZstd, "zstd"},
    {50001, TiffCodec::kWebp, "WebP"},
    {50002, TiffCodec::kJpegXl, "JPEG XL"},
    {52546, TiffCodec::kJpegXl, "JPEG XL"},
};

const Known* find(std::uint64_t compression) {
  const auto* known = std::ranges::find(kKnown, compression, &Known::code);
  return known == std::end(kKnown) ? nullptr : known;
}

}  // namespace

TiffCodec tiff_codec(std::uint64_t compression) {
  const Known* known = find(compression);
  return known == nullptr ? TiffCodec::kUnknown : known->codec;
}

std::string compression_name(std::uint64_t compression) {
  const Known* known = find(compression);
  return (known == nullptr ? std::string("compression") : known->name) + " (" + std::to_string(compression) + ")";
}

bool stores_samples(TiffCodec codec) {
  return codec == TiffCodec::kNone || codec == TiffCodec::kLzw || codec == TiffCodec::kDeflate ||
         codec == TiffCodec::kPackBits || codec == TiffCodec::kZstd;
}

bool allows_predictor(TiffCodec codec) {
  return codec == TiffCodec::kLzw || codec == TiffCodec::kDeflate || codec == TiffCodec::kZstd;
}

std::uint64_t least_stream_bytes(TiffCodec codec, std::uint64_t raw) {
  // Deflate shrinks 1032:1 at most, LZW about 2700:1, zstd 43 690:1; an empty JPEG of many pixels about 1000:1.
  constexpr std::uint64_t kMostShrink = 4096;
  constexpr std::uint64_t kMostZstdShrink = 65536;
  // An even picture takes a few dozen bytes in the newer picture codecs, whatever its size.
  constexpr std::uint64_t kFreePixelBytes = 16 << 20;
  switch (codec) {
    case TiffCodec::kNone:
      return raw;
    case TiffCodec::kZstd:
      return raw / kMostZstdShrink;
    case TiffCodec::kJpeg2000:
    case TiffCodec::kWebp:
    case TiffCodec::kJpegXl:
    case TiffCodec::kInStream:
      return raw <= kFreePixelBytes ? 1 : raw / kMostShrink;
    default:
      return raw / kMostShrink;
  }
}

TiffCodec codec_of_stream(std::span<const std::uint8_t> stream) {
  const auto starts = [&](std::initializer_list<std::uint8_t> magic) {
    return stream.size() >= magic.size() && std::equal(magic.begin(), magic.end(), stream.begin());
  };
  if (starts({0xFF, 0xD8, 0xFF})) return TiffCodec::kJpeg;
  if (starts({0xFF, 0x4F, 0xFF, 0x51}) || starts({0, 0, 0, 12, 'j', 'P', ' ', ' '})) return TiffCodec::kJpeg2000;
  return TiffCodec::kUnknown;
}

void expand_samples(TiffCodec codec, std::span<const std::uint8_t> stream, std::span<std::uint8_t> out) {
  switch (codec) {
    case TiffCodec::kLzw:
      return codecs::decode_lzw(stream, out);
    case TiffCodec::kDeflate:
      return codecs::inflate_zlib(stream, out);
    case TiffCodec::kPackBits:
      return codecs::decode_packbits(stream, out);
    case TiffCodec::kZstd:
      return codecs::decompress_zstd(stream, out);
    default:
      throw Error(ErrorCode::kInternal, "no codec of samples");
  }
}

}  // namespace histojet::slide
