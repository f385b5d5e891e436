#pragma once

#include <algorithm>
#include <cmath>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "models/pixel_mamba/config.hpp"
#include "weights/state_dict.hpp"

namespace histojet::test {

using Rows = std::vector<std::vector<double>>;
using Cell = std::pair<std::int64_t, std::int64_t>;  ///< row, column in a grid of tokens
using GridRows = std::map<Cell, std::vector<double>>;

/// A checkpoint's tensors as double precision, and sums over them, formula by formula.
class ReferenceLayers {
 public:
  explicit ReferenceLayers(std::shared_ptr<const weights::StateDict> dict) : dict_(std::move(dict)) {}

  std::vector<double> vector(const std::string& key) const {
    const Tensor found = dict_->get(key).to_f32();
    return {found.values<float>().begin(), found.values<float>().end()};
  }
  bool has(const std::string& key) const { return dict_->contains(key); }

  static std::vector<double> product(const std::vector<double>& matrix, const std::vector<double>& x) {
    std::vector<double> y(matrix.size() / x.size());
    for (std::size_t o = 0; o < y.size(); ++o) {
      for (std::size_t i = 0; i < x.size(); ++i) y[o] += matrix[o * x.size() + i] * x[i];
    }
    return y;
  }
  static double silu(double x) { return x / (1 + std::exp(-x)); }
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

 private:
  std::shared_ptr<const weights::StateDict> dict_;
};

/// One branch of a mixer's scan: its convolution and projections of x, and one step of its recurrence.
class ReferenceBranch {
 public:
  ReferenceBranch(const ReferenceLayers& layers, const std::string& mixer, const std::string& suffix,
                  const std::string& decay, const models::PixelMambaStage& stage)
      : inner(static_cast<std::size_t>(stage.expand * stage.dim)),
        states(static_cast<std::size_t>(stage.d_state)),
        taps(static_cast<std::size_t>(stage.d_conv)),
        conv_(layers.vector(mixer + "conv1d" + suffix + ".weight")),
        shift_(layers.vector(mixer + "conv1d" + suffix + ".bias")),
        x_proj_(layers.vector(mixer + "x_proj" + suffix + ".weight")),
        dt_proj_(layers.vector(mixer + "dt_proj" + suffix + ".weight")),
        dt_bias_(layers.vector(mixer + "dt_proj" + suffix + ".bias")),
        a_log_(layers.vector(mixer + decay)),
        skip_(layers.vector(mixer + "D" + suffix)),
        rank_(x_proj_.size() / inner - 2 * states) {}

  /// What the recurrence needs of one token.
  struct Step {
    std::vector<double> u, dt, b, c;
  };
  /// `back(k)`: x of the token k places before, null for none.
  Step step(const std::function<const std::vector<double>*(std::size_t)>& back) const {
    Step made;
    made.u.resize(inner);
    for (std::size_t e = 0; e < inner; ++e) {
      made.u[e] = shift_[e];
      for (std::size_t k = 0; k < taps; ++k) {
        if (const auto* x = back(taps - 1 - k)) made.u[e] += conv_[e * taps + k] * (*x)[e];
      }
      made.u[e] = ReferenceLayers::silu(made.u[e]);
    }
    const auto projected = ReferenceLayers::product(x_proj_, made.u);
    const auto at = [&](std::size_t i) { return projected.begin() + static_cast<std::ptrdiff_t>(i); };
    const auto steps = ReferenceLayers::product(dt_proj_, {at(0), at(rank_)});
    for (std::size_t e = 0; e < inner; ++e) made.dt.push_back(std::log1p(std::exp(steps[e] + dt_bias_[e])));
    made.b.assign(at(rank_), at(rank_ + states));
    made.c.assign(at(rank_ + states), at(rank_ + 2 * states));
    return made;
  }
  double decay(const Step& s, std::size_t e, std::size_t n) const {
    return std::exp(-s.dt[e] * std::exp(a_log_[e * states + n]));
  }
  /// C h + D u, gated by z, for states [inner][states].
  std::vector<double> output(const Step& s, const std::vector<double>& h, const std::vector<double>& xz) const {
    std::vector<double> y(inner);
    for (std::size_t e = 0; e < inner; ++e) {
      y[e] = skip_[e] * s.u[e];
      for (std::size_t n = 0; n < states; ++n) y[e] += s.c[n] * h[e * states + n];
      y[e] *= ReferenceLayers::silu(xz[inner + e]);
    }
    return y;
  }

  std::size_t inner, states, taps;

 private:
  std::vector<double> conv_, shift_, x_proj_, dt_proj_, dt_bias_, a_log_, skip_;
  std::size_t rank_;
};

/// Gated scan of one branch over tokens in the order in which they are given; starts anew every `period` tokens.
/// `scan_back`: the convolution runs forward all the same, the scan from each period's end.
inline Rows sequence_branch(const ReferenceBranch& branch, const Rows& xz, std::size_t period, bool scan_back) {
  std::vector<double> state;
  Rows out(xz.size());
  for (std::size_t i = 0; i < xz.size(); ++i) {
    const std::size_t start = i / period * period, length = std::min(period, xz.size() - start);
    const std::size_t t = scan_back ? start + length - 1 - i % period : i;
    if (i % period == 0) state.assign(branch.inner * branch.states, 0.0);
    const auto step = branch.step([&](std::size_t back) { return t % period >= back ? &xz[t - back] : nullptr; });
    for (std::size_t e = 0; e < branch.inner; ++e) {
      for (std::size_t n = 0; n < branch.states; ++n) {
        double& h = state[e * branch.states + n];
        h = branch.decay(step, e, n) * h + step.dt[e] * step.b[n] * step.u[e];
      }
    }
    out[t] = branch.output(step, state, xz[t]);
  }
  return out;
}

/// The smallest rectangle around some cells.
struct Box {
  explicit Box(const GridRows& cells) : first(cells.begin()->first), last(first) {
    for (const auto& [cell, values] : cells) {
      first = {std::min(first.first, cell.first), std::min(first.second, cell.second)};
      last = {std::max(last.first, cell.first), std::max(last.second, cell.second)};
    }
  }
  std::int64_t rows() const { return last.first - first.first + 1; }
  std::int64_t columns() const { return last.second - first.second + 1; }
  Cell first, last;
};

/// Gated two-dimensional scan of one branch over a grid, from its first cell or, `reversed`, its last. Places without a
/// token hold zeros for the convolution along the rows, and a step of 0.
inline GridRows grid_branch(const ReferenceBranch& branch, const GridRows& xz, const Box& box, bool reversed) {
  const std::size_t values = branch.inner * branch.states;
  const std::int64_t cells = box.rows() * box.columns();
  const auto cell_at = [&](std::int64_t i) {
    const std::int64_t place = reversed ? cells - 1 - i : i;
    return Cell{box.first.first + place / box.columns(), box.first.second + place % box.columns()};
  };
  const auto at = [&](std::int64_t i) {
    const auto found = i < 0 ? xz.end() : xz.find(cell_at(i));
    return found == xz.end() ? nullptr : &found->second;
  };
  Rows above(static_cast<std::size_t>(box.columns()), std::vector<double>(values));
  std::vector<double> row;
  GridRows out;
  for (std::int64_t i = 0; i < cells; ++i) {
    if (i % box.columns() == 0) row.assign(values, 0.0);
    std::vector<double>& h = above[static_cast<std::size_t>(i % box.columns())];
    const auto* token = at(i);
    if (token == nullptr) {
      for (std::size_t k = 0; k < values; ++k) h[k] += row[k];
      continue;
    }
    const auto step = branch.step([&](std::size_t back) { return at(i - static_cast<std::int64_t>(back)); });
    for (std::size_t e = 0; e < branch.inner; ++e) {
      for (std::size_t n = 0; n < branch.states; ++n) {
        const double decay = branch.decay(step, e, n);
        double& along = row[e * branch.states + n];
        along = decay * along + step.dt[e] * step.b[n] * step.u[e];
        double& down = h[e * branch.states + n];
        down = decay * down + along;
      }
    }
    out[cell_at(i)] = branch.output(step, h, *token);
  }
  return out;
}

/// VMamba's SS2D over the tokens that there are: row by row, column by column, and both reversed.
inline GridRows cross_scan(const ReferenceLayers& layers, const std::string& mixer, const GridRows& tokens,
                           const models::PixelMambaStage& stage) {
  const auto inner = static_cast<std::size_t>(stage.expand * stage.dim), n = static_cast<std::size_t>(stage.d_state);
  const auto in_proj = layers.vector(mixer + "in_proj.weight"), conv = layers.vector(mixer + "conv2d.weight");
  const auto shift = layers.vector(mixer + "conv2d.bias"), x_projs = layers.vector(mixer + "x_proj_weight");
  const auto dt_projs = layers.vector(mixer + "dt_projs_weight"), dt_biases = layers.vector(mixer + "dt_projs_bias");
  const auto a_logs = layers.vector(mixer + "A_logs"), skips = layers.vector(mixer + "Ds");
  const auto gamma = layers.vector(mixer + "out_norm.weight"), beta = layers.vector(mixer + "out_norm.bias");
  const auto out_proj = layers.vector(mixer + "out_proj.weight");
  const std::int64_t k = stage.d_conv;
  GridRows xz, u, y;
  for (const auto& [cell, values] : tokens) xz[cell] = ReferenceLayers::product(in_proj, values);
  for (const auto& [cell, unused] : xz) {
    std::vector<double>& sum = u[cell] = shift;
    for (std::int64_t tap = 0; tap < k * k; ++tap) {
      const auto found = xz.find({cell.first + tap / k - k / 2, cell.second + tap % k - k / 2});
      for (std::size_t e = 0; e < inner && found != xz.end(); ++e) {
        sum[e] += conv[e * static_cast<std::size_t>(k * k) + static_cast<std::size_t>(tap)] * found->second[e];
      }
    }
    for (double& value : sum) value = ReferenceLayers::silu(value);
    y[cell].assign(inner, 0.0);
  }
  const std::size_t rank = x_projs.size() / 4 / inner - 2 * n;
  for (std::size_t route = 0; route < 4; ++route) {
    std::vector<Cell> order;
    for (const auto& [cell, values] : u) order.push_back(cell);
    if (route % 2 == 1) {
      std::ranges::sort(order, {}, [](const Cell& cell) { return Cell{cell.second, cell.first}; });
    }
    if (route >= 2) std::ranges::reverse(order);
    const auto part = [&](const std::vector<double>& all) {
      const auto size = static_cast<std::ptrdiff_t>(all.size() / 4), first = static_cast<std::ptrdiff_t>(route) * size;
      return std::vector<double>(all.begin() + first, all.begin() + first + size);
    };
    const auto x_proj = part(x_projs), dt_proj = part(dt_projs), dt_bias = part(dt_biases), a_log = part(a_logs);
    const auto skip = part(skips);
    std::vector<double> state(inner * n);
    for (const Cell& cell : order) {
      const auto projected = ReferenceLayers::product(x_proj, u[cell]);
      const auto steps =
          ReferenceLayers::product(dt_proj, {projected.begin(), projected.begin() + static_cast<std::ptrdiff_t>(rank)});
      for (std::size_t e = 0; e < inner; ++e) {
        const double dt = std::log1p(std::exp(steps[e] + dt_bias[e]));
        y[cell][e] += skip[e] * u[cell][e];
        for (std::size_t i = 0; i < n; ++i) {
          double& h = state[e * n + i];
          h = std::exp(-dt * std::exp(a_log[e * n + i])) * h + dt * projected[rank + i] * u[cell][e];
          y[cell][e] += projected[rank + n + i] * h;
        }
      }
    }
  }
  GridRows out;
  for (const auto& [cell, sum] : y) {
    auto values = ReferenceLayers::layer_norm(sum, gamma, beta);
    for (std::size_t e = 0; e < inner && xz[cell].size() > inner; ++e) {
      values[e] *= ReferenceLayers::silu(xz[cell][inner + e]);
    }
    out[cell] = ReferenceLayers::product(out_proj, values);
  }
  return out;
}

}  // namespace histojet::test
