#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/byte_source.hpp"

namespace histojet::weights {

/// One stored record of an archive; `offset` is where its bytes begin in the file.
struct ZipRecord {
  std::uint64_t offset = 0;
  std::uint64_t size = 0;
  std::uint32_t crc = 0;
};

/// The central directory of a ZIP file that holds only stored (uncompressed) records, as PyTorch writes them; ZIP64
/// included. Everything is checked when it is opened: one end record, numbers that agree, local headers that repeat
/// the central ones, ranges inside the file that do not overlap, relative names, no duplicates, one top folder.
/// (PKWARE application note; `caffe2/serialize/inline_container` of PyTorch.)
class ZipArchive {
 public:
  /// @throws Error kCorruptFile, or kUnsupportedFormat for compressed and encrypted records.
  static ZipArchive open(const ByteSource& source);

  /// The folder in which all records lie.
  const std::string& top() const { return top_; }
  /// The record `<top>/<name>`, or nothing.
  const ZipRecord* find(const std::string& name) const;
  /// True when some record lies in the folder `<top>/<name>/`.
  bool has_folder(const std::string& name) const;
  /// The bytes of a record, its CRC-32 verified. @throws Error kCorruptFile.
  std::vector<std::uint8_t> read(const ByteSource& source, const std::string& name) const;

 private:
  std::string top_;
  std::map<std::string, ZipRecord> records_;
};

}  // namespace histojet::weights
