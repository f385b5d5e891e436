#include "weights/zip_archive.hpp"

#include <algorithm>
#include <cstring>
#include <optional>
#include <span>

#include "base/checked.hpp"
#include "base/text.hpp"
#include "weights/crc32.hpp"

namespace histojet::weights {
namespace {

constexpr std::uint32_t kLocalSignature = 0x04034b50;
constexpr std::uint32_t kCentralSignature = 0x02014b50;
constexpr std::uint32_t kEndSignature = 0x06054b50;
constexpr std::uint32_t kEnd64Signature = 0x06064b50;
constexpr std::uint32_t kLocator64Signature = 0x07064b50;
constexpr std::uint64_t kEndBytes = 22;
constexpr std::uint64_t kLocatorBytes = 20;
constexpr std::uint64_t kEnd64Bytes = 56;
constexpr std::uint64_t kCentralBytes = 46;
constexpr std::uint64_t kLocalBytes = 30;
constexpr std::uint64_t kMaxComment = 65535;
constexpr std::uint64_t kMaxDirectoryBytes = 256u << 20;
constexpr std::uint16_t kFlagEncrypted = 1 << 0;
constexpr std::uint16_t kFlagDescriptor = 1 << 3;
constexpr std::uint16_t kFlagStrongEncryption = 1 << 6;
constexpr std::uint16_t kFlagMasked = 1 << 13;
constexpr std::uint16_t kZip64Extra = 1;

/// Little-endian number at `at`; the caller has checked the range.
template <class T>
T little(std::span<const std::uint8_t> bytes, std::uint64_t at) {
  T value;
  std::memcpy(&value, bytes.data() + at, sizeof value);
  return value;
}

struct Directory {
  std::uint64_t offset = 0;
  std::uint64_t bytes = 0;
  std::uint64_t entries = 0;
};

struct CentralEntry {
  std::string name;
  std::uint16_t flags = 0;
  std::uint32_t crc = 0;
  std::uint64_t size = 0;
  std::uint64_t local_offset = 0;
  std::uint64_t data_offset = 0;
};

/// Position of the end record; refuses files with several candidates, because readers disagree about which one counts.
std::uint64_t find_end(const ByteSource& source) {
  if (source.size() < kEndBytes) corrupt(source.name(), "too short for a ZIP archive (truncated?)");
  const std::uint64_t length = std::min(source.size(), kEndBytes + kMaxComment);
  const std::uint64_t start = source.size() - length;
  const std::vector<std::uint8_t> tail = source.read(start, length);
  std::optional<std::uint64_t> found;
  for (std::uint64_t at = length - kEndBytes + 1; at-- > 0;) {
    if (little<std::uint32_t>(tail, at) != kEndSignature) continue;
    if (at + kEndBytes + little<std::uint16_t>(tail, at + 20) != length) continue;
    if (found) corrupt_at(source.name(), start + at, "the ZIP archive has two end records");
    found = start + at;
  }
  if (!found) corrupt(source.name(), "the ZIP archive has no central directory at its end (truncated?)");
  return *found;
}

/// The ZIP64 end record in front of `end`, if a locator announces one.
std::optional<Directory> read_end64(const ByteSource& source, std::uint64_t end, std::uint64_t& directory_end) {
  if (end < kLocatorBytes) return std::nullopt;
  const std::vector<std::uint8_t> locator = source.read(end - kLocatorBytes, kLocatorBytes);
  if (little<std::uint32_t>(locator, 0) != kLocator64Signature) return std::nullopt;
  const auto at = little<std::uint64_t>(locator, 8);
  if (!source.contains(at, kEnd64Bytes) || at + kEnd64Bytes > end - kLocatorBytes) {
    corrupt_at(source.name(), end - kLocatorBytes, "the ZIP64 locator points outside the file");
  }
  const std::vector<std::uint8_t> record = source.read(at, kEnd64Bytes);
  const bool sound = little<std::uint32_t>(record, 0) == kEnd64Signature &&
                     little<std::uint64_t>(record, 4) == end - kLocatorBytes - at - 12 &&
                     little<std::uint32_t>(record, 16) == 0 && little<std::uint32_t>(record, 20) == 0 &&
                     little<std::uint64_t>(record, 24) == little<std::uint64_t>(record, 32);
  if (!sound) corrupt_at(source.name(), at, "the ZIP64 end record is malformed");
  directory_end = at;
  return Directory{little<std::uint64_t>(record, 48), little<std::uint64_t>(record, 40),
                   little<std::uint64_t>(record, 32)};
}

Directory read_directory_range(const ByteSource& source) {
  const std::uint64_t end = find_end(source);
  const std::vector<std::uint8_t> record = source.read(end, kEndBytes);
  const Directory small{little<std::uint32_t>(record, 16), little<std::uint32_t>(record, 12),
                        little<std::uint16_t>(record, 10)};
  const bool one_disk = little<std::uint16_t>(record, 4) == 0 && little<std::uint16_t>(record, 6) == 0;
  if (!one_disk || little<std::uint16_t>(record, 8) != small.entries) {
    corrupt_at(source.name(), end, "the ZIP archive claims to be spread over several disks");
  }
  std::uint64_t directory_end = end;
  const Directory directory = read_end64(source, end, directory_end).value_or(small);
  const auto agrees = [](std::uint64_t field, std::uint64_t saturated, std::uint64_t value) {
    return field == saturated || field == value;
  };
  const bool consistent = agrees(small.offset, 0xffffffff, directory.offset) &&
                          agrees(small.bytes, 0xffffffff, directory.bytes) &&
                          agrees(small.entries, 0xffff, directory.entries);
  const auto sum = checked_add(directory.offset, directory.bytes);
  if (!consistent || !sum || *sum != directory_end) {
    corrupt_at(source.name(), end,
               "the ZIP end record places the central directory at " + std::to_string(directory.offset) + " with " +
                   std::to_string(directory.bytes) + " bytes, which does not end where the end record begins");
  }
  if (directory.bytes > kMaxDirectoryBytes || directory.entries > directory.bytes / kCentralBytes) {
    corrupt_at(source.name(), end,
               "the ZIP archive claims " + std::to_string(directory.entries) + " entries in a directory of " +
                   std::to_string(directory.bytes) + " bytes");
  }
  return directory;
}

void check_name(const std::string& name, const std::string& file, std::uint64_t offset) {
  bool sound =
      is_utf8(name) && !name.empty() && name.find('\\') == std::string::npos && name.find('\0') == std::string::npos;
  for (std::size_t at = 0; sound && at <= name.size();) {
    const std::size_t slash = std::min(name.find('/', at), name.size());
    const std::string part = name.substr(at, slash - at);
    sound = part != ".." && part != "." && (!part.empty() || (slash == name.size() && at > 0));
    at = slash + 1;
  }
  if (!sound) corrupt_at(file, offset, "the ZIP archive has an entry with the unsafe name " + quote(name));
}

/// Replaces saturated fields by those of the ZIP64 extra field, in the order that the format fixes.
void apply_zip64(CentralEntry& entry, std::uint64_t& packed, std::span<const std::uint8_t> extra,
                 const std::string& file) {
  while (extra.size() >= 4) {
    const auto id = little<std::uint16_t>(extra, 0);
    const auto length = little<std::uint16_t>(extra, 2);
    if (length > extra.size() - 4) break;
    std::span<const std::uint8_t> body = extra.subspan(4, length);
    extra = extra.subspan(4 + std::size_t{length});
    if (id != kZip64Extra) continue;
    for (std::uint64_t* field : {&entry.size, &packed, &entry.local_offset}) {
      if (*field != 0xffffffff) continue;
      if (body.size() < 8) corrupt(file, "the ZIP64 sizes of entry " + quote(entry.name) + " are incomplete");
      *field = little<std::uint64_t>(body, 0);
      body = body.subspan(8);
    }
    return;
  }
}

void check_method(const CentralEntry& entry, std::uint16_t method, const std::string& file) {
  if ((entry.flags & (kFlagEncrypted | kFlagStrongEncryption | kFlagMasked)) != 0) {
    unsupported(file, "the ZIP entry " + quote(entry.name) + " is encrypted; PyTorch never encrypts");
  }
  if (method != 0) {
    unsupported(file, "the ZIP entry " + quote(entry.name) + " is compressed (method " + std::to_string(method) +
                          "); PyTorch stores tensors uncompressed, so this is no checkpoint or was packed again");
  }
}

CentralEntry parse_central(std::span<const std::uint8_t> directory, std::uint64_t& at, std::uint64_t file_offset,
                           const std::string& file) {
  const std::uint64_t left = directory.size() - at;
  if (left < kCentralBytes || little<std::uint32_t>(directory, at) != kCentralSignature) {
    corrupt_at(file, file_offset, "the ZIP central directory is malformed");
  }
  const auto name_length = little<std::uint16_t>(directory, at + 28);
  const auto extra_length = little<std::uint16_t>(directory, at + 30);
  const std::uint64_t total = kCentralBytes + name_length + extra_length + little<std::uint16_t>(directory, at + 32);
  if (left < total) corrupt_at(file, file_offset, "an entry of the ZIP central directory passes its end");

  CentralEntry entry;
  entry.name.assign(reinterpret_cast<const char*>(directory.data()) + at + kCentralBytes, name_length);
  check_name(entry.name, file, file_offset);
  entry.flags = little<std::uint16_t>(directory, at + 8);
  entry.crc = little<std::uint32_t>(directory, at + 16);
  entry.size = little<std::uint32_t>(directory, at + 24);
  entry.local_offset = little<std::uint32_t>(directory, at + 42);
  std::uint64_t packed = little<std::uint32_t>(directory, at + 20);
  apply_zip64(entry, packed, directory.subspan(at + kCentralBytes + name_length, extra_length), file);
  check_method(entry, little<std::uint16_t>(directory, at + 10), file);
  if (packed != entry.size) {
    corrupt_at(file, file_offset, "the stored ZIP entry " + quote(entry.name) + " has two different sizes");
  }
  at += total;
  return entry;
}

/// Reads the local header, compares it with the central entry and finds where the data begin.
void locate_data(const ByteSource& source, CentralEntry& entry, std::uint64_t directory_offset) {
  const std::string where = "the ZIP entry " + quote(entry.name);
  const auto outside = [&] {
    corrupt_at(source.name(), entry.local_offset,
               where + " with " + std::to_string(entry.size) + " bytes passes the end of the archive's data");
  };
  const std::uint64_t header_bytes = kLocalBytes + entry.name.size();
  if (entry.local_offset > directory_offset || header_bytes > directory_offset - entry.local_offset) outside();
  const std::vector<std::uint8_t> header = source.read(entry.local_offset, header_bytes);
  const bool named = std::equal(entry.name.begin(), entry.name.end(), header.begin() + kLocalBytes,
                                [](char a, std::uint8_t b) { return static_cast<std::uint8_t>(a) == b; });
  if (little<std::uint32_t>(header, 0) != kLocalSignature || !named ||
      little<std::uint16_t>(header, 26) != entry.name.size()) {
    corrupt_at(source.name(), entry.local_offset, where + " has a local header of another name");
  }
  const auto flags = little<std::uint16_t>(header, 6);
  const auto size = little<std::uint32_t>(header, 22);
  const bool described_later = (flags & kFlagDescriptor) != 0;
  const bool same_size = size == 0xffffffff || (described_later && size == 0) || size == entry.size;
  if (flags != entry.flags || little<std::uint16_t>(header, 8) != 0 || !same_size) {
    corrupt_at(source.name(), entry.local_offset, where + " has a local header that contradicts the directory");
  }
  entry.data_offset = entry.local_offset + header_bytes + little<std::uint16_t>(header, 28);
  if (entry.data_offset > directory_offset || entry.size > directory_offset - entry.data_offset) outside();
}

void check_overlap(std::vector<CentralEntry>& entries, const std::string& file) {
  std::sort(entries.begin(), entries.end(),
            [](const CentralEntry& a, const CentralEntry& b) { return a.local_offset < b.local_offset; });
  for (std::size_t i = 1; i < entries.size(); ++i) {
    const CentralEntry& before = entries[i - 1];
    if (before.data_offset + before.size > entries[i].local_offset) {
      corrupt_at(file, entries[i].local_offset,
                 "the ZIP entries " + quote(before.name) + " and " + quote(entries[i].name) + " overlap");
    }
  }
}

}  // namespace

ZipArchive ZipArchive::open(const ByteSource& source) {
  const std::string& file = source.name();
  const Directory range = read_directory_range(source);
  const std::vector<std::uint8_t> directory = source.read(range.offset, range.bytes);
  std::vector<CentralEntry> entries;
  std::uint64_t at = 0;
  while (at < directory.size()) {
    if (entries.size() == range.entries) corrupt_at(file, range.offset + at, "the ZIP directory has too many entries");
    entries.push_back(parse_central(directory, at, range.offset + at, file));
    locate_data(source, entries.back(), range.offset);
  }
  if (entries.size() != range.entries) {
    corrupt_at(file, range.offset,
               "the ZIP directory has " + std::to_string(entries.size()) + " entries, its end record says " +
                   std::to_string(range.entries));
  }
  check_overlap(entries, file);

  ZipArchive archive;
  for (const CentralEntry& entry : entries) {
    const std::size_t slash = entry.name.find('/');
    const std::string top = entry.name.substr(0, slash);
    if (archive.top_.empty()) archive.top_ = top;
    if (slash == std::string::npos || top != archive.top_) {
      unsupported(file, "not a PyTorch checkpoint: a ZIP archive with the entry " + quote(entry.name) +
                            ", where PyTorch puts everything into one folder");
    }
    const bool fresh =
        archive.records_.emplace(entry.name.substr(slash + 1), ZipRecord{entry.data_offset, entry.size, entry.crc})
            .second;
    if (!fresh) corrupt_at(file, entry.local_offset, "the ZIP entry " + quote(entry.name) + " occurs twice");
  }
  return archive;
}

const ZipRecord* ZipArchive::find(const std::string& name) const {
  const auto found = records_.find(name);
  return found == records_.end() ? nullptr : &found->second;
}

bool ZipArchive::has_folder(const std::string& name) const {
  const auto found = records_.lower_bound(name + "/");
  return found != records_.end() && found->first.starts_with(name + "/");
}

std::vector<std::uint8_t> ZipArchive::read(const ByteSource& source, const std::string& name) const {
  const ZipRecord* record = find(name);
  if (record == nullptr) corrupt(source.name(), "the ZIP archive has no entry " + quote(top_ + "/" + name));
  std::vector<std::uint8_t> bytes = source.read(record->offset, record->size);
  if (crc32(0, bytes) != record->crc) {
    corrupt_at(source.name(), record->offset,
               "the checksum of the ZIP entry " + quote(top_ + "/" + name) + " is wrong: the file is damaged");
  }
  return bytes;
}

}  // namespace histojet::weights
