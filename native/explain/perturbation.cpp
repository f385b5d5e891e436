#include "explain/perturbation.hpp"

#include <algorithm>
#include <cmath>
#include <string>

#include "base/error.hpp"
#include "explain/covered_regions.hpp"

namespace histojet::explain {

std::vector<std::int64_t> ranked_cells(const RelevanceMap& map, std::int64_t cell_px) {
  if (cell_px < map.token_px || cell_px % map.token_px != 0) {
    throw Error(ErrorCode::kInvalidArgument, "squares of " + std::to_string(cell_px) +
                                                 " px: expected a multiple of the map's tokens of " +
                                                 std::to_string(map.token_px) + " px");
  }
  const std::int64_t tokens = cell_px / map.token_px;
  const std::int64_t columns = (map.columns + tokens - 1) / tokens, rows = (map.rows + tokens - 1) / tokens;
  std::vector<double> sums(static_cast<std::size_t>(columns * rows));
  std::vector<std::uint8_t> seen(sums.size());
  for (std::int64_t y = 0; y < map.rows; ++y) {
    for (std::int64_t x = 0; x < map.columns; ++x) {
      const float value = map.values[static_cast<std::size_t>(y * map.columns + x)];
      if (std::isnan(value)) continue;
      const auto cell = static_cast<std::size_t>(y / tokens * columns + x / tokens);
      sums[cell] += value;
      seen[cell] = 1;
    }
  }
  std::vector<std::int64_t> order;
  for (std::size_t i = 0; i < sums.size(); ++i) {
    if (seen[i] != 0) order.push_back(static_cast<std::int64_t>(i));
  }
  std::ranges::stable_sort(order, [&](std::int64_t a, std::int64_t b) {
    return sums[static_cast<std::size_t>(a)] > sums[static_cast<std::size_t>(b)];
  });
  return order;
}

PerturbationCurve perturbation_curve(const models::PixelMamba& model, const models::RegionSource& source,
                                     const std::vector<std::int64_t>& order, std::int64_t cell_px,
                                     const PerturbationOptions& options, const CancelToken& cancel) {
  if (options.steps < 1 || order.empty()) {
    throw Error(ErrorCode::kInvalidArgument, "perturbation curve: expected at least one step and one square");
  }
  const bool deletion = options.kind == Perturbation::kDeletion;
  CoveredRegions covered(model.config(), source, cell_px);
  covered.cover_all(!deletion);
  for (const std::int64_t cell : order) {
    if (cell < 0 || cell >= covered.cells()) {
      throw Error(ErrorCode::kInvalidArgument, "perturbation curve: there is no square " + std::to_string(cell));
    }
  }
  PerturbationCurve curve;
  const auto count = static_cast<std::int64_t>(order.size());
  std::int64_t taken = 0;
  for (std::int64_t step = 0; step <= options.steps; ++step) {
    for (; taken < count * step / options.steps; ++taken) {
      covered.cover(order[static_cast<std::size_t>(taken)], deletion);
    }
    curve.share.push_back(static_cast<double>(taken) / static_cast<double>(count));
    curve.score.push_back(options.score(model.run(covered, options.run, cancel)));
    if (step == 0) continue;
    const auto i = static_cast<std::size_t>(step);
    curve.area += (curve.share[i] - curve.share[i - 1]) * (curve.score[i] + curve.score[i - 1]) / 2;
  }
  return curve;
}

}  // namespace histojet::explain
