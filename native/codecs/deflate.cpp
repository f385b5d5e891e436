#include "codecs/deflate.hpp"

#include <libdeflate.h>

#include <memory>
#include <string>

#include "base/error.hpp"

namespace histojet::codecs {
namespace {

struct FreeDecompressor {
  void operator()(libdeflate_decompressor* codec) const { libdeflate_free_decompressor(codec); }
};
struct FreeCompressor {
  void operator()(libdeflate_compressor* codec) const { libdeflate_free_compressor(codec); }
};

/// One per thread: its tables are large, tiles are small.
libdeflate_decompressor& decompressor() {
  thread_local std::unique_ptr<libdeflate_decompressor, FreeDecompressor> codec(libdeflate_alloc_decompressor());
  if (!codec) throw Error(ErrorCode::kOutOfMemory, "deflate: no memory for a decompressor");
  return *codec;
}

libdeflate_compressor& compressor(int level) {
  thread_local std::unique_ptr<libdeflate_compressor, FreeCompressor> codec;
  thread_local int codec_level = -1;
  if (level < 0 || level > 12) {
    throw Error(ErrorCode::kInvalidArgument, "deflate: expected a level 0..12, got " + std::to_string(level));
  }
  if (!codec || codec_level != level) codec.reset(libdeflate_alloc_compressor(level));
  if (!codec) throw Error(ErrorCode::kOutOfMemory, "deflate: no memory for a compressor");
  codec_level = level;
  return *codec;
}

void check(libdeflate_result result, std::size_t expected) {
  if (result == LIBDEFLATE_SUCCESS) return;
  const char* reason = result == LIBDEFLATE_SHORT_OUTPUT         ? "the stream ends early"
                       : result == LIBDEFLATE_INSUFFICIENT_SPACE ? "the stream is longer"
                                                                 : "damaged or cut stream";
  throw Error(ErrorCode::kCorruptFile,
              std::string("deflate: ") + reason + ", expected " + std::to_string(expected) + " bytes");
}

template <class Bound, class Compress>
std::vector<std::uint8_t> compress(std::size_t size, Bound bound, Compress compress_into) {
  std::vector<std::uint8_t> out(bound(size));
  const std::size_t length = compress_into(out.data(), out.size());
  if (length == 0) throw Error(ErrorCode::kInternal, "deflate: the compressor refused its own bound");
  out.resize(length);
  return out;
}

}  // namespace

void inflate_zlib(std::span<const std::uint8_t> stream, std::span<std::uint8_t> out) {
  check(libdeflate_zlib_decompress(&decompressor(), stream.data(), stream.size(), out.data(), out.size(), nullptr),
        out.size());
}

void inflate_gzip(std::span<const std::uint8_t> stream, std::span<std::uint8_t> out) {
  check(libdeflate_gzip_decompress(&decompressor(), stream.data(), stream.size(), out.data(), out.size(), nullptr),
        out.size());
}

std::vector<std::uint8_t> deflate_zlib(std::span<const std::uint8_t> bytes, int level) {
  libdeflate_compressor& codec = compressor(level);
  return compress(
      bytes.size(), [&](std::size_t size) { return libdeflate_zlib_compress_bound(&codec, size); },
      [&](std::uint8_t* out, std::size_t room) {
        return libdeflate_zlib_compress(&codec, bytes.data(), bytes.size(), out, room);
      });
}

std::vector<std::uint8_t> gzip_member(std::string_view bytes, int level) {
  libdeflate_compressor& codec = compressor(level);
  return compress(
      bytes.size(), [&](std::size_t size) { return libdeflate_gzip_compress_bound(&codec, size); },
      [&](std::uint8_t* out, std::size_t room) {
        return libdeflate_gzip_compress(&codec, bytes.data(), bytes.size(), out, room);
      });
}

}  // namespace histojet::codecs
