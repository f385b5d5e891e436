#pragma once

#include <cstdint>
#include <span>

namespace histojet::codecs {

/// Decompresses a Blosc 1 chunk (Blosc/c-blosc README_CHUNK_FORMAT.rst) to exactly `out.size()` bytes: LZ4, zlib and
/// zstd inside, with or without byte shuffle.
/// @throws Error kCorruptFile, kUnsupportedFormat (BloscLZ, Snappy, bit shuffle, other versions).
void decompress_blosc(std::span<const std::uint8_t> stream, std::span<std::uint8_t> out);

}  // namespace histojet::codecs
