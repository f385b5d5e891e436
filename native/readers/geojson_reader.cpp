#include "readers/geojson_reader.hpp"

#include <deque>
#include <utility>

#include "base/error.hpp"
#include "readers/file_provenance.hpp"
#include "readers/geojson_features.hpp"

namespace histojet::readers {
namespace {

constexpr std::size_t kBatch = 4096;
constexpr std::uint64_t kElementsPerCheck = 256;
/// Lists that wait until it is clear whether the file has several classes.
constexpr std::size_t kMostWaiting = 16;

class GeoJsonReader final : public NucleusReader {
 public:
  explicit GeoJsonReader(std::shared_ptr<const ByteSource> bytes)
      : name_(bytes->name()), features_(open_document(std::move(bytes))) {
    while (!features_.begun()) features_.step();
    const FileProvenance provenance = parse_provenance(features_.provenance());
    area_scale_ = provenance.mpp > 0 ? provenance.mpp * provenance.mpp : 1;
    has_table_ = !provenance.classes.empty();
    // A single element was read before its file's provenance could be: it has classes of its own already.
    if (has_table_ && features_.classes().classes().empty()) features_.classes().preset(provenance.classes);
  }

  std::optional<nuclei::NucleusList> next(const CancelToken& cancel) override {
    if (broken_) throw Error(ErrorCode::kDisposed, "cannot read on in " + name_ + ": reading failed before");
    broken_ = true;
    const CancelScope scope(cancel);
    decide(cancel);
    if (waiting_.empty() && !ended_) gather(cancel);
    broken_ = false;
    if (waiting_.empty()) return std::nullopt;
    nuclei::NucleusList list = std::move(waiting_.front());
    waiting_.pop_front();
    if (!typed_) list.types.clear();
    return list;
  }

  const std::vector<nuclei::NucleusClass>& classes() const override {
    static const std::vector<nuclei::NucleusClass> none;
    const FileClasses& classes = features_.classes();
    return only_unclassified(classes.classes()) ? none : classes.classes();
  }
  const std::string& provenance() const override { return features_.provenance(); }
  const std::string& format() const override {
    static const std::string name = "geojson";
    return name;
  }

 private:
  static bool only_unclassified(const std::vector<nuclei::NucleusClass>& classes) {
    return classes.size() == 1 && classes[0].name == FileClasses::kUnclassified;
  }

  /// Finds out whether lists have types, reading ahead where the file does not say so early.
  void decide(const CancelToken& cancel) {
    if (decided_) return;
    while (!features_.classes().several() && !ended_ && waiting_.size() < kMostWaiting) gather(cancel);
    typed_ = features_.classes().several() || (!ended_ && !has_table_);
    decided_ = true;
  }

  /// Adds one list to those that wait, unless the document holds no more.
  void gather(const CancelToken& cancel) {
    for (std::uint64_t i = 0; features_.outlines().size() < kBatch; ++i) {
      if (i % kElementsPerCheck == 0) cancel.throw_if_cancelled();
      if (!features_.step()) {
        ended_ = true;
        break;
      }
    }
    if (features_.outlines().size() == 0) return;
    nuclei::NucleusList list = features_.outlines().take();
    if (area_scale_ != 1) {
      for (float& area : list.areas) area = static_cast<float>(area * area_scale_);
    }
    waiting_.push_back(std::move(list));
  }

  std::string name_;
  GeoJsonFeatures features_;
  std::deque<nuclei::NucleusList> waiting_;
  double area_scale_ = 1;
  bool has_table_ = false;
  bool decided_ = false;
  bool typed_ = false;
  bool ended_ = false;
  bool broken_ = false;
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
