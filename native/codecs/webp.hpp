#pragma once

#include <cstdint>
#include <span>

namespace histojet::codecs {

/// Decodes a WebP stream (lossy or lossless) into `out`, rows `stride` bytes apart, with `channels` 3 (RGB) or 4 (RGBA,
/// straight alpha). The size must be width x height, checked before anything is allocated.
/// @throws Error kCorruptFile; kUnsupportedFormat for animations.
void decode_webp(std::span<const std::uint8_t> stream, std::int64_t width, std::int64_t height, int channels,
                 std::uint8_t* out, std::int64_t stride);

}  // namespace histojet::codecs
