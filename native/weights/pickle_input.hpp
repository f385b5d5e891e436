#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/byte_source.hpp"

namespace histojet::weights {

/// The bytes of a pickle program, fetched from a source piece by piece: a legacy checkpoint does not say where its
/// program ends and its gigabytes of data begin. Text stays where it is; values refer to it by position.
class PickleInput {
 public:
  /// Reads from `begin` on and never beyond `end`. `label` names the source in messages.
  PickleInput(std::shared_ptr<const ByteSource> source, std::uint64_t begin, std::uint64_t end, std::string label);

  std::uint8_t u8();
  std::uint16_t u16();
  std::uint32_t u32();
  std::uint64_t u64();
  /// Skips `length` bytes and returns their position for `text`. @throws Error kCorruptFile when they are not there.
  std::uint64_t take(std::uint64_t length);
  /// The text up to the next line feed (of at most 64 KiB), without it.
  std::string line();
  /// Bytes that were taken before; valid until the next read.
  std::string_view text(std::uint64_t position, std::uint64_t length) const {
    return {reinterpret_cast<const char*>(buffer_.data()) + position, static_cast<std::size_t>(length)};
  }

  /// Offset of the next byte within the labelled source.
  std::uint64_t offset() const { return begin_ + at_; }
  /// Bytes of the program that were read so far.
  std::uint64_t consumed() const { return at_; }
  std::uint64_t total() const { return end_ - begin_; }
  const std::string& label() const { return label_; }

 private:
  void need(std::uint64_t length);

  std::shared_ptr<const ByteSource> source_;
  std::uint64_t begin_;
  std::uint64_t end_;
  std::string label_;
  std::vector<std::uint8_t> buffer_;
  std::uint64_t at_ = 0;
};

}  // namespace histojet::weights
