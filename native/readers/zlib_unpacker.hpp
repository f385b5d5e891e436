#pragma once

#include <zlib.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace histojet::readers {

/// Unpacks small zlib streams whose unpacked length nobody tells. Keeps its memory from one to the next.
class ZlibUnpacker {
 public:
  /// Results longer than `most` bytes are refused.
  explicit ZlibUnpacker(std::size_t most);
  ~ZlibUnpacker();
  ZlibUnpacker(const ZlibUnpacker&) = delete;
  ZlibUnpacker& operator=(const ZlibUnpacker&) = delete;

  /// The contents of one stream, valid until the next call; `where` begins messages.
  /// @throws Error kCorruptFile when the stream is damaged, cut, too long or not all of `packed`.
  std::span<const std::uint8_t> unpack(std::span<const std::uint8_t> packed, const std::string& where);

 private:
  std::size_t most_;
  z_stream stream_{};
  std::vector<std::uint8_t> out_;
};

}  // namespace histojet::readers
