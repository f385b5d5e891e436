#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace histojet {

struct ByteRange {
  std::uint64_t offset = 0;
  std::uint64_t length = 0;
};

/// Random-access bytes that parsers read from: a local file, or ranges of a remote one. Safe from many threads.
class ByteSource {
 public:
  virtual ~ByteSource() = default;
  virtual std::uint64_t size() const = 0;
  /// What messages call this source: a path or an address.
  virtual const std::string& name() const = 0;
  /// Fills `out` from `offset`. @throws Error kCorruptFile when the range leaves the source, kIo when reading fails.
  virtual void read_at(std::uint64_t offset, std::span<std::uint8_t> out) const = 0;
  /// True when a read costs a round trip, so that `prefetch` pays.
  virtual bool remote() const { return false; }
  /// Announces ranges that are about to be read; a remote source fetches them in few requests, side by side. Ranges
  /// beyond the end are ignored. Returns at once or when they are there; failures show at the read.
  virtual void prefetch(std::span<const ByteRange> /*ranges*/) const {}

  /// `read_at` into a new buffer; the range is checked before anything is allocated.
  std::vector<std::uint8_t> read(std::uint64_t offset, std::uint64_t length) const;
  bool contains(std::uint64_t offset, std::uint64_t length) const {
    return offset <= size() && length <= size() - offset;
  }

 protected:
  /// @throws Error kCorruptFile when the range leaves the source.
  void check_range(std::uint64_t offset, std::uint64_t length) const;
};

/// A regular file read with `pread` (never mapped: a file cut while open must not kill the process).
/// @throws Error kIo if it cannot be opened or is no regular file.
std::shared_ptr<const ByteSource> open_file(const std::string& path);

/// Bytes in memory under a name, for tests, fuzz targets and embedded streams.
std::shared_ptr<const ByteSource> memory_source(std::vector<std::uint8_t> bytes, std::string name);

}  // namespace histojet
