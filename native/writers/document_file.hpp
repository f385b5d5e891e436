#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/part_file.hpp"

namespace histojet::writers {

/// A document of the form header, items, footer that is complete at all times: every piece goes over the old footer
/// together with a new one, in one write. Compressed documents are gzip members one after the other (RFC 1952, section
/// 2.2), the footer being the last. Destroyed without close(), the `.part` holds every item that was appended.
class DocumentFile {
 public:
  /// Creates `<path>.part` with header and footer. @throws Error kIo, also when `path` is a folder.
  DocumentFile(const std::string& path, bool compressed, std::string_view header, std::string footer);
  ~DocumentFile();
  DocumentFile(const DocumentFile&) = delete;
  DocumentFile& operator=(const DocumentFile&) = delete;

  /// Puts another header in the place of the first one; before anything is appended. @throws Error kIo.
  void replace_header(std::string_view header);
  /// Adds the text of one batch. Plain documents are written at once; compressed ones gather a
  /// megabyte for members of 256 KiB, which are compressed in parallel, but no more than 16 batches wait. @throws Error
  /// kIo; the `.part` then keeps what it had.
  void append(std::string_view items);
  /// Writes what waits and gives the file its final name. Calling twice is fine.
  void close();

 private:
  std::string encoded(std::string_view text) const;
  void flush();

  PartFile file_;
  bool compressed_;
  std::string footer_;
  std::string waiting_;
  int waiting_batches_ = 0;
  std::uint64_t body_end_ = 0;  ///< where the footer starts
  bool closed_ = false;
};

}  // namespace histojet::writers
