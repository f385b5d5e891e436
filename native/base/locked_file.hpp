#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <utility>

namespace histojet {

/// A file open for reading and writing that nobody else can open in this way, here or in another process, until this
/// object is gone, however the process ends (flock; on file systems without locks nobody is kept out). Not safe from
/// several threads at once.
class LockedFile {
 public:
  /// Creates the file when it is missing; what it holds stays. @throws Error kIo: it cannot be opened, or is open
  /// already ("is being written by another run").
  explicit LockedFile(std::string path);
  /// The same, but none when the file is open already.
  static std::optional<LockedFile> try_open(const std::string& path);
  ~LockedFile();
  LockedFile(LockedFile&& other) noexcept;
  LockedFile& operator=(LockedFile&&) = delete;

  const std::string& path() const { return path_; }
  /// Bytes on disk. @throws Error kIo.
  std::uint64_t size() const;
  /// Fills `out`. @throws Error kIo, kCorruptFile when the file ends before.
  void read_at(std::uint64_t offset, std::span<std::uint8_t> out) const;
  /// Overwrites bytes or extends the file. @throws Error kIo.
  void write_at(std::uint64_t offset, std::span<const std::uint8_t> bytes);
  /// Cuts or extends to `size` bytes. @throws Error kIo.
  void truncate(std::uint64_t size);
  /// Waits until the bytes are on the disk. @throws Error kIo.
  void sync();
  /// Another name for the file, over one that is there; the lock stays. @throws Error kIo.
  void rename(const std::string& path);
  /// Deletes the file, then unlocks: for files that are nothing but a lock.
  void remove();
  /// Unlocks. Nothing may be read or written afterwards. @throws Error kIo when the system reports a late failure.
  void close();

 private:
  LockedFile(std::string path, int fd) : path_(std::move(path)), fd_(fd) {}

  std::string path_;
  int fd_ = -1;
};

}  // namespace histojet
