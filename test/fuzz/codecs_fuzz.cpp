// The first byte chooses a codec, the rest is its stream: it decodes or throws Error.

#include <array>
#include <cstdint>
#include <vector>

#include "base/error.hpp"
#include "codecs/deflate.hpp"
#include "codecs/jpeg.hpp"
#include "codecs/jpeg_2000.hpp"
#include "codecs/jpeg_xl.hpp"
#include "codecs/lzw.hpp"
#include "codecs/packbits.hpp"
#include "codecs/png.hpp"
#include "codecs/webp.hpp"
#include "codecs/zstd.hpp"

namespace {

using namespace histojet;
using Bytes = std::span<const std::uint8_t>;

constexpr std::int64_t kMostPixels = 1 << 20;

void decode_jpeg(Bytes stream, bool tolerant, codecs::JpegColor color) {
  // One decoder for all inputs: what a damaged stream leaves behind must not disturb the next.
  static codecs::JpegDecoder decoder;
  const codecs::JpegHeader header = decoder.read_header(stream);
  if (header.width * header.height > kMostPixels) return;
  std::vector<std::uint8_t> out(static_cast<std::size_t>(header.width * header.height * 3));
  decoder.decode(stream, color, header.width, header.height, 3, out.data(), header.width * 3, tolerant);
}

void decode_tables(Bytes stream) {
  codecs::JpegDecoder decoder;
  const std::size_t middle = stream.size() / 2;
  decoder.set_tables(stream.first(middle));
  std::array<std::uint8_t, 64 * 64 * 3> out;
  decoder.decode(stream.subspan(middle), codecs::JpegColor::kYCbCr, 64, 64, 3, out.data(), 64 * 3);
}

void decode_png(Bytes stream) {
  const codecs::PngHeader header = codecs::read_png_header(stream);
  if (header.width > kMostPixels || header.height > kMostPixels / header.width) return;
  codecs::decode_png(stream);
}

void decode_jpeg_2000(Bytes stream, codecs::Jpeg2000Color color, int channels, bool tolerant) {
  const codecs::Jpeg2000Header header = codecs::read_jpeg_2000_header(stream);
  if (header.width > kMostPixels || header.height > kMostPixels / header.width) return;
  std::vector<std::uint8_t> out(static_cast<std::size_t>(header.width * header.height * channels));
  codecs::decode_jpeg_2000(stream, color, header.width, header.height, channels, out.data(), header.width * channels,
                           tolerant);
}

/// The first two bytes are the size, which the stream has to confirm.
template <class Decode>
void decode_sized(Bytes stream, int channels, Decode decode) {
  if (stream.size() < 2) return;
  const std::int64_t width = stream[0] + 1;
  const std::int64_t height = stream[1] + 1;
  std::vector<std::uint8_t> out(static_cast<std::size_t>(width * height * channels));
  decode(stream.subspan(2), width, height, channels, out.data(), width * channels);
}

/// The codecs that came after the first seven, so that older corpora keep their meaning.
void decode_newer(int codec, Bytes stream, std::vector<std::uint8_t>& out) {
  switch (codec) {
    case 7:
      return codecs::decode_packbits(stream, out);
    case 8:
      return codecs::decompress_zstd(stream, out);
    case 9:
      return decode_sized(stream, 3, codecs::decode_webp);
    case 10:
      return decode_sized(stream, 4, codecs::decode_webp);
    case 11:
      return decode_jpeg_2000(stream, codecs::Jpeg2000Color::kRgb, 3, false);
    case 12:
      return decode_jpeg_2000(stream, codecs::Jpeg2000Color::kYCbCr, 3, true);
    case 13:
      return decode_jpeg_2000(stream, codecs::Jpeg2000Color::kGrey, 1, true);
    default:
      return decode_sized(stream, 3, codecs::decode_jpeg_xl);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const Bytes stream(data + 1, size - 1);
  std::vector<std::uint8_t> out(12288);
  try {
    switch (const int codec = data[0] % 15) {
      case 0:
        decode_jpeg(stream, false, codecs::JpegColor::kAuto);
        break;
      case 1:
        decode_jpeg(stream, true, codecs::JpegColor::kAuto);
        break;
      case 2:
        decode_jpeg(stream, true, codecs::JpegColor::kRgb);
        break;
      case 3:
        decode_tables(stream);
        break;
      case 4:
        codecs::inflate_zlib(stream, out);
        break;
      case 5:
        codecs::decode_lzw(stream, out);
        break;
      case 6:
        decode_png(stream);
        break;
      default:
        decode_newer(codec, stream, out);
    }
  } catch (const Error&) {
  }
  return 0;
}
