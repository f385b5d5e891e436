#pragma once

#include <cstdint>
#include <span>
#include <string>

namespace histojet::codecs {

/// What the components of a codestream are once they are decoded.
enum class Jpeg2000Color {
  kRgb,    ///< RGB, or undone by the codestream's own component transform
  kYCbCr,  ///< full-range BT.601 YCbCr that the container promises (Aperio 33003); chroma is repeated where subsampled
  kGrey,   ///< the first component alone
};

struct Jpeg2000Header {
  std::int64_t width = 0;
  std::int64_t height = 0;
  int components = 0;
  int bits = 0;                      ///< of the first component
  bool component_transform = false;  ///< decoding undoes a colour transform (COD), so that RGB comes out
};

/// The main header of a raw codestream or of the codestream inside a JP2 file. @throws Error kCorruptFile.
Jpeg2000Header read_jpeg_2000_header(std::span<const std::uint8_t> stream);

/// Decodes a codestream or JP2 file (OpenJPEG) into `out` as `channels` 1 or 3 bytes per pixel, rows `stride` bytes
/// apart; components above 8 bits show their upper 8. The SIZ segment must say width x height and 1 to 4 components
/// (the fourth, and the second of two, is ignored), checked before anything is decoded. Strict: a stream that ends
/// early is an error; `tolerant`: its pixels so far come with a warning, which is returned (else empty). The codestream
/// is ISO/IEC 15444-1; of a JP2 file only the codestream and the mark "sYCC" are used.
/// @throws Error kCorruptFile, kUnsupportedFormat (signed components, more than 16 bits, transforms of part 2,
/// palettes, more than 4096 tiles in the stream, packet partitions that would take more than 64 MiB to keep).
std::string decode_jpeg_2000(std::span<const std::uint8_t> stream, Jpeg2000Color color, std::int64_t width,
                             std::int64_t height, int channels, std::uint8_t* out, std::int64_t stride,
                             bool tolerant = false);

}  // namespace histojet::codecs
