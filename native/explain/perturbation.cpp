#include "explain/perturbation.hpp"

#include <algorithm>
#include <cmath>
#include <string>

#include "base/error.hpp"
#include "base/executor.hpp"
#include "explain/covered_regions.hpp"
#include "explain/region_memory.hpp"
#include "explain/square_regions.hpp"
#include "models/pixel_mamba/context.hpp"

namespace histojet::explain {
namespace {

void refuse(const std::string& what) {
  throw Error(ErrorCode::kInvalidArgument, "perturbation: " + what);
}

/// splitmix64
std::uint64_t next_bits(std::uint64_t& state) {
  state += 0x9e3779b97f4a7c15;
  std::uint64_t bits = state;
  bits = (bits ^ (bits >> 30)) * 0xbf58476d1ce4e5b9;
  bits = (bits ^ (bits >> 27)) * 0x94d049bb133111eb;
  return bits ^ (bits >> 31);
}

/// One picture whose squares are covered and uncovered, evaluated on the way by what was kept of the last time.
class CoveredPicture {
 public:
  CoveredPicture(const models::PixelMamba& model, const models::RegionSource& source, std::int64_t cell_px,
                 const models::PixelMambaRunOptions& run, std::int64_t kept_bytes, const CancelToken& cancel)
      : model_(model),
        run_(run),
        cancel_(cancel),
        regions_(source, model.config().region_size_px),
        covered_(model.config(), source, cell_px),
        changed_(source.regions().size()),
        budget_{.free_bytes = kept_bytes, .folder = run.spill_folder},
        memory_(budget_) {
    run_.progress = {};
    run_.listener = nullptr;
  }

  void cover(std::int64_t cell, bool covered) {
    covered_.cover(cell, covered);
    const std::int64_t side = covered_.cell_px();
    const std::int64_t x = cell % covered_.columns() * side, y = cell / covered_.columns() * side;
    for (const std::int64_t region : regions_.under(x, y, side)) changed_[static_cast<std::size_t>(region)] = 1;
  }

  models::PixelMambaResult evaluate() {
    std::vector<std::int64_t> changed;
    for (std::size_t i = 0; i < changed_.size(); ++i) {
      if (changed_[i] != 0) changed.push_back(static_cast<std::int64_t>(i));
    }
    std::ranges::fill(changed_, std::uint8_t{0});
    const auto work = static_cast<std::int64_t>(changed.size()) * 2 * std::max(1, run_.threads);
    // Changed regions come one after the other; when there are many, it is quicker to compute all of them side by side.
    if (memory_.empty() || work > static_cast<std::int64_t>(changed_.size())) {
      KeepingRun keeping(memory_);
      return evaluate(keeping);
    }
    ChangedRun repeating = ChangedRun::updating(memory_, std::move(changed));
    return evaluate(repeating);
  }

 private:
  models::PixelMambaResult evaluate(models::RegionReuse& reuse) {
    run_.reuse = &reuse;
    return model_.run(covered_, run_, cancel_);
  }

  const models::PixelMamba& model_;
  models::PixelMambaRunOptions run_;
  const CancelToken& cancel_;
  const SquareRegions regions_;
  CoveredRegions covered_;
  std::vector<std::uint8_t> changed_;  ///< of each region: since the last evaluation
  models::StoreBudget budget_;
  RegionMemory memory_;
};

/// What is the same for all orders.
struct Walk {
  const models::PixelMamba& model;
  const models::RegionSource& source;
  std::int64_t cell_px;
  const PerturbationOptions& options;
  const CancelToken& cancel;
  models::ProgressMeter& progress;
};

void take_area(PerturbationCurve& curve) {
  curve.area = 0;
  for (std::size_t i = 1; i < curve.share.size(); ++i) {
    curve.area += (curve.share[i] - curve.share[i - 1]) * (curve.score[i] + curve.score[i - 1]) / 2;
  }
}

/// Paints the squares over in their order, then uncovers them in the same one. `output`: the one that is followed, for
/// kPredictedOutput the predicted one afterwards.
PerturbationPair follow(const Walk& walk, const std::vector<std::int64_t>& order, const SharedStore& share,
                        std::int64_t& output) {
  const models::PixelMambaConfig& config = walk.model.config();
  models::PixelMambaRunOptions run = walk.options.run;
  run.threads = share.threads;
  run.store_bytes = share.store_bytes;
  CoveredPicture picture(walk.model, walk.source, walk.cell_px, run, share.kept_bytes, walk.cancel);
  const auto score = [&] {
    const models::PixelMambaResult result = picture.evaluate();
    output = chosen_output(config, result, output);
    walk.progress.advance(1);
    return target_score(config, result, output);
  };
  const auto count = static_cast<std::int64_t>(order.size());
  PerturbationPair pair;
  const double whole = score();
  for (PerturbationCurve* curve : {&pair.deletion, &pair.insertion}) {
    const bool deletion = curve == &pair.deletion;
    std::int64_t taken = 0;
    for (std::int64_t step = 0; step <= walk.options.steps; ++step) {
      for (; taken < count * step / walk.options.steps; ++taken) {
        picture.cover(order[static_cast<std::size_t>(taken)], deletion);
      }
      curve->share.push_back(static_cast<double>(taken) / static_cast<double>(count));
      // The ends of both curves are the same two pictures.
      const bool known = deletion ? step == 0 : step == 0 || step == walk.options.steps;
      const double end = deletion == (step == 0) ? whole : pair.deletion.score.back();
      curve->score.push_back(known ? end : score());
    }
    take_area(*curve);
  }
  return pair;
}

std::vector<PerturbationPair> follow_all(const Walk& walk, const std::vector<std::vector<std::int64_t>>& orders,
                                         std::int64_t& output) {
  const auto count = static_cast<std::int64_t>(orders.size());
  const SharedStore share = share_store(walk.model.config(), walk.options.run, count, false);
  std::vector<PerturbationPair> pairs(orders.size());
  std::vector<std::int64_t> outputs(orders.size(), output);
  walk.progress.begin("perturbation", 2 * walk.options.steps * count);
  Executor::instance().parallel_for(count, share.side_by_side, [&](std::int64_t i) {
    const auto at = static_cast<std::size_t>(i);
    pairs[at] = follow(walk, orders[at], share, outputs[at]);
  });
  output = outputs.front();
  return pairs;
}

void check(const models::PixelMamba& model, const PerturbationOptions& options) {
  check_output(model.config(), options.output);
  if (options.steps < 1) refuse("expected at least one step, got " + std::to_string(options.steps));
  if (options.random_orders < 0) refuse("expected 0 or more random orders");
}

std::int64_t side_of_cells(const models::PixelMambaConfig& config, const RelevanceMap& map, std::int64_t given) {
  if (given != 0) return given;
  std::int64_t side = map.token_px;
  while (4 * side < config.region_size_px) side *= 2;
  return side;
}

}  // namespace

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

std::vector<std::int64_t> shuffled_cells(std::vector<std::int64_t> cells, std::uint64_t seed) {
  std::ranges::sort(cells);
  for (std::size_t i = cells.size(); i > 1; --i) std::swap(cells[i - 1], cells[next_bits(seed) % i]);
  return cells;
}

MapTest test_map(const models::PixelMamba& model, const models::RegionSource& source, const RelevanceMap& map,
                 const PerturbationOptions& options, const CancelToken& cancel) {
  check(model, options);
  if (map.token_px < 1 || map.columns != models::region_count(source.width_px(), map.token_px) ||
      map.rows != models::region_count(source.height_px(), map.token_px) ||
      map.values.size() != static_cast<std::size_t>(map.columns * map.rows)) {
    refuse("a map of " + std::to_string(map.columns) + " x " + std::to_string(map.rows) + " squares of " +
           std::to_string(map.token_px) + " px does not fit a picture of " + std::to_string(source.width_px()) + " x " +
           std::to_string(source.height_px()) + " px");
  }
  MapTest found{.output = options.output, .cell_px = side_of_cells(model.config(), map, options.cell_px)};
  std::vector<std::vector<std::int64_t>> orders{ranked_cells(map, found.cell_px)};
  if (orders[0].empty()) refuse("the map has no values");
  found.squares = static_cast<std::int64_t>(orders[0].size());
  for (std::int64_t i = 0; i < options.random_orders; ++i) {
    orders.push_back(shuffled_cells(orders[0], options.seed + static_cast<std::uint64_t>(i)));
  }
  models::ProgressMeter progress(options.run.progress);
  const Walk walk{model, source, found.cell_px, options, cancel, progress};
  std::vector<PerturbationPair> pairs = follow_all(walk, orders, found.output);
  found.map = std::move(pairs[0]);
  found.random.assign(std::make_move_iterator(pairs.begin() + 1), std::make_move_iterator(pairs.end()));
  return found;
}

PerturbationPair perturbation_curves(const models::PixelMamba& model, const models::RegionSource& source,
                                     const std::vector<std::int64_t>& order, std::int64_t cell_px,
                                     const PerturbationOptions& options, const CancelToken& cancel) {
  check(model, options);
  const std::int64_t cells = cell_px < 1 ? 0
                                         : models::region_count(source.width_px(), cell_px) *
                                               models::region_count(source.height_px(), cell_px);
  if (order.empty()) refuse("expected at least one square");
  for (const std::int64_t cell : order) {
    if (cell < 0 || cell >= cells) refuse("there is no square " + std::to_string(cell));
  }
  models::ProgressMeter progress(options.run.progress);
  const Walk walk{model, source, cell_px, options, cancel, progress};
  std::int64_t output = options.output;
  return std::move(follow_all(walk, {order}, output).front());
}

}  // namespace histojet::explain
