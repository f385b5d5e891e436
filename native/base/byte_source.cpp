#include "base/byte_source.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/error.hpp"

namespace histojet {
namespace {

class FileSource final : public ByteSource {
 public:
  explicit FileSource(const std::string& path) : path_(path) {
    fd_ = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (fd_ < 0) throw io_error("cannot open", path, errno);
    struct stat info;
    const bool known = ::fstat(fd_, &info) == 0;
    if (!known || !S_ISREG(info.st_mode)) {
      const int reason = errno;
      ::close(fd_);
      if (!known) throw io_error("cannot read", path, reason);
      throw Error(ErrorCode::kIo, "cannot open " + path + ": not a regular file");
    }
    size_ = static_cast<std::uint64_t>(info.st_size);
  }
  ~FileSource() override { ::close(fd_); }
  FileSource(const FileSource&) = delete;
  FileSource& operator=(const FileSource&) = delete;

  std::uint64_t size() const override { return size_; }
  const std::string& name() const override { return path_; }

  void read_at(std::uint64_t offset, std::span<std::uint8_t> out) const override {
    check_range(offset, out.size());
    while (!out.empty()) {
      const ssize_t got = ::pread(fd_, out.data(), out.size(), static_cast<off_t>(offset));
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) throw io_error("cannot read", path_, errno);
      if (got == 0) throw Error(ErrorCode::kCorruptFile, path_ + ": became shorter while it was read");
      out = out.subspan(static_cast<std::size_t>(got));
      offset += static_cast<std::uint64_t>(got);
    }
  }

 private:
  std::string path_;
  int fd_ = -1;
  std::uint64_t size_ = 0;
};

class MemorySource final : public ByteSource {
 public:
  MemorySource(std::vector<std::uint8_t> bytes, std::string name) : bytes_(std::move(bytes)), name_(std::move(name)) {}
  std::uint64_t size() const override { return bytes_.size(); }
  const std::string& name() const override { return name_; }
  void read_at(std::uint64_t offset, std::span<std::uint8_t> out) const override {
    check_range(offset, out.size());
    if (!out.empty()) std::memcpy(out.data(), bytes_.data() + offset, out.size());
  }

 private:
  std::vector<std::uint8_t> bytes_;
  std::string name_;
};

}  // namespace

void ByteSource::check_range(std::uint64_t offset, std::uint64_t length) const {
  if (contains(offset, length)) return;
  throw Error(ErrorCode::kCorruptFile, name() + ": needs " + std::to_string(length) + " bytes at offset " +
                                           std::to_string(offset) + ", but the file has only " +
                                           std::to_string(size()) + " bytes (truncated?)");
}

std::vector<std::uint8_t> ByteSource::read(std::uint64_t offset, std::uint64_t length) const {
  check_range(offset, length);
  std::vector<std::uint8_t> bytes(length);
  read_at(offset, bytes);
  return bytes;
}

std::shared_ptr<const ByteSource> open_file(const std::string& path) {
  return std::make_shared<FileSource>(path);
}

std::shared_ptr<const ByteSource> memory_source(std::vector<std::uint8_t> bytes, std::string name) {
  return std::make_shared<MemorySource>(std::move(bytes), std::move(name));
}

}  // namespace histojet
