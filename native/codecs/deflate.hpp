#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace histojet::codecs {

/// Inflates a zlib stream to exactly `out.size()` bytes. @throws Error kCorruptFile (short, too long, damaged).
void inflate_zlib(std::span<const std::uint8_t> stream, std::span<std::uint8_t> out);

/// Inflates the first member of a gzip stream to exactly `out.size()` bytes. @throws Error kCorruptFile.
void inflate_gzip(std::span<const std::uint8_t> stream, std::span<std::uint8_t> out);

/// One zlib stream.
std::vector<std::uint8_t> deflate_zlib(std::span<const std::uint8_t> bytes, int level = 6);

/// One complete gzip member (no name, no time: equal bytes for equal input). Members may follow one another.
std::vector<std::uint8_t> gzip_member(std::string_view bytes, int level = 6);

}  // namespace histojet::codecs
