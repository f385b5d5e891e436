#pragma once

#include <algorithm>
#include <cmath>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "models/pixel_mamba_config.hpp"
#include "models/region_source.hpp"
#include "weights/state_dict.hpp"

namespace histojet::test {

/// Pixel-Mamba in double precision on a whole picture at once, formula by formula: what the streaming network is
/// compared with.
class ReferencePixelMamba {
 public:
  using Rows = std::vector<std::vector<double>>;
  using Cell = std::pair<std::int64_t, std::int64_t>;  ///< row, column in a grid of tokens

  ReferencePixelMamba(std::shared_ptr<const weights::StateDict> dict, models::PixelMambaConfig config)
      : dict_(std::move(dict)), config_(std::move(config)) {}

  std::vector<Rows> taps;  ///< after each stage
  std::vector<double> features;

  /// The logits for the regions that `source` names.
  std::vector<double> operator()(const models::RegionSource& source) {
    taps.clear();
    std::vector<Cell> cells;
    Rows tokens;
    for (std::size_t s = 0; s < config_.stages.size(); ++s) {
      const std::vector<Cell> places = cells_of(source, s);
      tokens = s == 0 ? stem(source, places) : merged(tokens, cells, places, s - 1);
      cells = places;
      for (std::int64_t b = 0; b < config_.stages[s].depth; ++b) block(tokens, s, b);
      taps.push_back(tokens);
    }
    return head(pooled(source, tokens, cells));
  }

 private:
  Tensor tensor(const std::string& key) const { return dict_->get(key).to_f32(); }
  std::vector<double> vector(const std::string& key) const {
    const Tensor found = tensor(key);
    return {found.values<float>().begin(), found.values<float>().end()};
  }
  static std::vector<double> product(const std::vector<double>& matrix, const std::vector<double>& x) {
    std::vector<double> y(matrix.size() / x.size());
    for (std::size_t o = 0; o < y.size(); ++o) {
      for (std::size_t i = 0; i < x.size(); ++i) y[o] += matrix[o * x.size() + i] * x[i];
    }
    return y;
  }
  static double silu(double x) { return x / (1 + std::exp(-x)); }

  /// Places of a stage's tokens in scan order.
  std::vector<Cell> cells_of(const models::RegionSource& source, std::size_t stage) const {
    std::vector<Cell> cells;
    if (!config_.is_coarse(stage)) {
      const std::int64_t side = config_.tokens_per_side(stage);
      const auto order = tokens::pixel_order(config_.pixel_order, side);
      for (const auto& region : source.regions()) {
        for (const std::int32_t i : order) {
          cells.emplace_back(region.row * side + i / side, region.column * side + i % side);
        }
      }
      return cells;
    }
    const std::int64_t factor = config_.token_px(stage) / config_.region_size_px;
    const std::int64_t columns = (source.width_px() + config_.token_px(stage) - 1) / config_.token_px(stage);
    std::map<std::int64_t, Cell> sorted;
    for (const auto& region : source.regions()) {
      const tokens::GridCell cell{region.row / factor, region.column / factor};
      sorted[tokens::region_index(config_.region_order, columns, cell)] = {cell.row, cell.column};
    }
    for (const auto& [index, cell] : sorted) cells.push_back(cell);
    return cells;
  }

  Rows stem(const models::RegionSource& source, const std::vector<Cell>& places) const {
    const auto weight = vector("stem.proj.weight"), bias = vector("stem.proj.bias");
    const std::int64_t region = config_.region_size_px, patch = config_.patch_px, side = region / patch;
    std::vector<float> pixels(static_cast<std::size_t>(3 * region * region));
    Rows rows;
    for (std::size_t i = 0; i < places.size(); ++i) {
      const auto per_region = static_cast<std::size_t>(side * side);
      if (i % per_region == 0) source.read(static_cast<std::int64_t>(i / per_region), pixels.data(), {});
      const std::int64_t y = places[i].first % side * patch, x = places[i].second % side * patch;
      std::vector<double> values;
      for (std::int64_t k = 0; k < patch * patch; ++k) {
        const float* pixel = pixels.data() + 3 * ((y + k / patch) * region + x + k % patch);
        values.insert(values.end(), pixel, pixel + 3);
      }
      rows.push_back(product(weight, values));
      for (std::size_t c = 0; c < bias.size(); ++c) rows.back()[c] += bias[c];
    }
    return rows;
  }

  static std::vector<double> layer_norm(std::vector<double> x, const std::vector<double>& gamma,
                                        const std::vector<double>& beta) {
    double mean = 0, variance = 0;
    for (const double v : x) mean += v / static_cast<double>(x.size());
    for (const double v : x) variance += (v - mean) * (v - mean) / static_cast<double>(x.size());
    for (std::size_t c = 0; c < x.size(); ++c) x[c] = (x[c] - mean) / std::sqrt(variance + 1e-5) * gamma[c] + beta[c];
    return x;
  }
  static std::vector<double> rms_norm(std::vector<double> x, const std::vector<double>& weight) {
    double square = 0;
    for (const double v : x) square += v * v / static_cast<double>(x.size());
    for (std::size_t c = 0; c < x.size(); ++c) x[c] *= weight[c] / std::sqrt(square + 1e-5);
    return x;
  }

  Rows merged(const Rows& tokens, const std::vector<Cell>& from, const std::vector<Cell>& to, std::size_t stage) const {
    using models::MergeKind;
    const std::string prefix = "stages." + std::to_string(stage) + ".merge.";
    const auto weight = vector(prefix + "reduction.weight");
    const bool normed = config_.merge != MergeKind::kAverage2x2;
    const auto gamma = normed ? vector(prefix + "norm.weight") : std::vector<double>();
    const auto beta = normed ? vector(prefix + "norm.bias") : std::vector<double>();
    std::map<Cell, std::size_t> where;
    for (std::size_t i = 0; i < from.size(); ++i) where[from[i]] = i;
    const std::size_t dim = tokens[0].size();
    Rows rows;
    for (const auto& [row, column] : to) {
      std::vector<double> four;
      for (const Cell& child : {Cell{0, 0}, Cell{1, 0}, Cell{0, 1}, Cell{1, 1}}) {
        const auto found = where.find({2 * row + child.first, 2 * column + child.second});
        const auto values = found == where.end() ? std::vector<double>(dim) : tokens[found->second];
        four.insert(four.end(), values.begin(), values.end());
      }
      if (config_.merge == MergeKind::kConcat2x2) {
        rows.push_back(product(weight, layer_norm(four, gamma, beta)));
      } else if (config_.merge == MergeKind::kAverage2x2) {
        std::vector<double> mean(dim);
        for (std::size_t i = 0; i < four.size(); ++i) mean[i % dim] += four[i] / 4;
        rows.push_back(product(weight, mean));
      } else {
        std::vector<double> patch;  // [channel][row][column], as the weight lies
        for (std::size_t c = 0; c < dim; ++c) {
          for (const std::size_t k : {0, 2, 1, 3}) patch.push_back(four[k * dim + c]);
        }
        rows.push_back(layer_norm(product(weight, patch), gamma, beta));
      }
    }
    return rows;
  }

  /// Gated scan of one branch over tokens in the order that they are given; starts anew every `period` tokens.
  /// `scan_back`: the convolution runs forward all the same, the scan from each period's end.
  Rows branch(const Rows& xz, const std::string& prefix, const std::string& suffix, const std::string& decay,
              const models::PixelMambaStage& stage, std::size_t period, bool scan_back) const {
    const auto inner = static_cast<std::size_t>(stage.expand * stage.dim), n = static_cast<std::size_t>(stage.d_state);
    const auto taps_count = static_cast<std::size_t>(stage.d_conv);
    const auto conv = vector(prefix + "conv1d" + suffix + ".weight");
    const auto shift = vector(prefix + "conv1d" + suffix + ".bias");
    const auto x_proj = vector(prefix + "x_proj" + suffix + ".weight");
    const auto dt_proj = vector(prefix + "dt_proj" + suffix + ".weight");
    const auto dt_bias = vector(prefix + "dt_proj" + suffix + ".bias");
    const auto a_log = vector(prefix + decay), skip = vector(prefix + "D" + suffix);
    const std::size_t rank = x_proj.size() / inner - 2 * n;
    std::vector<double> state;
    Rows out(xz.size());
    for (std::size_t i = 0; i < xz.size(); ++i) {
      const std::size_t start = i / period * period, length = std::min(period, xz.size() - start);
      const std::size_t t = scan_back ? start + length - 1 - i % period : i;
      if (i % period == 0) state.assign(inner * n, 0.0);
      std::vector<double> u(inner);
      for (std::size_t e = 0; e < inner; ++e) {
        u[e] = shift[e];
        for (std::size_t k = 0; k < taps_count; ++k) {
          const std::size_t back = taps_count - 1 - k;
          if (t % period >= back) u[e] += conv[e * taps_count + k] * xz[t - back][e];
        }
        u[e] = silu(u[e]);
      }
      const auto projected = product(x_proj, u);
      const auto steps = product(dt_proj, {projected.begin(), projected.begin() + static_cast<std::ptrdiff_t>(rank)});
      std::vector<double>& y = out[t];
      y.resize(inner);
      for (std::size_t e = 0; e < inner; ++e) {
        const double dt = std::log1p(std::exp(steps[e] + dt_bias[e]));
        y[e] = skip[e] * u[e];
        for (std::size_t k = 0; k < n; ++k) {
          double& h = state[e * n + k];
          h = std::exp(-dt * std::exp(a_log[e * n + k])) * h + dt * projected[rank + k] * u[e];
          y[e] += projected[rank + n + k] * h;
        }
        y[e] *= silu(xz[t][inner + e]);
      }
    }
    return out;
  }

  void block(Rows& tokens, std::size_t s, std::int64_t b) const {
    const models::PixelMambaStage& stage = config_.stages[s];
    const std::string prefix = "stages." + std::to_string(s) + ".blocks." + std::to_string(b) + ".";
    const auto norm = vector(prefix + "norm.weight");
    const auto in_proj = vector(prefix + "mixer.in_proj.weight"), out_proj = vector(prefix + "mixer.out_proj.weight");
    Rows xz;
    for (const auto& token : tokens) xz.push_back(product(in_proj, rms_norm(token, norm)));
    const std::string mixer = prefix + "mixer.";
    Rows sum = branch(xz, mixer, "", "A_log", stage, tokens.size(), false);
    if (stage.bidirectional != tokens::Bidirectional::kNone) {
      const bool own = stage.bidirectional == tokens::Bidirectional::kV2;
      const auto side = static_cast<std::size_t>(config_.tokens_per_side(s));
      const std::size_t period = stage.backward_scope == models::BackwardScope::kGlobal ? tokens.size() : side * side;
      if (own) std::ranges::reverse(xz);
      Rows back = branch(xz, mixer, own ? "_b" : "", "A_b_log", stage, period, !own);
      if (own) std::ranges::reverse(back);
      for (std::size_t t = 0; t < sum.size(); ++t) {
        for (std::size_t e = 0; e < sum[t].size(); ++e) {
          sum[t][e] = (sum[t][e] + back[t][e]) * (own && stage.divide_out ? 0.5 : 1);
        }
      }
    }
    for (std::size_t t = 0; t < tokens.size(); ++t) {
      const auto added = product(out_proj, sum[t]);
      for (std::size_t c = 0; c < added.size(); ++c) tokens[t][c] += added[c];
    }
  }

  std::vector<double> pooled(const models::RegionSource& source, const Rows& tokens, const std::vector<Cell>& cells) {
    using models::PoolKind;
    const auto norm = vector("norm_f.weight");
    const std::int64_t side = config_.token_px(config_.stages.size() - 1);
    Rows counted;
    for (std::size_t t = 0; t < tokens.size(); ++t) {
      const std::int64_t x = cells[t].second * side, y = cells[t].first * side;
      const bool real = x < source.width_px() && y < source.height_px();
      if (real && source.has_tissue(x, y, side)) counted.push_back(rms_norm(tokens[t], norm));
    }
    std::vector<double> shares(counted.size(), config_.pool == PoolKind::kMean ? 1 : 0);
    if (config_.pool == PoolKind::kLast) shares.back() = 1;
    if (config_.pool == PoolKind::kMiddle) shares[counted.size() / 2] = 1;
    if (config_.pool == PoolKind::kAttention) {
      const auto w1 = vector("pool.attn.0.weight"), b1 = vector("pool.attn.0.bias");
      const auto w2 = vector("pool.attn.2.weight"), b2 = vector("pool.attn.2.bias");
      for (std::size_t t = 0; t < counted.size(); ++t) {
        auto hidden = product(w1, counted[t]);
        for (std::size_t i = 0; i < hidden.size(); ++i) hidden[i] = std::tanh(hidden[i] + b1[i]);
        shares[t] = std::exp(product(w2, hidden)[0] + b2[0]);
      }
    }
    double sum = 0;
    features.assign(norm.size(), 0.0);
    for (std::size_t t = 0; t < counted.size(); ++t) {
      sum += shares[t];
      for (std::size_t c = 0; c < norm.size(); ++c) features[c] += shares[t] * counted[t][c];
    }
    for (double& feature : features) feature /= sum;
    return features;
  }

  std::vector<double> head(const std::vector<double>& x) const {
    auto logits = product(vector("head.weight"), x);
    const auto bias = vector("head.bias");
    for (std::size_t o = 0; o < logits.size(); ++o) logits[o] += bias[o];
    return logits;
  }

  std::shared_ptr<const weights::StateDict> dict_;
  models::PixelMambaConfig config_;
};

}  // namespace histojet::test
