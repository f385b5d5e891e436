// The first byte chooses a codec, the rest is its stream: it decodes or throws Error.

#include <array>
#include <cstdint>
#include <vector>

#include "base/error.hpp"
#include "codecs/deflate.hpp"
#include "codecs/jpeg.hpp"
#include "codecs/lzw.hpp"
#include "codecs/png.hpp"

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

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const Bytes stream(data + 1, size - 1);
  std::vector<std::uint8_t> out(12288);
  try {
    switch (data[0] % 7) {
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
      default:
        decode_png(stream);
    }
  } catch (const Error&) {
  }
  return 0;
}
