#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/image.hpp"

namespace histojet::codecs {

struct PngHeader {
  std::int64_t width = 0;
  std::int64_t height = 0;
};

/// Size from the IHDR chunk alone. @throws Error kCorruptFile.
PngHeader read_png_header(std::span<const std::uint8_t> bytes);
/// Any PNG as RGB or RGBA (palette, grey, 16 bit and interlaced are converted). @throws Error kCorruptFile.
Image decode_png(std::span<const std::uint8_t> bytes);
/// 1, 3 or 4 channels; `level` is zlib's 0..9. Deterministic.
std::vector<std::uint8_t> encode_png(ImageView image, int level = 6);

}  // namespace histojet::codecs
