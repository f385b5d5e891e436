#include "models/mamba_mil_grid.hpp"

#include <algorithm>

#include "base/checked.hpp"

namespace histojet::models {

namespace {

constexpr std::int64_t kVector = 16;
constexpr std::int64_t kBandBytes = 32 << 20;

std::int64_t band_cells(const TileGrid& grid, std::int64_t step) {
  const std::int64_t fitting = kBandBytes / (step * static_cast<std::int64_t>(sizeof(float)));
  return std::min(grid.cells(), std::max<std::int64_t>(1, fitting));
}

}  // namespace

MambaMil::GridRun::GridRun(const MambaMil& model, Scratch& scratch, int threads, const CancelToken& cancel)
    : model_(model),
      scratch_(scratch),
      threads_(threads),
      cancel_(cancel),
      dim_(model.config_.dim),
      step_(ceil_div(dim_, kVector) * kVector),
      band_(band_cells(model.config_.grid, step_)),
      order_(static_cast<std::size_t>(band_)) {
  for (const Layer& layer : model.layers_) {
    states_.push_back(tokens::start_scan2d(layer.mixer, model.config_.grid.columns()));
  }
  scratch_.cells = make_aligned<float>(static_cast<std::size_t>(band_ * step_));
  std::fill_n(scratch_.cells.get(), band_ * step_, 0.0F);
}

/// The pad token everywhere, and the tiles' tokens where there are some.
void MambaMil::GridRun::fill(std::int64_t first, std::int64_t count, std::span<const PlacedTile> here) {
  const auto pad = static_cast<std::int32_t>(static_cast<std::int64_t>(scratch_.tokens.size()) / dim_ - 1);
  std::fill_n(order_.begin(), count, pad);
  for (const PlacedTile& placed : here) {
    order_[static_cast<std::size_t>(placed.cell - first)] = static_cast<std::int32_t>(placed.tile);
  }
  for (std::int64_t i = 0; i < count; ++i) {
    std::copy_n(scratch_.tokens.data() + order_[static_cast<std::size_t>(i)] * dim_, dim_, cell(i));
  }
}

void MambaMil::GridRun::run_layers(std::int64_t count) {
  float* const cells = cell(0);
  for (std::size_t i = 0; i < states_.size(); ++i) {
    const Layer& layer = model_.layers_[i];
    tokens::MixerRun run{
        .in = {cells, step_}, .out = {cells, step_}, .tokens = count, .norm = &layer.norm, .padded = true};
    // Empty cells are one token to the first layer, which then projects it only once.
    if (i == 0) run.in = {scratch_.tokens.data(), dim_, order_.data()};
    tokens::accumulate_scan2d(layer.mixer, tokens::Direction::kForward, run, states_[i], scratch_.mixer, threads_,
                              cancel_);
  }
  model_.norm_.run_tokens({cells, step_}, {cells, step_}, count);
}

void MambaMil::GridRun::run(std::span<const PlacedTile> placed, std::int64_t tiles, MambaMilOutput& output) {
  const std::int64_t cells = model_.config_.grid.cells();
  scratch_.tokens.insert(scratch_.tokens.end(), model_.pad_token_.begin(), model_.pad_token_.end());
  std::vector<float> scores(static_cast<std::size_t>(band_));
  std::vector<float> tile_scores(static_cast<std::size_t>(tiles));
  tokens::RunningPool pool(dim_);
  for (std::int64_t first = 0; first < cells; first += band_) {
    const std::int64_t count = std::min(band_, cells - first);
    const auto end = std::ranges::lower_bound(placed, first + count, {}, &PlacedTile::cell);
    const std::span<const PlacedTile> here(placed.begin(), end);
    placed = placed.subspan(here.size());
    fill(first, count, here);
    run_layers(count);
    model_.attention_.score({cell(0), step_}, count, scores.data(), scratch_.products, threads_);
    for (std::int64_t i = 0; i < count; ++i) pool.add(cell(i), scores[static_cast<std::size_t>(i)]);
    for (const PlacedTile& tile : here) {
      tile_scores[static_cast<std::size_t>(tile.tile)] = scores[static_cast<std::size_t>(tile.cell - first)];
    }
  }
  output.features = pool.mean();
  double rest = 1;
  for (const float score : tile_scores) {
    const double share = pool.share(score);
    output.attention.push_back(static_cast<float>(share));
    rest -= share;
  }
  output.empty_attention = std::max(0.0, rest);
}

}  // namespace histojet::models
