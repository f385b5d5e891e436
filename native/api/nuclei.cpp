#include "histojet/nuclei.hpp"

#include "nuclei/outline_measures.hpp"

namespace histojet {

nuclei::NucleusList concat(std::span<const nuclei::NucleusList* const> lists) {
  nuclei::NucleusList joined;
  for (const nuclei::NucleusList* list : lists) {
    if (list->size() == 0) continue;
    if (joined.size() != 0 && joined.typed() != list->typed()) {
      throw Error(ErrorCode::kInvalidArgument, "lists with and without types cannot be joined");
    }
    if (joined.size() != 0 && !joined.same_measurements(*list)) {
      throw Error(ErrorCode::kInvalidArgument, "lists with different measurements cannot be joined");
    }
    for (std::size_t i = 0; i < list->size(); ++i) joined.append(*list, i);
  }
  return joined;
}

nuclei::NucleusList from_outlines(std::vector<float> points, std::vector<std::uint64_t> starts,
                                  std::vector<std::uint8_t> types) {
  if (starts.empty() || starts.front() != 0 || starts.back() != points.size() / 2 || points.size() % 2 != 0) {
    throw Error(ErrorCode::kInvalidArgument, "the starts of the rings do not fit their points");
  }
  if (!types.empty() && types.size() != starts.size() - 1) {
    throw Error(ErrorCode::kInvalidArgument,
                "expected " + std::to_string(starts.size() - 1) + " types, got " + std::to_string(types.size()));
  }
  nuclei::NucleusList list;
  for (std::size_t i = 0; i + 1 < starts.size(); ++i) {
    if (starts[i + 1] < starts[i] + 3) {
      throw Error(ErrorCode::kInvalidArgument, "ring " + std::to_string(i) + " has fewer than 3 points");
    }
    nuclei::append_outline_measures(
        std::span<const float>(points).subspan(2 * starts[i], 2 * (starts[i + 1] - starts[i])), list);
  }
  list.types = std::move(types);
  list.contour_points = std::move(points);
  list.contour_starts = std::move(starts);
  return list;
}

}  // namespace histojet
