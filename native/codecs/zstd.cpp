#include "codecs/zstd.hpp"

#include <zstd.h>
#include <zstd_errors.h>

#include <memory>
#include <string>

#include "base/error.hpp"

namespace histojet::codecs {
namespace {

struct FreeDecompressor {
  void operator()(ZSTD_DCtx* codec) const { ZSTD_freeDCtx(codec); }
};

/// One per thread: its tables are large, tiles are small.
ZSTD_DCtx& decompressor() {
  thread_local std::unique_ptr<ZSTD_DCtx, FreeDecompressor> codec(ZSTD_createDCtx());
  if (!codec) throw Error(ErrorCode::kOutOfMemory, "zstd: no memory for a decompressor");
  return *codec;
}

}  // namespace

void decompress_zstd(std::span<const std::uint8_t> stream, std::span<std::uint8_t> out) {
  const std::size_t length = ZSTD_decompressDCtx(&decompressor(), out.data(), out.size(), stream.data(), stream.size());
  if (length == out.size()) return;
  std::string reason = "the stream ends early";
  if (ZSTD_isError(length) != 0) {
    reason =
        ZSTD_getErrorCode(length) == ZSTD_error_dstSize_tooSmall ? "the stream is longer" : ZSTD_getErrorName(length);
  }
  throw Error(ErrorCode::kCorruptFile, "zstd: " + reason + ", expected " + std::to_string(out.size()) + " bytes");
}

std::vector<std::uint8_t> compress_zstd(std::span<const std::uint8_t> bytes, int level) {
  if (level < ZSTD_minCLevel() || level > ZSTD_maxCLevel()) {
    throw Error(ErrorCode::kInvalidArgument,
                "zstd: expected a level up to " + std::to_string(ZSTD_maxCLevel()) + ", got " + std::to_string(level));
  }
  std::vector<std::uint8_t> out(ZSTD_compressBound(bytes.size()));
  const std::size_t length = ZSTD_compress(out.data(), out.size(), bytes.data(), bytes.size(), level);
  if (ZSTD_isError(length) != 0) {
    throw Error(ErrorCode::kOutOfMemory, std::string("zstd: cannot compress: ") + ZSTD_getErrorName(length));
  }
  out.resize(length);
  return out;
}

}  // namespace histojet::codecs
