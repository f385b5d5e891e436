#include "readers/annotation_store_reader.hpp"

#include <string_view>
#include <utility>

#include "readers/annotation_rows.hpp"
#include "readers/classed_reader.hpp"

namespace histojet::readers {
namespace {

class AnnotationStoreReader final : public ClassedReader {
 public:
  explicit AnnotationStoreReader(std::unique_ptr<SqliteInput> database) : rows_(std::move(database)) {
    begin(parse_provenance(rows_.provenance()));
  }

  const std::string& provenance() const override { return rows_.provenance(); }
  const std::string& format() const override {
    static const std::string name = "annotation-store";
    return name;
  }

 private:
  const std::string& name() const override { return rows_.name(); }
  FileClasses& file_classes() override { return rows_.classes(); }
  const FileClasses& file_classes() const override { return rows_.classes(); }
  bool read(nuclei::NucleusList& list, const CancelToken& cancel) override {
    const bool more = rows_.read(cancel);
    list = rows_.take();
    return more;
  }

  AnnotationRows rows_;
};

}  // namespace

std::unique_ptr<NucleusReader> open_annotation_store_file(const std::string& path) {
  return std::make_unique<AnnotationStoreReader>(std::make_unique<SqliteInput>(path));
}

std::unique_ptr<NucleusReader> open_annotation_store(std::span<const std::uint8_t> bytes, const std::string& name) {
  return std::make_unique<AnnotationStoreReader>(std::make_unique<SqliteInput>(bytes, name));
}

bool looks_like_annotation_store(std::span<const std::uint8_t> head) {
  constexpr std::string_view kMagic("SQLite format 3\0", 16);
  return std::string_view(reinterpret_cast<const char*>(head.data()), head.size()).starts_with(kMagic);
}

}  // namespace histojet::readers
