#include "writers/spool_file.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "base/error.hpp"

namespace histojet::writers {
namespace {

constexpr std::size_t kPieceBytes = 64 << 10;

}  // namespace

SpoolFile::SpoolFile(std::string path) : path_(std::move(path)) {
  fd_ = ::open(path_.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (fd_ < 0) throw io_error("cannot write", path_, errno);
  ::unlink(path_.c_str());
}

SpoolFile::~SpoolFile() {
  ::close(fd_);
}

void SpoolFile::append(std::span<const std::uint8_t> bytes) {
  waiting_.insert(waiting_.end(), bytes.begin(), bytes.end());
  size_ += bytes.size();
  if (waiting_.size() >= kPieceBytes) flush();
}

void SpoolFile::flush() {
  std::span<const std::uint8_t> left = waiting_;
  while (!left.empty()) {
    const ssize_t put = ::pwrite(fd_, left.data(), left.size(), static_cast<off_t>(flushed_));
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) throw io_error("cannot write", path_, errno);
    left = left.subspan(static_cast<std::size_t>(put));
    flushed_ += static_cast<std::uint64_t>(put);
  }
  waiting_.clear();
}

void SpoolFile::read(const std::function<void(std::span<const std::uint8_t>)>& take) {
  flush();
  std::vector<std::uint8_t> piece(kPieceBytes);
  for (std::uint64_t at = 0; at < size_;) {
    const auto wanted = static_cast<std::size_t>(std::min<std::uint64_t>(kPieceBytes, size_ - at));
    std::size_t got = 0;
    while (got < wanted) {
      const ssize_t part = ::pread(fd_, piece.data() + got, wanted - got, static_cast<off_t>(at + got));
      if (part < 0 && errno == EINTR) continue;
      if (part < 0) throw io_error("cannot read", path_, errno);
      if (part == 0) throw Error(ErrorCode::kIo, "cannot read " + path_ + ": it was cut");
      got += static_cast<std::size_t>(part);
    }
    take(std::span(piece).first(wanted));
    at += wanted;
  }
}

}  // namespace histojet::writers
