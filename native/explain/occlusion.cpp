#include "explain/occlusion.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <set>
#include <string>

#include "base/error.hpp"
#include "explain/covered_regions.hpp"

namespace histojet::explain {
namespace {

constexpr std::int64_t kMostFirstSquares = 64;

void refuse(const std::string& what) {
  throw Error(ErrorCode::kInvalidArgument, what);
}

bool is_power_of_two_times(std::int64_t large, std::int64_t small) {
  return large % small == 0 && ((large / small) & (large / small - 1)) == 0;
}

class Search {
 public:
  Search(const models::PixelMamba& model, const models::RegionSource& source, const OcclusionOptions& options,
         const CancelToken& cancel)
      : model_(model),
        options_(options),
        cancel_(cancel),
        region_px_(model.config().region_size_px),
        finest_px_(options.finest_px > 0 ? options.finest_px : std::max<std::int64_t>(1, region_px_ / 4)),
        coarsest_px_(options.coarsest_px > 0 ? options.coarsest_px : default_coarsest(source)),
        covered_(model.config(), source, finest_px_) {
    if (options.finest_px < 0 || options.coarsest_px < 0) refuse("sides of squares: expected positive numbers");
    if (!is_power_of_two_times(std::max(coarsest_px_, region_px_), std::min(coarsest_px_, region_px_)) ||
        !is_power_of_two_times(coarsest_px_, finest_px_)) {
      refuse("squares from " + std::to_string(coarsest_px_) + " to " + std::to_string(finest_px_) +
             " px: expected powers of two times each other and a region of " + std::to_string(region_px_) + " px");
    }
    for (const tokens::GridCell cell : source.regions()) regions_.insert({cell.row, cell.column});
  }

  Occlusion run() {
    found_.score = evaluate();
    const std::vector<OccludedSquare> first = first_squares();
    if (static_cast<std::int64_t>(first.size()) >= options_.most_evaluations) {
      refuse("evaluations: the first " + std::to_string(first.size()) +
             " squares need one more than that, allowed are " + std::to_string(options_.most_evaluations));
    }
    for (const OccludedSquare& square : first) look_at(square);
    while (true) {
      const auto next = most_changing();
      if (next == found_.squares.size()) break;
      const std::vector<OccludedSquare> quarters = quarters_of(found_.squares[next]);
      if (found_.evaluations + static_cast<std::int64_t>(quarters.size()) > options_.most_evaluations) break;
      found_.squares[next].split = true;
      for (const OccludedSquare& square : quarters) look_at(square);
    }
    return std::move(found_);
  }

 private:
  std::int64_t default_coarsest(const models::RegionSource& source) const {
    std::int64_t side = region_px_;
    while (models::region_count(source.width_px(), side) * models::region_count(source.height_px(), side) >
           kMostFirstSquares) {
      side *= 2;
    }
    return side;
  }

  double evaluate() {
    ++found_.evaluations;
    return options_.score(model_.run(covered_, options_.run, cancel_));
  }

  void look_at(OccludedSquare square) {
    covered_.cover_square(square.x_px, square.y_px, square.side_px, true);
    square.change = evaluate() - found_.score;
    covered_.cover_square(square.x_px, square.y_px, square.side_px, false);
    found_.squares.push_back(square);
  }

  bool has_region(const OccludedSquare& square) const {
    if (square.x_px >= covered_.width_px() || square.y_px >= covered_.height_px()) return false;
    const std::int64_t bottom = (square.y_px + square.side_px - 1) / region_px_;
    const std::int64_t right = (square.x_px + square.side_px - 1) / region_px_;
    for (std::int64_t row = square.y_px / region_px_; row <= bottom; ++row) {
      const auto first = regions_.lower_bound({row, square.x_px / region_px_});
      if (first != regions_.end() && first->first == row && first->second <= right) return true;
    }
    return false;
  }

  std::vector<OccludedSquare> first_squares() const {
    std::vector<OccludedSquare> squares;
    for (std::int64_t y = 0; y < covered_.height_px(); y += coarsest_px_) {
      for (std::int64_t x = 0; x < covered_.width_px(); x += coarsest_px_) {
        const OccludedSquare square{x, y, coarsest_px_};
        if (has_region(square)) squares.push_back(square);
      }
    }
    return squares;
  }

  std::vector<OccludedSquare> quarters_of(const OccludedSquare& square) const {
    std::vector<OccludedSquare> quarters;
    const std::int64_t half = square.side_px / 2;
    for (const std::int64_t y : {square.y_px, square.y_px + half}) {
      for (const std::int64_t x : {square.x_px, square.x_px + half}) {
        const OccludedSquare quarter{x, y, half};
        if (has_region(quarter)) quarters.push_back(quarter);
      }
    }
    return quarters;
  }

  std::size_t most_changing() const {
    std::size_t best = found_.squares.size();
    for (std::size_t i = 0; i < found_.squares.size(); ++i) {
      const OccludedSquare& square = found_.squares[i];
      if (square.split || square.side_px <= finest_px_ || square.change == 0) continue;
      if (best == found_.squares.size() || std::fabs(square.change) > std::fabs(found_.squares[best].change)) best = i;
    }
    return best;
  }

  const models::PixelMamba& model_;
  const OcclusionOptions& options_;
  const CancelToken& cancel_;
  const std::int64_t region_px_;
  const std::int64_t finest_px_;
  const std::int64_t coarsest_px_;
  CoveredRegions covered_;
  std::set<std::pair<std::int64_t, std::int64_t>> regions_;
  Occlusion found_;
};

}  // namespace

ScoreOf logit_score(std::int64_t output) {
  return [output](const models::PixelMambaResult& result) {
    return static_cast<double>(result.logits.at(static_cast<std::size_t>(output)));
  };
}

std::vector<float> Occlusion::grid(std::int64_t width_px, std::int64_t height_px, std::int64_t cell_px) const {
  const std::int64_t columns = models::region_count(width_px, cell_px), rows = models::region_count(height_px, cell_px);
  std::vector<float> grid(static_cast<std::size_t>(columns * rows), std::numeric_limits<float>::quiet_NaN());
  // Quarters come after their square, so that the finest one is the last to write.
  for (const OccludedSquare& square : squares) {
    const double share =
        square.change * std::pow(static_cast<double>(cell_px) / static_cast<double>(square.side_px), 2);
    const std::int64_t bottom = std::min(rows, (square.y_px + square.side_px) / cell_px);
    const std::int64_t right = std::min(columns, (square.x_px + square.side_px) / cell_px);
    for (std::int64_t row = square.y_px / cell_px; row < bottom; ++row) {
      for (std::int64_t column = square.x_px / cell_px; column < right; ++column) {
        grid[static_cast<std::size_t>(row * columns + column)] = static_cast<float>(share);
      }
    }
  }
  return grid;
}

Occlusion occlude(const models::PixelMamba& model, const models::RegionSource& source, const OcclusionOptions& options,
                  const CancelToken& cancel) {
  return Search(model, source, options, cancel).run();
}

}  // namespace histojet::explain
