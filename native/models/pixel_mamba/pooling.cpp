#include <algorithm>
#include <array>

#include "models/pixel_mamba/context.hpp"
#include "models/pixel_mamba/token_pool.hpp"

namespace histojet::models {
namespace {

/// Whether there is tissue in a token, which may be a row or a column of squares.
bool has_tissue(const RegionSource& source, std::int64_t x_px, std::int64_t y_px, GridSize token_px) {
  const std::int64_t side = std::min(token_px.rows, token_px.columns);
  for (std::int64_t y = y_px; y < std::min(y_px + token_px.rows, source.height_px()); y += side) {
    for (std::int64_t x = x_px; x < std::min(x_px + token_px.columns, source.width_px()); x += side) {
      if (source.has_tissue(x, y, side)) return true;
    }
  }
  return false;
}

}  // namespace

std::vector<std::uint8_t> counted_tokens(const StageForm& form, const RegionSource& source, tokens::GridCell cell) {
  const std::int64_t width = form.cell_width_px(), height = form.cell_height_px();
  const std::int64_t x = cell.column * width, y = cell.row * height;
  const bool inside = x + width <= source.width_px() && y + height <= source.height_px();
  if (inside && !source.has_mask()) return {};
  std::vector<std::uint8_t> counts;
  counts.reserve(static_cast<std::size_t>(form.unit_tokens()));
  for (const std::int32_t place : form.places) {
    const std::int64_t left = x + place % form.grid.columns * form.token_px.columns;
    const std::int64_t top = y + place / form.grid.columns * form.token_px.rows;
    const bool real = left < source.width_px() && top < source.height_px();
    counts.push_back(real && has_tissue(source, left, top, form.token_px) ? 1 : 0);
  }
  if (form.region_token) counts.push_back(std::ranges::max(counts));
  return counts;
}

void pool_unit(const RunContext& context, TokenPool& pool, std::int64_t unit, tokens::GridCell cell, float* tokens,
               std::span<const TokenSize> sizes, PixelScratch& scratch) {
  const StageForm& form = context.network.stages.back().form;
  const std::int64_t count = form.unit_tokens();
  std::vector<std::uint8_t> counts;
  std::vector<float> weights;
  if (sizes.empty()) {
    counts = counted_tokens(form, context.source, cell);
  } else {
    for (const TokenSize& size : sizes) weights.push_back(size.counted);
    for (const float weight : weights) counts.push_back(weight > 0 ? 1 : 0);
    if (form.region_token) counts.push_back(std::ranges::max(counts));
    weights.resize(counts.size(), 1.0F);
  }
  if (context.options.listener != nullptr) context.options.listener->pooled(unit * count, count, counts);
  pool.add(tokens, count, counts, weights, scratch);
}

std::vector<TokenSize> first_sizes(const RunContext& context, tokens::GridCell cell) {
  const StageForm& form = context.network.stages[0].form;
  std::vector<TokenSize> sizes(static_cast<std::size_t>(form.tokens));
  const std::vector<std::uint8_t> counts = counted_tokens(form, context.source, cell);
  if (counts.empty()) return sizes;
  for (std::size_t i = 0; i < sizes.size(); ++i) sizes[i].counted = counts[i];
  return sizes;
}

void write_sizes(TokenStore& store, const RunContext& context, std::size_t stage, std::int64_t region,
                 std::span<const TokenSize> sizes) {
  std::vector<float> values;
  values.reserve(kSizeValues * sizes.size());
  for (const TokenSize& size : sizes) values.insert(values.end(), {size.all, size.counted});
  store.write(region * context.unit_tokens(stage), static_cast<std::int64_t>(sizes.size()), values.data(), kSizeValues);
}

void read_sizes(const TokenStore& store, const RunContext& context, std::size_t stage, std::int64_t region,
                std::vector<TokenSize>& sizes) {
  const std::int64_t count = context.network.stages[stage].form.tokens;
  std::vector<float> values(static_cast<std::size_t>(kSizeValues * count));
  store.read(region * context.unit_tokens(stage), count, values.data(), kSizeValues);
  sizes.resize(static_cast<std::size_t>(count));
  for (std::size_t i = 0; i < sizes.size(); ++i) sizes[i] = {.all = values[2 * i], .counted = values[2 * i + 1]};
}

}  // namespace histojet::models
