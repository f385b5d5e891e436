#include "explain/occlusion.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>

#include "base/error.hpp"
#include "base/executor.hpp"
#include "explain/covered_regions.hpp"
#include "explain/region_memory.hpp"
#include "explain/square_regions.hpp"
#include "models/pixel_mamba/context.hpp"

namespace histojet::explain {
namespace {

constexpr std::int64_t kMostFirstSquares = 64;
constexpr std::int64_t kMostSquares = std::int64_t{1} << 24;
/// Squares whose quarters are looked at together; fixed, so that the search does not depend on threads.
constexpr std::size_t kSplitAtOnce = 4;

void refuse(const std::string& what) {
  throw Error(ErrorCode::kInvalidArgument, what);
}

bool is_power_of_two_times(std::int64_t large, std::int64_t small) {
  return large % small == 0 && ((large / small) & (large / small - 1)) == 0;
}

/// Scores of a picture with a square covered, by what was kept of the picture.
class SquareScores {
 public:
  SquareScores(const models::PixelMamba& model, const models::RegionSource& source, const OcclusionOptions& options,
               const CancelToken& cancel)
      : model_(model),
        source_(source),
        options_(options),
        cancel_(cancel),
        regions_(source, model.config().region_size_px),
        budget_{.free_bytes = share_store(model.config(), options.run, 1, true).kept_bytes,
                .folder = options.run.spill_folder},
        memory_(budget_) {}

  /// The whole picture; before everything else.
  void start(Occlusion& found) {
    KeepingRun keeping(memory_);
    models::PixelMambaRunOptions run = options_.run;
    run.store_bytes = share_store(model_.config(), run, 1, true).store_bytes;
    run.listener = nullptr;
    run.reuse = &keeping;
    found.result = model_.run(source_, run, cancel_);
    found.output = output_ = chosen_output(model_.config(), found.result, options_.output);
    found.score = score_ = target_score(model_.config(), found.result, output_);
    found.regions_computed = static_cast<std::int64_t>(source_.regions().size());
    found.evaluations = 1;
  }

  bool sees(const OccludedSquare& square) const { return !under(square).empty(); }

  /// Fills in the changes of squares and adds them to what was found.
  void look_at(std::vector<OccludedSquare> squares, Occlusion& found, models::ProgressMeter& progress) {
    const auto count = static_cast<std::int64_t>(squares.size());
    const SharedStore share = share_store(model_.config(), options_.run, count, true);
    std::vector<std::int64_t> computed(squares.size());
    Executor::instance().parallel_for(count, share.side_by_side, [&](std::int64_t i) {
      const auto at = static_cast<std::size_t>(i);
      squares[at].change = evaluate(squares[at], share, computed[at]) - score_;
      progress.advance(1);
    });
    for (const std::int64_t regions : computed) found.regions_computed += regions;
    found.evaluations += count;
    found.squares.insert(found.squares.end(), squares.begin(), squares.end());
  }

 private:
  std::vector<std::int64_t> under(const OccludedSquare& square) const {
    return regions_.under(square.x_px, square.y_px, square.side_px);
  }

  double evaluate(const OccludedSquare& square, const SharedStore& share, std::int64_t& computed) const {
    const CoveredSquare covered(model_.config(), source_, square.x_px, square.y_px, square.side_px);
    ChangedRun changed(memory_, under(square));
    models::PixelMambaRunOptions run{
        .threads = share.threads, .store_bytes = share.store_bytes, .spill_folder = options_.run.spill_folder};
    if (!memory_.empty()) run.reuse = &changed;
    const double score = target_score(model_.config(), model_.run(covered, run, cancel_), output_);
    computed = memory_.empty() ? static_cast<std::int64_t>(source_.regions().size()) : changed.computed();
    return score;
  }

  const models::PixelMamba& model_;
  const models::RegionSource& source_;
  const OcclusionOptions& options_;
  const CancelToken& cancel_;
  const SquareRegions regions_;
  models::StoreBudget budget_;
  RegionMemory memory_;
  std::int64_t output_ = kNoOutput;
  double score_ = 0;
};

/// Which squares are looked at.
class Search {
 public:
  Search(const models::PixelMamba& model, const models::RegionSource& source, const OcclusionOptions& options,
         const CancelToken& cancel)
      : source_(source),
        options_(options),
        region_px_(model.config().region_size_px),
        finest_px_(options.finest_px > 0 ? options.finest_px : std::max<std::int64_t>(1, region_px_ / 4)),
        coarsest_px_(options.coarsest_px > 0 ? options.coarsest_px : default_coarsest()),
        scores_(model, source, options, cancel),
        progress_(options.run.progress) {
    if (options.finest_px < 0 || options.coarsest_px < 0) refuse("sides of squares: expected positive numbers");
    if (!is_power_of_two_times(std::max(coarsest_px_, region_px_), std::min(coarsest_px_, region_px_)) ||
        coarsest_px_ < finest_px_ || !is_power_of_two_times(coarsest_px_, finest_px_)) {
      refuse("squares from " + std::to_string(coarsest_px_) + " to " + std::to_string(finest_px_) +
             " px: expected powers of two times each other and a region of " + std::to_string(region_px_) + " px");
    }
  }

  Occlusion run() {
    std::vector<OccludedSquare> next = first_squares();
    const auto count = static_cast<std::int64_t>(next.size());
    if (count >= options_.most_evaluations) {
      refuse("evaluations: the first squares of " + std::to_string(coarsest_px_) + " px need more than the " +
             std::to_string(options_.most_evaluations) + " that are allowed; take larger squares or allow more");
    }
    found_.finest_px = finest_px_;
    scores_.start(found_);
    progress_.begin("occlusion", most_squares(count));
    while (!next.empty()) {
      scores_.look_at(std::move(next), found_, progress_);
      next = quarters_of_most_changing();
    }
    const auto looked_at = static_cast<std::int64_t>(found_.squares.size());
    progress_.begin("occlusion", looked_at);
    progress_.advance(looked_at);
    return std::move(found_);
  }

 private:
  std::int64_t default_coarsest() const {
    std::int64_t side = region_px_;
    while (models::region_count(source_.width_px(), side) * models::region_count(source_.height_px(), side) >
           kMostFirstSquares) {
      side *= 2;
    }
    return side;
  }

  /// Squares that the search ends with unless some of them change nothing.
  std::int64_t most_squares(std::int64_t first) const {
    std::int64_t all = first, level = first;
    for (std::int64_t side = coarsest_px_; side > finest_px_ && all < options_.most_evaluations; side /= 2) {
      level *= 4;
      all += level;
    }
    return std::min(all, options_.most_evaluations - 1);
  }

  /// No more than one too many.
  std::vector<OccludedSquare> first_squares() const {
    const std::int64_t columns = models::region_count(source_.width_px(), coarsest_px_);
    const std::int64_t rows = models::region_count(source_.height_px(), coarsest_px_);
    if (columns > kMostSquares / rows) {
      refuse("squares of " + std::to_string(coarsest_px_) + " px are too many on this picture; take larger ones");
    }
    std::vector<OccludedSquare> squares;
    for (std::int64_t y = 0; y < source_.height_px(); y += coarsest_px_) {
      for (std::int64_t x = 0; x < source_.width_px(); x += coarsest_px_) {
        const OccludedSquare square{x, y, coarsest_px_};
        if (scores_.sees(square)) squares.push_back(square);
        if (static_cast<std::int64_t>(squares.size()) >= options_.most_evaluations) return squares;
      }
    }
    return squares;
  }

  std::vector<OccludedSquare> quarters_of_most_changing() {
    std::vector<OccludedSquare> quarters;
    std::vector<std::size_t> order = splittable();
    const std::size_t most = std::min(kSplitAtOnce, order.size());
    std::partial_sort(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(most), order.end(),
                      [&](std::size_t a, std::size_t b) {
                        const double first = std::fabs(found_.squares[a].change);
                        const double second = std::fabs(found_.squares[b].change);
                        return first > second || (first == second && a < b);
                      });
    for (std::size_t i = 0; i < most; ++i) {
      OccludedSquare& square = found_.squares[order[i]];
      const std::vector<OccludedSquare> parts = quarters_of(square);
      const auto evaluations = static_cast<std::int64_t>(quarters.size() + parts.size()) + found_.evaluations;
      if (evaluations > options_.most_evaluations) break;
      square.split = true;
      quarters.insert(quarters.end(), parts.begin(), parts.end());
    }
    return quarters;
  }

  std::vector<std::size_t> splittable() const {
    std::vector<std::size_t> indices;
    for (std::size_t i = 0; i < found_.squares.size(); ++i) {
      const OccludedSquare& square = found_.squares[i];
      if (!square.split && square.side_px > finest_px_ && square.change != 0) indices.push_back(i);
    }
    return indices;
  }

  std::vector<OccludedSquare> quarters_of(const OccludedSquare& square) const {
    std::vector<OccludedSquare> quarters;
    const std::int64_t half = square.side_px / 2;
    for (const std::int64_t y : {square.y_px, square.y_px + half}) {
      for (const std::int64_t x : {square.x_px, square.x_px + half}) {
        const OccludedSquare quarter{x, y, half};
        if (scores_.sees(quarter)) quarters.push_back(quarter);
      }
    }
    return quarters;
  }

  const models::RegionSource& source_;
  const OcclusionOptions& options_;
  const std::int64_t region_px_;
  const std::int64_t finest_px_;
  const std::int64_t coarsest_px_;
  SquareScores scores_;
  models::ProgressMeter progress_;
  Occlusion found_;
};

}  // namespace

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
  check_output(model.config(), options.output);
  return Search(model, source, options, cancel).run();
}

}  // namespace histojet::explain
