#include "readers/geojson_reader.hpp"

#include <utility>

#include "readers/classed_reader.hpp"
#include "readers/geojson_features.hpp"

namespace histojet::readers {
namespace {

constexpr std::size_t kBatch = 4096;
constexpr std::uint64_t kElementsPerCheck = 256;

class GeoJsonReader final : public ClassedReader {
 public:
  explicit GeoJsonReader(std::shared_ptr<const ByteSource> bytes)
      : name_(bytes->name()), features_(open_document(std::move(bytes))) {
    while (!features_.begun()) features_.step();
    begin(parse_provenance(features_.provenance()));
  }

  const std::string& provenance() const override { return features_.provenance(); }
  const std::string& format() const override {
    static const std::string name = "geojson";
    return name;
  }

 private:
  const std::string& name() const override { return name_; }
  FileClasses& file_classes() override { return features_.classes(); }
  const FileClasses& file_classes() const override { return features_.classes(); }
  bool read(nuclei::NucleusList& list, const CancelToken& cancel) override {
    bool more = true;
    for (std::uint64_t i = 0; more && features_.outlines().size() < kBatch; ++i) {
      if (i % kElementsPerCheck == 0) cancel.throw_if_cancelled();
      more = features_.step();
    }
    list = features_.outlines().take();
    return more;
  }

  std::string name_;
  GeoJsonFeatures features_;
};

}  // namespace

std::unique_ptr<NucleusReader> open_geojson(std::shared_ptr<const ByteSource> bytes) {
  return std::make_unique<GeoJsonReader>(std::move(bytes));
}

std::unique_ptr<NucleusReader> open_geojson_file(const std::string& path) {
  return open_geojson(open_file(path));
}

bool looks_like_geojson(std::span<const std::uint8_t> head) {
  if (head.size() >= 3 && head[0] == 0xef && head[1] == 0xbb && head[2] == 0xbf) head = head.subspan(3);
  for (const std::uint8_t byte : head) {
    if (byte == '{' || byte == '[') return true;
    if (byte != ' ' && byte != '\n' && byte != '\r' && byte != '\t') return false;
  }
  return false;
}

}  // namespace histojet::readers
