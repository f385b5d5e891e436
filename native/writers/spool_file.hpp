#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

namespace histojet::writers {

/// Bytes that wait on disk for their place in a file whose lengths come first. The file loses its name as soon as it is
/// open, so nothing is left of it however the process ends. Keeps 64 KiB in memory.
class SpoolFile {
 public:
  /// @throws Error kIo.
  explicit SpoolFile(std::string path);
  ~SpoolFile();
  SpoolFile(const SpoolFile&) = delete;
  SpoolFile& operator=(const SpoolFile&) = delete;

  std::uint64_t size() const { return size_; }
  /// @throws Error kIo; what was appended last may then be there in part.
  void append(std::span<const std::uint8_t> bytes);
  /// Hands out everything from the start, in pieces of at most 64 KiB whose sizes are multiples of eight but for the
  /// last. @throws Error kIo.
  void read(const std::function<void(std::span<const std::uint8_t>)>& take);

 private:
  void flush();

  std::string path_;
  int fd_ = -1;
  std::uint64_t size_ = 0;
  std::uint64_t flushed_ = 0;
  std::vector<std::uint8_t> waiting_;
};

}  // namespace histojet::writers
