#include "readers/document_source.hpp"

#include <algorithm>
#include <utility>

#include "readers/gzip_source.hpp"

namespace histojet::readers {
namespace {

class PlainDocument final : public DocumentSource {
 public:
  explicit PlainDocument(std::shared_ptr<const ByteSource> bytes) : bytes_(std::move(bytes)) {}

  std::size_t read(std::span<std::uint8_t> out) override {
    const auto count = static_cast<std::size_t>(std::min<std::uint64_t>(out.size(), bytes_->size() - at_));
    if (count > 0) bytes_->read_at(at_, out.first(count));
    at_ += count;
    return count;
  }
  const std::string& name() const override { return bytes_->name(); }

 private:
  std::shared_ptr<const ByteSource> bytes_;
  std::uint64_t at_ = 0;
};

}  // namespace

std::unique_ptr<DocumentSource> open_document(std::shared_ptr<const ByteSource> bytes) {
  if (bytes->size() >= 2) {
    std::uint8_t magic[2];
    bytes->read_at(0, magic);
    if (magic[0] == 0x1f && magic[1] == 0x8b) return open_gzip(std::move(bytes));
  }
  return std::make_unique<PlainDocument>(std::move(bytes));
}

}  // namespace histojet::readers
