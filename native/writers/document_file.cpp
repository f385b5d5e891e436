#include "writers/document_file.hpp"

#include <cerrno>
#include <span>
#include <vector>

#include "base/error.hpp"
#include "base/executor.hpp"
#include "codecs/deflate.hpp"

namespace histojet::writers {
namespace {

constexpr std::size_t kMemberBytes = 256 << 10;
constexpr std::size_t kFlushBytes = 1 << 20;
constexpr int kMostWaitingBatches = 16;
/// Outlines are random digits: level 3 takes three times as long for 3 % fewer bytes, level 6 five times for 12 %.
constexpr int kDeflateLevel = 1;

std::span<const std::uint8_t> as_bytes(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

}  // namespace

DocumentFile::DocumentFile(const std::string& path, bool compressed, std::string_view header, std::string footer)
    : file_(path), compressed_(compressed), footer_(encoded(footer)) {
  const std::string start = encoded(header);
  body_end_ = start.size();
  file_.append(start + footer_);
}

DocumentFile::~DocumentFile() {
  if (closed_) return;
  try {
    flush();
  } catch (...) {  // NOLINT: nobody is left to hear of it, and the `.part` is whole without the last batches
  }
}

std::string DocumentFile::encoded(std::string_view text) const {
  if (!compressed_) return std::string(text);
  std::vector<std::vector<std::uint8_t>> members((text.size() + kMemberBytes - 1) / kMemberBytes);
  Executor::instance().parallel_for(std::ssize(members), 0, [&](std::int64_t i) {
    members[i] = codecs::gzip_member(text.substr(i * kMemberBytes, kMemberBytes), kDeflateLevel);
  });
  std::string bytes;
  for (const auto& member : members) bytes.append(reinterpret_cast<const char*>(member.data()), member.size());
  return bytes;
}

void DocumentFile::replace_header(std::string_view header) {
  const std::string start = encoded(header);
  file_.truncate(0);
  file_.write_at(0, as_bytes(start + footer_));
  body_end_ = start.size();
}

void DocumentFile::append(std::string_view items) {
  if (closed_) throw Error(ErrorCode::kDisposed, "cannot write " + file_.path() + ": already closed");
  waiting_ += items;
  ++waiting_batches_;
  if (!compressed_ || waiting_.size() >= kFlushBytes || waiting_batches_ >= kMostWaitingBatches) flush();
}

void DocumentFile::flush() {
  if (waiting_.empty()) return;
  std::string bytes = encoded(waiting_);
  const std::size_t body = bytes.size();
  bytes += footer_;
  try {
    file_.write_at(body_end_, as_bytes(bytes));
  } catch (const Error&) {
    // A full disk cut the piece: without it the footer fits again where it stood.
    file_.truncate(body_end_);
    file_.write_at(body_end_, as_bytes(footer_));
    throw;
  }
  body_end_ += body;
  waiting_.clear();
  waiting_batches_ = 0;
}

void DocumentFile::close() {
  if (closed_) return;
  flush();
  file_.commit();
  closed_ = true;
}

}  // namespace histojet::writers
