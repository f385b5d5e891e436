#pragma once

#include <cstdint>
#include <span>

namespace histojet::codecs {

/// Decodes a JPEG XL codestream or container into `out` as `channels` 1, 3 or 4 bytes per pixel (straight alpha), rows
/// `stride` bytes apart, through an installed libjxl (0.7 or later), loaded at the first call. The size must be
/// width x height, checked before anything is allocated.
/// @throws Error kCorruptFile; kUnsupportedFormat where no libjxl is installed, saying what to install.
void decode_jpeg_xl(std::span<const std::uint8_t> stream, std::int64_t width, std::int64_t height, int channels,
                    std::uint8_t* out, std::int64_t stride);

}  // namespace histojet::codecs
