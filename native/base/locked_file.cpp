#include "base/locked_file.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <utility>

#include "base/error.hpp"

namespace histojet {
namespace {

/// Takes the lock unless the file system knows none. @returns whether somebody else has it
bool locked_elsewhere(int fd) {
  int status = 0;
  do {
    status = ::flock(fd, LOCK_EX | LOCK_NB);
  } while (status != 0 && errno == EINTR);
  return status != 0 && errno == EWOULDBLOCK;
}

/// Does `path` still name the file behind `fd`? Its last owner may have renamed it between our opening and locking it.
bool still_named(int fd, const std::string& path) {
  struct stat opened {};
  struct stat named {};
  return ::fstat(fd, &opened) == 0 && ::stat(path.c_str(), &named) == 0 && opened.st_ino == named.st_ino &&
         opened.st_dev == named.st_dev;
}

constexpr int kBusy = -1;

/// @returns the descriptor, or kBusy
int open_locked(const std::string& path) {
  for (;;) {
    const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (fd < 0) throw io_error("cannot write", path, errno);
    if (locked_elsewhere(fd)) {
      ::close(fd);
      return kBusy;
    }
    if (still_named(fd, path)) return fd;
    ::close(fd);
  }
}

}  // namespace

LockedFile::LockedFile(std::string path) : path_(std::move(path)), fd_(open_locked(path_)) {
  if (fd_ != kBusy) return;
  throw Error(ErrorCode::kIo, "cannot write " + path_ +
                                  ": it is being written by another run; wait for that one or choose another name");
}

std::optional<LockedFile> LockedFile::try_open(const std::string& path) {
  const int fd = open_locked(path);
  if (fd == kBusy) return std::nullopt;
  return LockedFile(path, fd);
}

LockedFile::~LockedFile() {
  if (fd_ >= 0) ::close(fd_);
}

LockedFile::LockedFile(LockedFile&& other) noexcept
    : path_(std::move(other.path_)), fd_(std::exchange(other.fd_, -1)) {}

std::uint64_t LockedFile::size() const {
  struct stat file {};
  if (::fstat(fd_, &file) != 0) throw io_error("cannot read", path_, errno);
  return static_cast<std::uint64_t>(file.st_size);
}

void LockedFile::read_at(std::uint64_t offset, std::span<std::uint8_t> out) const {
  while (!out.empty()) {
    const ssize_t got = ::pread(fd_, out.data(), out.size(), static_cast<off_t>(offset));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) throw io_error("cannot read", path_, errno);
    if (got == 0) throw Error(ErrorCode::kCorruptFile, path_ + ": the file ends early");
    out = out.subspan(static_cast<std::size_t>(got));
    offset += static_cast<std::uint64_t>(got);
  }
}

void LockedFile::write_at(std::uint64_t offset, std::span<const std::uint8_t> bytes) {
  if (fd_ < 0) throw Error(ErrorCode::kDisposed, "cannot write " + path_ + ": already closed");
  while (!bytes.empty()) {
    const ssize_t put = ::pwrite(fd_, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) throw io_error("cannot write", path_, errno);
    bytes = bytes.subspan(static_cast<std::size_t>(put));
    offset += static_cast<std::uint64_t>(put);
  }
}

void LockedFile::truncate(std::uint64_t size) {
  // Devices (EINVAL) have no size.
  if (::ftruncate(fd_, static_cast<off_t>(size)) != 0 && errno != EINVAL) throw io_error("cannot write", path_, errno);
}

void LockedFile::sync() {
  if (::fsync(fd_) != 0 && errno != EINVAL) throw io_error("cannot write", path_, errno);
}

void LockedFile::rename(const std::string& path) {
  if (std::rename(path_.c_str(), path.c_str()) != 0) throw io_error("cannot rename to", path, errno);
  path_ = path;
}

void LockedFile::remove() {
  if (fd_ < 0) return;
  ::unlink(path_.c_str());
  close();
}

void LockedFile::close() {
  if (fd_ >= 0 && ::close(std::exchange(fd_, -1)) != 0) throw io_error("cannot write", path_, errno);
}

}  // namespace histojet
