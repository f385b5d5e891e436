#include "models/pixel_mamba/layers.hpp"

#include <algorithm>

#include "base/error.hpp"

namespace histojet::models {
namespace {

constexpr float kNormEpsilon = 1e-5F;
/// Gathered rows that are worked on together: they and their product stay in the second-level cache.
constexpr std::int64_t kTileValues = 48 << 10;

std::int64_t tile_rows(std::int64_t values, std::int64_t rows) {
  return std::clamp<std::int64_t>(kTileValues / values, 16, std::max<std::int64_t>(16, rows));
}

/// Runs `layer` on rows [0, count) of scratch.gathered.
void run_gathered(const tokens::Linear& layer, std::int64_t count, float* out, std::int64_t out_step,
                  PixelScratch& scratch, Isa isa) {
  if (layer.storage() == scratch.gathered.storage()) {
    layer.run(scratch.gathered, 0, count, out, out_step, scratch.linear);
    return;
  }
  scratch.rows.reshape(scratch.gathered.rows(), layer.in(), layer.storage());
  tokens::store_rows({.data = scratch.gathered.row(0), .step = scratch.gathered.step()}, 0, layer.in(), isa,
                     scratch.rows, 0, count);
  layer.run(scratch.rows, 0, count, out, out_step, scratch.linear);
}

/// [out][in][2][2] to [out][4 * in] in Swin's order of the four tokens.
std::vector<float> swin_columns(std::span<const float> weight, std::int64_t in, std::int64_t out) {
  std::vector<float> columns(weight.size());
  for (std::int64_t o = 0; o < out; ++o) {
    for (std::int64_t k = 0; k < 4; ++k) {
      const std::int64_t row = k % 2, column = k / 2;
      for (std::int64_t c = 0; c < in; ++c) {
        columns[static_cast<std::size_t>((o * 4 + k) * in + c)] =
            weight[static_cast<std::size_t>(((o * in + c) * 2 + row) * 2 + column)];
      }
    }
  }
  return columns;
}

}  // namespace

PixelStem::PixelStem(const weights::WeightScope& root, const PixelMambaConfig& config,
                     const tokens::LayerOptions& options)
    : region_px_(config.region_size_px),
      patch_px_(config.patch_px),
      step_(token_step(config.stages[0].dim)),
      corners_(stage_form(config, 0).places) {
  const std::int64_t side = region_px_ / patch_px_;
  for (std::int32_t& corner : corners_) {
    const std::int64_t pixel = patch_px_ * (corner / side * region_px_ + corner % side);
    corner = static_cast<std::int32_t>(3 * pixel);
  }
  // Pixels stay float32 in every precision: the product is small, and its rounding would reach everything.
  const tokens::LayerOptions exact{.precision = tokens::Precision::kFloat32, .isa = options.isa};
  projection_ = tokens::Linear::load(root.scope("stem.proj"), 3 * patch_px_ * patch_px_, config.stages[0].dim,
                                     tokens::Bias::kRequired, exact);
}

void PixelStem::run(const float* pixels, float* out, PixelScratch& scratch) const {
  const std::int64_t values = 3 * patch_px_ * patch_px_;
  const auto count = static_cast<std::int64_t>(corners_.size());
  const std::int64_t tile = tile_rows(token_step(values), count);
  scratch.gathered.reshape(tile, values);
  for (std::int64_t first = 0; first < count; first += tile) {
    const std::int64_t rows = std::min(tile, count - first);
    for (std::int64_t i = 0; i < rows; ++i) {
      const float* corner = pixels + corners_[static_cast<std::size_t>(first + i)];
      float* row = scratch.gathered.row(i);
      if (patch_px_ == 1) {  // three values are copied sooner than a function is called for them
        for (std::int64_t c = 0; c < 3; ++c) row[c] = corner[c];
        continue;
      }
      for (std::int64_t y = 0; y < patch_px_; ++y) {
        std::copy_n(corner + 3 * y * region_px_, 3 * patch_px_, row + 3 * y * patch_px_);
      }
    }
    projection_.run(scratch.gathered, 0, rows, out + first * step_, step_, scratch.linear);
  }
}

TokenMerge::TokenMerge(const weights::WeightScope& scope, MergeKind kind, std::int64_t in, std::int64_t out,
                       const tokens::LayerOptions& options)
    : kind_(kind), in_(in), out_(out), isa_(options.isa) {
  using tokens::NormKind;
  if (kind == MergeKind::kConcat1x2 || kind == MergeKind::kConcat2x1) parts_ = 2;
  switch (kind) {
    case MergeKind::kConcat2x2:
    case MergeKind::kConcat1x2:
    case MergeKind::kConcat2x1:
      norm_ = tokens::Norm::load(scope.scope("norm"), parts_ * in, NormKind::kLayer, options, kNormEpsilon);
      reduction_ = tokens::Linear::load(scope.scope("reduction"), parts_ * in, out, tokens::Bias::kNone, options);
      break;
    case MergeKind::kTome:
      throw Error(ErrorCode::kInvalidArgument, "merge of places: \"tome\" knows no places");
    case MergeKind::kAverage2x2:
      reduction_ = tokens::Linear::load(scope.scope("reduction"), in, out, tokens::Bias::kNone, options);
      break;
    case MergeKind::kConv2x2: {
      const Tensor weight = scope.f32("reduction.weight", {out, in, 2, 2});
      reduction_ = tokens::Linear::pack(swin_columns(weight.values<float>(), in, out), {}, 4 * in, options);
      norm_ = tokens::Norm::load(scope.scope("norm"), out, NormKind::kLayer, options, kNormEpsilon);
      break;
    }
  }
}

void TokenMerge::gather(const float* in, std::span<const std::array<std::int32_t, 4>> sources,
                        PixelScratch& scratch) const {
  const std::int64_t step = token_step(in_);
  for (std::size_t i = 0; i < sources.size(); ++i) {
    float* row = scratch.gathered.row(static_cast<std::int64_t>(i));
    if (kind_ == MergeKind::kAverage2x2) std::fill_n(row, in_, 0.0F);
    for (std::size_t k = 0; k < static_cast<std::size_t>(parts_); ++k) {
      const std::int32_t source = sources[i][k];
      const float* token = in + source * step;
      if (kind_ == MergeKind::kAverage2x2) {
        for (std::int64_t c = 0; c < in_ && source >= 0; ++c) row[c] += 0.25F * token[c];
      } else if (source >= 0) {
        std::copy_n(token, in_, row + static_cast<std::int64_t>(k) * in_);
      } else {
        std::fill_n(row + static_cast<std::int64_t>(k) * in_, in_, 0.0F);
      }
    }
  }
}

void TokenMerge::run(const float* in, std::span<const std::array<std::int32_t, 4>> sources, float* out,
                     PixelScratch& scratch) const {
  const std::int64_t values = kind_ == MergeKind::kAverage2x2 ? in_ : parts_ * in_;
  const auto count = static_cast<std::int64_t>(sources.size());
  const std::int64_t tile = tile_rows(token_step(values), count), step = token_step(out_);
  for (std::int64_t first = 0; first < count; first += tile) {
    const std::int64_t rows = std::min(tile, count - first);
    scratch.gathered.reshape(tile, values);
    gather(in, sources.subspan(static_cast<std::size_t>(first), static_cast<std::size_t>(rows)), scratch);
    float* to = out + first * step;
    if (concatenates()) {
      scratch.rows.reshape(tile, values, reduction_.storage());
      norm_.run(scratch.gathered, scratch.rows, 0, rows);
      reduction_.run(scratch.rows, 0, rows, to, step, scratch.linear);
    } else {
      run_gathered(reduction_, rows, to, step, scratch, isa_);
    }
    if (kind_ == MergeKind::kConv2x2) norm_.run_floats(to, step, to, step, rows);
  }
}

}  // namespace histojet::models
