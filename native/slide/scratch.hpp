#pragma once

#include <cstdint>
#include <span>
#include <utility>
#include <vector>

namespace histojet::slide {

/// Memory for the time of one call, taken from a small stock of the thread, so that decoding tile after tile does not
/// allocate. Nested use is fine; large blocks are given back to the system.
class Scratch {
 public:
  explicit Scratch(std::size_t size) : size_(size) {
    std::vector<std::vector<std::uint8_t>>& mine = stock();
    if (!mine.empty()) {
      buffer_ = std::move(mine.back());
      mine.pop_back();
    }
    if (buffer_.size() < size) buffer_.resize(size);
  }
  ~Scratch() {
    if (buffer_.size() <= kLargestKept && stock().size() < kMostKept) stock().push_back(std::move(buffer_));
  }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;

  std::uint8_t* data() { return buffer_.data(); }
  std::span<std::uint8_t> span() { return {buffer_.data(), size_}; }

 private:
  static constexpr std::size_t kLargestKept = 4 << 20;
  static constexpr std::size_t kMostKept = 4;

  static std::vector<std::vector<std::uint8_t>>& stock() {
    thread_local std::vector<std::vector<std::uint8_t>> buffers = [] {
      std::vector<std::vector<std::uint8_t>> empty;
      empty.reserve(kMostKept);  // so that giving back never throws
      return empty;
    }();
    return buffers;
  }

  std::size_t size_;
  std::vector<std::uint8_t> buffer_;
};

}  // namespace histojet::slide
