#pragma once

#include <algorithm>
#include <cmath>
#include <map>
#include <memory>
#include <numeric>
#include <string>
#include <tuple>
#include <vector>

#include "models/pixel_mamba/region_source.hpp"
#include "models/reference_pixel_mixers.hpp"

namespace histojet::test {

/// Pixel-Mamba in double precision on a whole picture at once, formula by formula: what the streaming network is
/// compared with.
class ReferencePixelMamba {
 public:
  ReferencePixelMamba(std::shared_ptr<const weights::StateDict> dict, models::PixelMambaConfig config)
      : layers_(std::move(dict)), config_(std::move(config)) {}

  /// After each stage, in the order of the sequence. Values behind stages of similar tokens depend on their windows.
  std::vector<Rows> taps;
  std::vector<double> features;

  /// The logits for the regions that `source` names.
  std::vector<double> operator()(const models::RegionSource& source) {
    taps.clear();
    std::vector<Token> tokens;
    for (std::size_t s = 0; s < config_.stages.size(); ++s) {
      tokens = s == 0 ? stem(source) : merged(source, tokens, s - 1);
      enter(tokens, s);
      for (std::int64_t b = 0; b < config_.stages[s].depth; ++b) block(tokens, s, b);
      Rows& tap = taps.emplace_back();
      for (const Token& token : tokens) tap.push_back(token.values);
    }
    return head(pooled(source, tokens));
  }

 private:
  static constexpr Cell kNowhere{-1, -1};  ///< of regions' own tokens, and of those that merged by similarity

  struct Token {
    std::vector<double> values;
    Cell cell = kNowhere;
    std::size_t unit = 0;  ///< of the sequence's regions, or of its cells of several
    double size = 1;
    double counted = 1;
    bool of_region = false;
  };

  std::vector<double> vector(const std::string& key) const { return layers_.vector(key); }
  static std::vector<double> product(const std::vector<double>& matrix, const std::vector<double>& x) {
    return ReferenceLayers::product(matrix, x);
  }
  bool similar() const { return config_.merge == models::MergeKind::kTome; }

  /// Sides of a stage's tokens in pixels: four become one, or two in turn.
  Cell sides(std::size_t stage) const {
    using models::MergeKind;
    const auto s = static_cast<std::int64_t>(stage);
    const std::int64_t more = config_.patch_px << ((s + 1) / 2), less = config_.patch_px << (s / 2);
    if (config_.merge == MergeKind::kConcat1x2) return {less, more};
    if (config_.merge == MergeKind::kConcat2x1) return {more, less};
    return similar() ? Cell{config_.patch_px, config_.patch_px} : Cell{config_.patch_px << s, config_.patch_px << s};
  }

  /// When the order of a region comes to the token at (row, column) of `rows` x `columns`. `position`: of the squares
  /// along a curve.
  std::int64_t turn(std::size_t stage, std::int64_t row, std::int64_t column, std::int64_t rows, std::int64_t columns,
                    const std::vector<std::int32_t>& position) const {
    const models::PixelMambaStage& form = config_.stages[stage];
    if (form.scan == models::ScanKind::kWindow && form.backward_scope == models::BackwardScope::kRegion) {
      const std::int64_t k = form.window;
      return ((row / k * columns + column / k) * k + row % k) * k + column % k;
    }
    if (config_.pixel_order == tokens::PixelOrder::kRaster) return row * columns + column;
    if (config_.pixel_order == tokens::PixelOrder::kSnake) {
      return row * columns + (row % 2 == 0 ? column : columns - 1 - column);
    }
    // Of the squares that a rectangle consists of, the first one counts.
    const std::int64_t side = std::max(rows, columns), tall = side / rows, wide = side / columns;
    std::int64_t first = side * side;
    for (std::int64_t i = 0; i < tall * wide; ++i) {
      const std::int64_t square = (row * tall + i / wide) * side + column * wide + i % wide;
      first = std::min<std::int64_t>(first, position[static_cast<std::size_t>(square)]);
    }
    return first;
  }

  /// A stage's tokens, without values, in scan order.
  std::vector<Token> places(const models::RegionSource& source, std::size_t stage) const {
    const auto [height, width] = sides(stage);
    const std::int64_t region = config_.region_size_px;
    std::vector<Token> places;
    if (std::max(height, width) > region) {
      const std::int64_t columns = (source.width_px() + width - 1) / width;
      std::map<std::int64_t, Cell> sorted;
      for (const auto& cell : source.regions()) {
        const tokens::GridCell coarse{cell.row / (height / region), cell.column / (width / region)};
        sorted[tokens::region_index(config_.region_order, columns, coarse)] = {coarse.row, coarse.column};
      }
      for (const auto& [index, cell] : sorted) places.push_back({{}, cell, places.size()});
      return places;
    }
    const std::int64_t rows = region / height, columns = region / width;
    std::vector<std::int32_t> position;
    if (tokens::is_hierarchical(config_.pixel_order)) {
      position = tokens::inverse_order(tokens::pixel_order(config_.pixel_order, std::max(rows, columns)));
    }
    std::map<std::int64_t, Cell> order;
    for (std::int64_t i = 0; i < rows * columns; ++i) {
      order[turn(stage, i / columns, i % columns, rows, columns, position)] = {i / columns, i % columns};
    }
    for (std::size_t unit = 0; unit < source.regions().size(); ++unit) {
      const auto& cell = source.regions()[unit];
      for (const auto& [when, place] : order) {
        places.push_back({{}, {cell.row * rows + place.first, cell.column * columns + place.second}, unit});
      }
    }
    return places;
  }

  std::vector<Token> stem(const models::RegionSource& source) const {
    const auto weight = vector("stem.proj.weight"), bias = vector("stem.proj.bias");
    const std::int64_t region = config_.region_size_px, patch = config_.patch_px, side = region / patch;
    std::vector<float> pixels(static_cast<std::size_t>(3 * region * region));
    std::vector<Token> tokens = places(source, 0);
    for (std::size_t i = 0; i < tokens.size(); ++i) {
      Token& token = tokens[i];
      if (i == 0 || token.unit != tokens[i - 1].unit) {
        source.read(static_cast<std::int64_t>(token.unit), pixels.data(), {});
      }
      const std::int64_t y = token.cell.first % side * patch, x = token.cell.second % side * patch;
      std::vector<double> values;
      for (std::int64_t k = 0; k < patch * patch; ++k) {
        const float* pixel = pixels.data() + 3 * ((y + k / patch) * region + x + k % patch);
        values.insert(values.end(), pixel, pixel + 3);
      }
      token.values = product(weight, values);
      for (std::size_t c = 0; c < bias.size(); ++c) token.values[c] += bias[c];
      token.counted = looked_at(source, token.cell, {patch, patch}) ? 1 : 0;
    }
    return tokens;
  }

  /// Positions, and the mean of each region's tokens behind them.
  void enter(std::vector<Token>& tokens, std::size_t s) const {
    const models::PixelMambaStage& stage = config_.stages[s];
    if (stage.pos == models::PositionKind::kSincos2d) {
      const auto quarter = static_cast<std::size_t>(stage.dim / 4);
      for (Token& token : tokens) {
        for (std::size_t c = 0; c < 4 * quarter; ++c) {
          const auto place = static_cast<double>(c < 2 * quarter ? token.cell.second : token.cell.first);
          const double angle =
              place / std::pow(10000.0, static_cast<double>(c % quarter) / static_cast<double>(quarter));
          token.values[c] += c / quarter % 2 == 0 ? std::sin(angle) : std::cos(angle);
        }
      }
    }
    const bool region = stage.backward_scope == models::BackwardScope::kRegion;
    const bool in_sequence =
        stage.scan == models::ScanKind::kSequence || (stage.scan == models::ScanKind::kWindow && region);
    if (!config_.region_tokens || !in_sequence || std::max(sides(s).first, sides(s).second) > config_.region_size_px) {
      return;
    }
    std::vector<Token> longer;
    for (std::size_t i = 0, first = 0; i < tokens.size(); ++i) {
      longer.push_back(tokens[i]);
      if (i + 1 < tokens.size() && tokens[i + 1].unit == tokens[first].unit) continue;
      Token mean{std::vector<double>(tokens[i].values.size()), kNowhere, tokens[i].unit};
      mean.of_region = true;
      for (std::size_t t = first; t <= i; ++t) {
        for (std::size_t c = 0; c < mean.values.size(); ++c) {
          mean.values[c] += tokens[t].values[c] / static_cast<double>(i + 1 - first);
        }
      }
      longer.push_back(mean);
      first = i + 1;
    }
    tokens = longer;
  }

  std::vector<Token> merged(const models::RegionSource& source, const std::vector<Token>& tokens,
                            std::size_t stage) const {
    if (similar()) return most_similar(tokens, stage);
    using models::MergeKind;
    const std::string prefix = "stages." + std::to_string(stage) + ".merge.";
    const auto weight = vector(prefix + "reduction.weight");
    const bool normed = config_.merge != MergeKind::kAverage2x2;
    const auto gamma = normed ? vector(prefix + "norm.weight") : std::vector<double>();
    const auto beta = normed ? vector(prefix + "norm.bias") : std::vector<double>();
    std::map<Cell, const Token*> where;
    for (const Token& token : tokens) where[token.cell] = &token;
    const std::size_t dim = tokens[0].values.size();
    const std::int64_t tall = sides(stage + 1).first / sides(stage).first;
    const std::int64_t wide = sides(stage + 1).second / sides(stage).second;
    std::vector<Token> results = places(source, stage + 1);
    for (Token& result : results) {
      std::vector<double> parts;  // down the first column, then the next
      for (std::int64_t i = 0; i < tall * wide; ++i) {
        const auto found = where.find({tall * result.cell.first + i % tall, wide * result.cell.second + i / tall});
        const auto values = found == where.end() ? std::vector<double>(dim) : found->second->values;
        parts.insert(parts.end(), values.begin(), values.end());
      }
      if (config_.merge == MergeKind::kAverage2x2) {
        std::vector<double> mean(dim);
        for (std::size_t i = 0; i < parts.size(); ++i) mean[i % dim] += parts[i] / 4;
        result.values = product(weight, mean);
      } else if (config_.merge == MergeKind::kConv2x2) {
        std::vector<double> patch;  // [channel][row][column], as the weight lies
        for (std::size_t c = 0; c < dim; ++c) {
          for (const std::size_t k : {0, 2, 1, 3}) patch.push_back(parts[k * dim + c]);
        }
        result.values = ReferenceLayers::layer_norm(product(weight, patch), gamma, beta);
      } else {
        result.values = product(weight, ReferenceLayers::layer_norm(parts, gamma, beta));
      }
    }
    return results;
  }

  /// Windows of each region's tokens: the even ones look for the most similar odd one, the best pairs merge.
  std::vector<Token> most_similar(const std::vector<Token>& all, std::size_t stage) const {
    const auto weight = vector("stages." + std::to_string(stage) + ".merge.reduction.weight");
    std::map<std::size_t, std::vector<Token>> regions;
    for (const Token& token : all) {
      if (!token.of_region) regions[token.unit].push_back(token);
    }
    std::vector<Token> results;
    for (const auto& [unit, tokens] : regions) {
      const std::size_t count = tokens.size(), window = static_cast<std::size_t>(config_.tome_window);
      const auto asked = static_cast<std::size_t>(static_cast<double>(count) * (1 - config_.tome_keep));
      std::vector<std::size_t> owner(count);
      std::iota(owner.begin(), owner.end(), 0);
      for (std::size_t first = 0; first < count; first += window) {
        const std::size_t end = std::min(first + window, count);
        const std::size_t share = asked * end / count - asked * first / count;
        std::vector<std::tuple<double, std::size_t, std::size_t>> pairs;  // minus the cosine, even token, odd token
        for (std::size_t a = first; a < end; a += 2) {
          std::tuple<double, std::size_t, std::size_t> best{2, a, 0};
          for (std::size_t b = first + 1; b < end; b += 2) {
            best = std::min(best, {-cosine(tokens[a].values, tokens[b].values), a, b});
          }
          if (std::get<0>(best) < 2) pairs.push_back(best);
        }
        std::ranges::sort(pairs);
        pairs.resize(std::min({pairs.size(), share, (end - first) / 2}));
        for (const auto& [similarity, a, b] : pairs) owner[a] = b;
      }
      std::map<std::size_t, std::vector<std::size_t>> members;  // by the owner
      for (std::size_t t = 0; t < count; ++t) members[owner[t]].push_back(t);
      std::map<std::size_t, std::vector<std::size_t>> ordered;  // by the first member
      for (const auto& [head, group] : members) ordered[group[0]] = group;
      for (const auto& [first, group] : ordered) results.push_back(weighted(tokens, group, weight, unit));
    }
    return results;
  }
  static double cosine(const std::vector<double>& a, const std::vector<double>& b) {
    const double both = std::inner_product(a.begin(), a.end(), b.begin(), 0.0);
    return both / std::sqrt(std::inner_product(a.begin(), a.end(), a.begin(), 0.0) *
                            std::inner_product(b.begin(), b.end(), b.begin(), 0.0));
  }
  static Token weighted(const std::vector<Token>& tokens, const std::vector<std::size_t>& group,
                        const std::vector<double>& weight, std::size_t unit) {
    Token sum{std::vector<double>(tokens[0].values.size()), kNowhere, unit, 0, 0};
    for (const std::size_t t : group) {
      sum.size += tokens[t].size;
      sum.counted += tokens[t].counted;
      for (std::size_t c = 0; c < sum.values.size(); ++c) sum.values[c] += tokens[t].size * tokens[t].values[c];
    }
    for (double& value : sum.values) value /= sum.size;
    sum.values = product(weight, sum.values);
    return sum;
  }

  void block(std::vector<Token>& tokens, std::size_t s, std::int64_t b) const {
    const models::PixelMambaStage& stage = config_.stages[s];
    const std::string prefix = "stages." + std::to_string(s) + ".blocks." + std::to_string(b) + ".";
    const auto norm = vector(prefix + "norm.weight");
    Rows normed;
    for (const Token& token : tokens) normed.push_back(ReferenceLayers::rms_norm(token.values, norm));
    const Rows added = stage.scans_grid() ? over_grids(tokens, normed, stage, prefix + "mixer.")
                                          : over_sequence(tokens, normed, stage, prefix + "mixer.");
    for (std::size_t t = 0; t < tokens.size(); ++t) add(added[t], tokens[t].values);
    if (stage.mlp_ratio == 0) return;
    const auto norm2 = vector(prefix + "norm2.weight");
    const auto fc1 = vector(prefix + "mlp.fc1.weight"), bias1 = vector(prefix + "mlp.fc1.bias");
    const auto fc2 = vector(prefix + "mlp.fc2.weight"), bias2 = vector(prefix + "mlp.fc2.bias");
    for (Token& token : tokens) {
      auto hidden = product(fc1, ReferenceLayers::rms_norm(token.values, norm2));
      add(bias1, hidden);
      for (double& value : hidden) value *= 0.5 * (1 + std::erf(value / std::sqrt(2.0)));
      add(product(fc2, hidden), token.values);
      add(bias2, token.values);
    }
  }
  static void add(const std::vector<double>& more, std::vector<double>& to) {
    for (std::size_t c = 0; c < to.size(); ++c) to[c] += more[c];
  }

  Rows over_sequence(const std::vector<Token>& tokens, const Rows& normed, const models::PixelMambaStage& stage,
                     const std::string& mixer) const {
    const bool global = stage.backward_scope == models::BackwardScope::kGlobal;
    std::vector<std::size_t> order(tokens.size());
    std::iota(order.begin(), order.end(), 0);
    if (stage.scan == models::ScanKind::kWindow && global) {
      const std::int64_t k = stage.window;
      std::ranges::sort(order, {}, [&](std::size_t t) {
        const auto [row, column] = tokens[t].cell;
        return std::tuple(row / k, column / k, row % k, column % k);
      });
    }
    const auto in_proj = vector(mixer + "in_proj.weight"), out_proj = vector(mixer + "out_proj.weight");
    Rows xz;
    for (const std::size_t t : order) xz.push_back(product(in_proj, normed[t]));
    Rows sum = sequence_branch({layers_, mixer, "", "A_log", stage}, xz, xz.size(), false);
    if (stage.bidirectional != tokens::Bidirectional::kNone) {
      const bool own = stage.bidirectional == tokens::Bidirectional::kV2;
      const auto unit = static_cast<std::size_t>(
          std::ranges::count_if(tokens, [&](const Token& token) { return token.unit == tokens[0].unit; }));
      if (own) std::ranges::reverse(xz);
      Rows back =
          sequence_branch({layers_, mixer, own ? "_b" : "", "A_b_log", stage}, xz, global ? xz.size() : unit, !own);
      if (own) std::ranges::reverse(back);
      for (std::size_t t = 0; t < sum.size(); ++t) {
        add(back[t], sum[t]);
        for (double& value : sum[t]) value *= own && stage.divide_out ? 0.5 : 1;
      }
    }
    Rows added(tokens.size());
    for (std::size_t i = 0; i < order.size(); ++i) added[order[i]] = product(out_proj, sum[i]);
    return added;
  }

  Rows over_grids(const std::vector<Token>& tokens, const Rows& normed, const models::PixelMambaStage& stage,
                  const std::string& mixer) const {
    std::map<std::size_t, GridRows> grids;
    const bool global = stage.backward_scope == models::BackwardScope::kGlobal;
    const auto grid_of = [&](const Token& token) { return global ? 0 : token.unit; };
    for (std::size_t t = 0; t < tokens.size(); ++t) grids[grid_of(tokens[t])][tokens[t].cell] = normed[t];
    std::map<std::size_t, GridRows> results;
    for (const auto& [unit, grid] : grids) {
      results[unit] = stage.scan == models::ScanKind::kCross2d ? cross_scan(layers_, mixer, grid, stage)
                                                               : scan_2d(mixer, grid, stage);
    }
    Rows added;
    for (const Token& token : tokens) added.push_back(results[grid_of(token)][token.cell]);
    return added;
  }
  GridRows scan_2d(const std::string& mixer, const GridRows& grid, const models::PixelMambaStage& stage) const {
    const auto in_proj = vector(mixer + "in_proj.weight"), out_proj = vector(mixer + "out_proj.weight");
    GridRows xz;
    for (const auto& [cell, values] : grid) xz[cell] = product(in_proj, values);
    const Box box(grid);
    GridRows sum = grid_branch({layers_, mixer, "", "A_log", stage}, xz, box, false);
    if (stage.bidirectional == tokens::Bidirectional::kV2) {
      const GridRows back = grid_branch({layers_, mixer, "_b", "A_b_log", stage}, xz, box, true);
      for (auto& [cell, values] : sum) {
        add(back.at(cell), values);
        for (double& value : values) value *= stage.divide_out ? 0.5 : 1;
      }
    }
    for (auto& [cell, values] : sum) values = product(out_proj, values);
    return sum;
  }

  /// Whether the pooling looks at a token: it holds a pixel of the picture and tissue.
  static bool looked_at(const models::RegionSource& source, const Cell& cell, const Cell& sides) {
    const std::int64_t x = cell.second * sides.second, y = cell.first * sides.first;
    const std::int64_t side = std::min(sides.first, sides.second);
    for (std::int64_t i = 0; i < sides.first / side * (sides.second / side); ++i) {
      const std::int64_t left = x + i % (sides.second / side) * side, top = y + i / (sides.second / side) * side;
      const bool inside = left < source.width_px() && top < source.height_px();
      if (inside && source.has_tissue(left, top, side)) return true;
    }
    return false;
  }

  std::vector<double> pooled(const models::RegionSource& source, const std::vector<Token>& tokens) {
    using models::PoolKind;
    const auto norm = vector("norm_f.weight");
    Rows chosen;
    std::vector<double> sizes;
    double in_region = 0;  // what counts of the region so far
    for (std::size_t t = 0; t < tokens.size(); ++t) {
      if (t == 0 || tokens[t].unit != tokens[t - 1].unit) in_region = 0;
      double size = similar() ? tokens[t].counted : 1;
      if (!similar() && !tokens[t].of_region && !looked_at(source, tokens[t].cell, sides(config_.stages.size() - 1))) {
        size = 0;
      }
      if (tokens[t].of_region) size = in_region > 0 ? 1 : 0;
      in_region += size;
      if (size == 0) continue;
      chosen.push_back(ReferenceLayers::rms_norm(tokens[t].values, norm));
      sizes.push_back(size);
    }
    std::vector<double> shares(chosen.size());
    if (config_.pool == PoolKind::kMean) shares = sizes;
    if (config_.pool == PoolKind::kLast) shares.back() = 1;
    if (config_.pool == PoolKind::kMiddle) shares[chosen.size() / 2] = 1;
    if (config_.pool == PoolKind::kAttention) {
      const auto w1 = vector("pool.attn.0.weight"), b1 = vector("pool.attn.0.bias");
      const auto w2 = vector("pool.attn.2.weight"), b2 = vector("pool.attn.2.bias");
      for (std::size_t t = 0; t < chosen.size(); ++t) {
        auto hidden = product(w1, chosen[t]);
        for (std::size_t i = 0; i < hidden.size(); ++i) hidden[i] = std::tanh(hidden[i] + b1[i]);
        shares[t] = sizes[t] * std::exp(product(w2, hidden)[0] + b2[0]);
      }
    }
    features.assign(norm.size(), 0.0);
    const double sum = std::accumulate(shares.begin(), shares.end(), 0.0);
    for (std::size_t t = 0; t < chosen.size(); ++t) {
      for (std::size_t c = 0; c < norm.size(); ++c) features[c] += shares[t] * chosen[t][c] / sum;
    }
    return features;
  }

  std::vector<double> head(const std::vector<double>& x) const {
    auto logits = product(vector("head.weight"), x);
    const auto bias = vector("head.bias");
    for (std::size_t o = 0; o < logits.size(); ++o) logits[o] += bias[o];
    return logits;
  }

  ReferenceLayers layers_;
  models::PixelMambaConfig config_;
};

}  // namespace histojet::test
