#include "readers/zlib_unpacker.hpp"

#include <algorithm>

#include "base/error.hpp"
#include "base/text.hpp"

namespace histojet::readers {
namespace {

constexpr std::size_t kFirstBytes = 4096;

}  // namespace

ZlibUnpacker::ZlibUnpacker(std::size_t most) : most_(most), out_(std::min(kFirstBytes, most)) {
  if (inflateInit(&stream_) != Z_OK) throw Error(ErrorCode::kOutOfMemory, "zlib: no memory to unpack with");
}

ZlibUnpacker::~ZlibUnpacker() {
  inflateEnd(&stream_);
}

std::span<const std::uint8_t> ZlibUnpacker::unpack(std::span<const std::uint8_t> packed, const std::string& where) {
  inflateReset(&stream_);
  stream_.next_in = const_cast<Bytef*>(packed.data());
  stream_.avail_in = static_cast<uInt>(packed.size());
  std::size_t size = 0;
  while (true) {
    stream_.next_out = out_.data() + size;
    stream_.avail_out = static_cast<uInt>(out_.size() - size);
    const int status = inflate(&stream_, Z_NO_FLUSH);
    size = out_.size() - stream_.avail_out;
    if (status == Z_STREAM_END) break;
    // Z_BUF_ERROR says that it could not go on: with room left, bytes are missing.
    if (status != Z_OK && (status != Z_BUF_ERROR || stream_.avail_out > 0)) {
      corrupt(where, "no whole zlib stream");
    }
    if (stream_.avail_out > 0) continue;
    if (out_.size() == most_) corrupt(where, "larger than " + std::to_string(most_) + " bytes when unpacked");
    out_.resize(std::min(2 * out_.size(), most_));
  }
  if (stream_.avail_in != 0) corrupt(where, "bytes follow the zlib stream");
  return std::span<const std::uint8_t>(out_).first(size);
}

}  // namespace histojet::readers
