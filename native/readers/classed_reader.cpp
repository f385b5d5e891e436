#include "readers/classed_reader.hpp"

#include <utility>

#include "base/error.hpp"

namespace histojet::readers {
namespace {

/// Lists and points that wait until it is clear whether the file has several classes.
constexpr std::size_t kMostWaiting = 16;
constexpr std::size_t kMostWaitingPoints = 4 << 20;

}  // namespace

void ClassedReader::begin(FileProvenance provenance) {
  area_scale_ = provenance.mpp > 0 ? provenance.mpp * provenance.mpp : 1;
  has_table_ = !provenance.classes.empty();
  // A lone element was read before the provenance of its file could be: it has classes of its own already.
  if (has_table_ && file_classes().classes().empty()) file_classes().preset(std::move(provenance.classes));
}

std::optional<nuclei::NucleusList> ClassedReader::next(const CancelToken& cancel) {
  if (broken_) throw Error(ErrorCode::kDisposed, "cannot read on in " + name() + ": reading failed before");
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

const std::vector<nuclei::NucleusClass>& ClassedReader::classes() const {
  static const std::vector<nuclei::NucleusClass> none;
  const auto& all = file_classes().classes();
  return all.size() == 1 && all[0].name == FileClasses::kUnclassified ? none : all;
}

void ClassedReader::decide(const CancelToken& cancel) {
  if (decided_) return;
  while (!file_classes().several() && !ended_ && waiting_.size() < kMostWaiting &&
         waiting_points_ < kMostWaitingPoints) {
    gather(cancel);
  }
  typed_ = file_classes().several() || (!ended_ && !has_table_);
  decided_ = true;
}

void ClassedReader::gather(const CancelToken& cancel) {
  nuclei::NucleusList list;
  ended_ = !read(list, cancel);
  if (list.size() == 0) return;
  if (area_scale_ != 1) {
    for (float& area : list.areas) area = static_cast<float>(area * area_scale_);
  }
  waiting_points_ += list.contour_points.size() / 2;
  waiting_.push_back(std::move(list));
}

}  // namespace histojet::readers
