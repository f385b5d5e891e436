#include "pipeline/run_journal.hpp"

#include <cstring>
#include <filesystem>

#include "base/digest.hpp"
#include "base/error.hpp"
#include "codecs/zstd.hpp"
#include "nuclei/nucleus_bytes.hpp"

namespace histojet::pipeline {
namespace {

/// The fastest: notes are read once at most.
constexpr int kLevel = 1;
/// More than a window full of the smallest nuclei needs; a longer record is not ours.
constexpr std::uint64_t kMostBytes = std::uint64_t{1} << 30;

/// Stands before the packed bytes of a window.
struct RecordHead {
  char magic[8] = {'w', 'i', 'n', 'd', 'o', 'w', '1', '\n'};
  std::int64_t window = 0;
  std::uint64_t packed_bytes = 0;
  std::uint64_t raw_bytes = 0;
  std::uint8_t digest[16] = {};  ///< SHA-256 of the members above and the packed bytes, its first half
};
constexpr std::size_t kDigested = offsetof(RecordHead, digest);

void set_digest(RecordHead& head, std::span<const std::uint8_t> packed) {
  Sha256 digest;
  digest.update(std::span(reinterpret_cast<const std::uint8_t*>(&head), kDigested));
  digest.update(packed);
  std::memcpy(head.digest, digest.finish().data(), sizeof head.digest);
}

std::string name_of(const std::string& identity) {
  Sha256 digest;
  digest.update(identity);
  return hex(digest.finish()).substr(0, 24) + ".run";
}

std::string header_of(const std::string& identity) {
  return "histojet run 1\n" + identity + "\n";
}

LockedFile file_in(const std::string& folder, const std::string& identity) {
  std::error_code failure;
  std::filesystem::create_directories(folder, failure);
  if (failure) throw io_error("cannot create the folder", folder, failure.value());
  return LockedFile((std::filesystem::path(folder) / name_of(identity)).string());
}

}  // namespace

RunJournal::RunJournal(const std::string& folder, const std::string& identity, const CancelToken& cancel)
    : file_(file_in(folder, identity)) {
  const std::string header = header_of(identity);
  end_ = header.size();
  if (starts_with(header)) {
    find_records(cancel);
  } else {
    file_.write_at(0, std::span(reinterpret_cast<const std::uint8_t*>(header.data()), header.size()));
  }
  // What follows the last whole record is torn.
  file_.truncate(end_);
}

bool RunJournal::starts_with(const std::string& header) const {
  if (file_.size() < header.size()) return false;
  const auto bytes = bytes_at(0, header.size());
  return std::memcmp(bytes.data(), header.data(), header.size()) == 0;
}

void RunJournal::find_records(const CancelToken& cancel) {
  for (;;) {
    cancel.throw_if_cancelled();
    std::int64_t window = 0;
    const auto record = record_at(end_, window);
    if (!record) return;
    records_[window] = *record;
    end_ = record->offset + record->packed_bytes;
  }
}

std::optional<RunJournal::Record> RunJournal::record_at(std::uint64_t offset, std::int64_t& window) const {
  const std::uint64_t size = file_.size();
  if (size - offset < sizeof(RecordHead)) return std::nullopt;
  RecordHead head;
  std::memcpy(&head, bytes_at(offset, sizeof head).data(), sizeof head);
  const std::uint64_t start = offset + sizeof head;
  const bool sound = std::memcmp(head.magic, RecordHead{}.magic, sizeof head.magic) == 0 &&
                     head.packed_bytes <= size - start && head.raw_bytes <= kMostBytes;
  if (!sound) return std::nullopt;
  RecordHead expected = head;
  set_digest(expected, bytes_at(start, head.packed_bytes));
  if (std::memcmp(expected.digest, head.digest, sizeof head.digest) != 0) return std::nullopt;
  window = head.window;
  return Record{.offset = start, .packed_bytes = head.packed_bytes, .raw_bytes = head.raw_bytes};
}

bool RunJournal::has(std::int64_t window) const {
  const std::lock_guard lock(mutex_);
  return records_.contains(window);
}

nuclei::NucleusList RunJournal::read(std::int64_t window) const {
  Record record;
  {
    const std::lock_guard lock(mutex_);
    record = records_.at(window);
  }
  std::vector<std::uint8_t> raw(record.raw_bytes);
  codecs::decompress_zstd(bytes_at(record.offset, record.packed_bytes), raw);
  std::span<const std::uint8_t> rest(raw);
  return nuclei::take_list(rest);
}

void RunJournal::append(std::int64_t window, const nuclei::NucleusList& found) {
  std::vector<std::uint8_t> raw;
  nuclei::append_bytes(found, raw);
  const std::vector<std::uint8_t> packed = codecs::compress_zstd(raw, kLevel);
  RecordHead head{.window = window, .packed_bytes = packed.size(), .raw_bytes = raw.size()};
  set_digest(head, packed);
  const auto* front = reinterpret_cast<const std::uint8_t*>(&head);
  std::vector<std::uint8_t> bytes(front, front + sizeof head);
  bytes.insert(bytes.end(), packed.begin(), packed.end());

  const std::lock_guard lock(mutex_);
  file_.write_at(end_, bytes);
  records_[window] = {.offset = end_ + sizeof head, .packed_bytes = head.packed_bytes, .raw_bytes = head.raw_bytes};
  end_ += bytes.size();
}

std::vector<std::uint8_t> RunJournal::bytes_at(std::uint64_t offset, std::uint64_t size) const {
  std::vector<std::uint8_t> bytes(size);
  file_.read_at(offset, bytes);
  return bytes;
}

}  // namespace histojet::pipeline
