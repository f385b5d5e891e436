#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace histojet::codecs {

/// Decompresses one zstd frame to exactly `out.size()` bytes; never writes more. @throws Error kCorruptFile.
void decompress_zstd(std::span<const std::uint8_t> stream, std::span<std::uint8_t> out);

/// One zstd frame. Deterministic for a library version.
std::vector<std::uint8_t> compress_zstd(std::span<const std::uint8_t> bytes, int level = 9);

}  // namespace histojet::codecs
