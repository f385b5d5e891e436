#include "readers/annotation_store_reader.hpp"

#include <deque>
#include <string_view>
#include <utility>

#include "base/error.hpp"
#include "readers/annotation_rows.hpp"
#include "readers/file_provenance.hpp"

namespace histojet::readers {
namespace {

/// Lists and points that wait until it is clear whether the file has several classes.
constexpr std::size_t kMostWaiting = 16;
constexpr std::size_t kMostWaitingPoints = 4 << 20;

class AnnotationStoreReader final : public NucleusReader {
 public:
  explicit AnnotationStoreReader(std::unique_ptr<SqliteInput> database) : rows_(std::move(database)) {
    FileProvenance provenance = parse_provenance(rows_.provenance());
    area_scale_ = provenance.mpp > 0 ? provenance.mpp * provenance.mpp : 1;
    has_table_ = !provenance.classes.empty();
    if (has_table_) rows_.classes().preset(std::move(provenance.classes));
  }

  std::optional<nuclei::NucleusList> next(const CancelToken& cancel) override {
    if (broken_) throw Error(ErrorCode::kDisposed, "cannot read on in " + rows_.name() + ": reading failed before");
    broken_ = true;
    cancel.throw_if_cancelled();
    const CancelScope scope(cancel);
    decide(cancel);
    while (waiting_.empty() && !ended_) gather(cancel);
    broken_ = false;
    if (waiting_.empty()) return std::nullopt;
    nuclei::NucleusList list = std::move(waiting_.front());
    waiting_.pop_front();
    if (!typed_) {
      list.types.clear();
      list.type_probabilities.clear();
    }
    return list;
  }

  const std::vector<nuclei::NucleusClass>& classes() const override {
    static const std::vector<nuclei::NucleusClass> none;
    const auto& all = rows_.classes().classes();
    return all.size() == 1 && all[0].name == FileClasses::kUnclassified ? none : all;
  }
  const std::string& provenance() const override { return rows_.provenance(); }
  const std::string& format() const override {
    static const std::string name = "annotation-store";
    return name;
  }

 private:
  /// Finds out whether lists have types, reading ahead where the file does not say so early.
  void decide(const CancelToken& cancel) {
    if (decided_) return;
    while (!rows_.classes().several() && !ended_ && waiting_.size() < kMostWaiting &&
           waiting_points_ < kMostWaitingPoints) {
      gather(cancel);
    }
    typed_ = rows_.classes().several() || (!ended_ && !has_table_);
    decided_ = true;
  }

  /// Adds the nuclei of the next rows to those that wait.
  void gather(const CancelToken& cancel) {
    ended_ = !rows_.read(cancel);
    nuclei::NucleusList list = rows_.take();
    if (list.size() == 0) return;
    if (area_scale_ != 1) {
      for (float& area : list.areas) area = static_cast<float>(area * area_scale_);
    }
    waiting_points_ += list.contour_points.size() / 2;
    waiting_.push_back(std::move(list));
  }

  AnnotationRows rows_;
  std::deque<nuclei::NucleusList> waiting_;
  std::size_t waiting_points_ = 0;
  double area_scale_ = 1;
  bool has_table_ = false;
  bool decided_ = false;
  bool typed_ = false;
  bool ended_ = false;
  bool broken_ = false;
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
