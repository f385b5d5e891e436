#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "base/locked_file.hpp"

namespace histojet {

/// An output that carries its final name only when it is complete: bytes go to `<path>.part`, `commit()` syncs and
/// renames. The `.part` is locked while it is open, so two runs never write one file. Destroyed without commit, the
/// `.part` stays as it is, so a writer that keeps it well-formed after each batch leaves a readable partial result. Not
/// safe from several threads.
class PartFile {
 public:
  /// Creates `<path>.part`, replacing what an earlier run left. @throws Error kIo (no permission, no such folder, full
  /// disk, `path` is a folder, another run is writing this very file).
  explicit PartFile(std::string path);

  const std::string& path() const { return path_; }
  std::string part_path() const { return path_ + ".part"; }
  std::uint64_t size() const { return size_; }

  void append(std::span<const std::uint8_t> bytes);
  void append(const std::string& text);
  /// Overwrites bytes that exist or extends the file. @throws Error kIo.
  void write_at(std::uint64_t offset, std::span<const std::uint8_t> bytes);
  /// Cuts the file to `size` bytes; the next append goes there.
  void truncate(std::uint64_t size);
  /// Syncs, closes and renames to the final name. Nothing may be written afterwards.
  void commit();
  /// Closes and deletes the `.part`.
  void discard();

 private:
  std::string path_;
  LockedFile file_;
  std::uint64_t size_ = 0;
  bool ended_ = false;
};

}  // namespace histojet
