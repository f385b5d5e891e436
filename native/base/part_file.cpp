#include "base/part_file.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>

#include "base/error.hpp"

namespace histojet {

PartFile::PartFile(std::string path) : path_(std::move(path)) {
  fd_ = ::open(part_path().c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  if (fd_ < 0) throw io_error("cannot write", part_path(), errno);
}

PartFile::~PartFile() {
  if (fd_ >= 0) ::close(fd_);
}

void PartFile::append(std::span<const std::uint8_t> bytes) {
  write_at(size_, bytes);
}

void PartFile::append(const std::string& text) {
  append(std::span(reinterpret_cast<const std::uint8_t*>(text.data()), text.size()));
}

void PartFile::write_at(std::uint64_t offset, std::span<const std::uint8_t> bytes) {
  if (fd_ < 0) throw Error(ErrorCode::kDisposed, "cannot write " + path_ + ": already closed");
  while (!bytes.empty()) {
    const ssize_t put = ::pwrite(fd_, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) throw io_error("cannot write", part_path(), errno);
    bytes = bytes.subspan(static_cast<std::size_t>(put));
    offset += static_cast<std::uint64_t>(put);
    size_ = std::max(size_, offset);
  }
}

void PartFile::truncate(std::uint64_t size) {
  if (::ftruncate(fd_, static_cast<off_t>(size)) != 0) throw io_error("cannot write", part_path(), errno);
  size_ = size;
}

void PartFile::commit() {
  if (fd_ < 0) return;
  if (::fsync(fd_) != 0 && errno != EINVAL) throw io_error("cannot write", part_path(), errno);
  const int closed = ::close(fd_);
  fd_ = -1;
  if (closed != 0) throw io_error("cannot write", part_path(), errno);
  if (std::rename(part_path().c_str(), path_.c_str()) != 0) throw io_error("cannot rename to", path_, errno);
}

void PartFile::discard() {
  if (fd_ >= 0) ::close(fd_);
  fd_ = -1;
  ::unlink(part_path().c_str());
}

}  // namespace histojet
