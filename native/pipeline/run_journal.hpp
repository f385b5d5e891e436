#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/cancel.hpp"
#include "base/locked_file.hpp"
#include "nuclei/nucleus_list.hpp"

namespace histojet::pipeline {

/// What a run has finished, on disk, so that a run that was killed goes on where it stopped: the nuclei of each window,
/// as they were before seams were settled. One file per run in a folder, named after everything that shapes the result;
/// runs that differ in that never meet. Each record carries its digest: what a sudden end has torn is dropped. Safe
/// from several threads; one run at a time (the file is locked).
class RunJournal {
 public:
  /// Opens or creates the journal of the run `identity` in `folder`, which is created too.
  /// @throws Error kIo (no permission, full disk, another run uses it); Cancelled.
  RunJournal(const std::string& folder, const std::string& identity, const CancelToken& cancel);

  const std::string& path() const { return file_.path(); }
  bool has(std::int64_t window) const;
  /// The nuclei of a window that is there. @throws Error kIo, kCorruptFile.
  nuclei::NucleusList read(std::int64_t window) const;
  /// Adds a window. @throws Error kIo, for example on a full disk.
  void append(std::int64_t window, const nuclei::NucleusList& found);

 private:
  struct Record {
    std::uint64_t offset = 0;  ///< of the packed bytes
    std::uint64_t packed_bytes = 0;
    std::uint64_t raw_bytes = 0;
  };
  bool starts_with(const std::string& header) const;
  void find_records(const CancelToken& cancel);
  std::optional<Record> record_at(std::uint64_t offset, std::int64_t& window) const;
  std::vector<std::uint8_t> bytes_at(std::uint64_t offset, std::uint64_t size) const;

  LockedFile file_;
  mutable std::mutex mutex_;  // guards what follows
  std::uint64_t end_ = 0;
  std::map<std::int64_t, Record> records_;  ///< by window
};

}  // namespace histojet::pipeline
