#include "base/part_file.hpp"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>

#include "base/error.hpp"

namespace histojet {
namespace {

LockedFile open_part(const std::string& path) {
  std::error_code ignored;
  if (std::filesystem::is_directory(path, ignored)) throw io_error("cannot write", path, EISDIR);
  LockedFile file(path + ".part");
  file.truncate(0);
  return file;
}

}  // namespace

PartFile::PartFile(std::string path) : path_(std::move(path)), file_(open_part(path_)) {}

void PartFile::append(std::span<const std::uint8_t> bytes) {
  write_at(size_, bytes);
}

void PartFile::append(const std::string& text) {
  append(std::span(reinterpret_cast<const std::uint8_t*>(text.data()), text.size()));
}

void PartFile::write_at(std::uint64_t offset, std::span<const std::uint8_t> bytes) {
  file_.write_at(offset, bytes);
  size_ = std::max(size_, offset + bytes.size());
}

void PartFile::truncate(std::uint64_t size) {
  file_.truncate(size);
  size_ = size;
}

void PartFile::commit() {
  if (ended_) return;
  file_.sync();
  // Renamed before it is closed: the lock goes with the descriptor, and another run must not find an unlocked `.part`.
  file_.rename(path_);
  ended_ = true;
  file_.close();
}

void PartFile::discard() {
  if (ended_) return;
  ended_ = true;
  ::unlink(part_path().c_str());
  file_.close();
}

}  // namespace histojet
