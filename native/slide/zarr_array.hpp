#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/byte_source.hpp"

namespace histojet::slide {

/// One Zarr array of unsigned samples in a local folder: version 2 (`.zarray`), or version 3 (`zarr.json`) without
/// shards. Chunks are files below the folder. Immutable, safe from any number of threads.
class ZarrArray {
 public:
  /// Reads the metadata. @throws Error kCorruptFile, kIo, kUnsupportedFormat (sample types other than 8 and 16 bit
  /// unsigned, order F, filters, shards, codecs; each named).
  explicit ZarrArray(const std::string& folder);

  const std::string& folder() const { return folder_; }
  /// The file of the metadata.
  const std::shared_ptr<const ByteSource>& metadata() const { return metadata_; }
  const std::vector<std::uint64_t>& shape() const { return shape_; }
  const std::vector<std::uint64_t>& chunk() const { return chunk_; }
  std::size_t sample_bytes() const { return sample_bytes_; }
  std::uint64_t chunk_bytes() const { return chunk_bytes_; }
  std::string chunk_path(std::span<const std::uint64_t> index) const;

  /// One chunk as 8-bit samples in C order (16 bit: the upper byte); the fill value when no file is there.
  /// @throws Error kCorruptFile, kUnsupportedFormat, kIo.
  void read_chunk(std::span<const std::uint64_t> index, std::span<std::uint8_t> out) const;
  /// Throws what `read_chunk` would for a file that cannot hold a chunk, before anybody allocates it.
  void check_chunk(std::span<const std::uint64_t> index) const;

 private:
  enum class Codec { kNone, kZlib, kGzip, kZstd, kBlosc };

  void read_version_2(const std::string& text);
  void read_version_3(const std::string& text);
  void set_type(const std::string& type);
  void set_codec(const std::string& name);
  void check();
  std::shared_ptr<const ByteSource> open_chunk(std::span<const std::uint64_t> index) const;
  void decompress(std::span<const std::uint8_t> stream, std::span<std::uint8_t> out) const;

  std::string folder_;
  std::shared_ptr<const ByteSource> metadata_;
  std::vector<std::uint64_t> shape_;
  std::vector<std::uint64_t> chunk_;
  std::size_t sample_bytes_ = 1;
  bool big_endian_ = false;
  Codec codec_ = Codec::kNone;
  std::uint64_t fill_ = 0;
  std::string separator_ = ".";
  std::string prefix_;  ///< of chunk names: "c/" in version 3
  std::uint64_t chunk_bytes_ = 0;
};

/// A small text file of a Zarr folder. @throws Error kCorruptFile above 16 MiB, kIo.
std::string read_zarr_text(const ByteSource& source);

}  // namespace histojet::slide
