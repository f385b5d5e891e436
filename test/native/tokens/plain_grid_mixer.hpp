#pragma once

#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

#include "weights/state_dict.hpp"

namespace histojet::test {

/// The 2-D mixer of 2DMamba written down as its formulas, in double precision; slow and obvious. Cells in raster order.
class PlainGridMixer {
 public:
  using Values = std::vector<double>;

  /// `end`: "" for the forward branch, "_b" for the backward one. `inner_epsilon` is that of the norms of dt, B and C
  /// where the weights have them.
  explicit PlainGridMixer(const weights::WeightScope& scope, std::string end = "", double inner_epsilon = 1e-5)
      : scope_(scope),
        end_(std::move(end)),
        inner_epsilon_(inner_epsilon),
        dim_(side("out_proj.weight", 0)),
        inner_(side("out_proj.weight", 1)),
        states_(side("A_log", 1)),
        rank_(side("dt_proj.weight", 1)),
        taps_(side("conv1d.weight", 2)) {}

  /// x: `dim` values per cell; present[t] is false where a cell has no token. The bias belongs to the forward branch.
  Values operator()(const Values& x, std::size_t width, const std::vector<bool>& present = {}) const {
    const std::size_t cells = x.size() / dim_;
    Values xz = product("in_proj", x, dim_, 2 * inner_);
    for (std::size_t i = 0; i < xz.size(); ++i) {
      if (!present.empty() && !present[i / (2 * inner_)]) xz[i] = 0;
    }
    const Values u = convolved(xz, cells);
    Values x_dbl = product("x_proj" + end_, u, inner_, rank_ + 2 * states_);
    normalize(x_dbl, "dt_layernorm", 0, rank_);
    normalize(x_dbl, "B_layernorm", rank_, states_);
    normalize(x_dbl, "C_layernorm", rank_ + states_, states_);
    Values y(cells * inner_);
    for (std::size_t e = 0; e < inner_; ++e) scan_channel(e, u, x_dbl, xz, width, present, y);
    return product("out_proj", y, inner_, dim_);
  }

 private:
  std::size_t side(const std::string& name, std::size_t axis) const {
    return static_cast<std::size_t>(scope_.dict().entry(scope_.full_name(name)).shape[axis]);
  }
  Values values(const std::string& name) const {
    const Tensor tensor = scope_.dict().get(scope_.full_name(name)).to_f32();
    return {tensor.values<float>().begin(), tensor.values<float>().end()};
  }

  Values product(const std::string& key, const Values& x, std::size_t in, std::size_t out) const {
    const Values weight = values(key + ".weight");
    const bool biased = scope_.has(key + ".bias") && (end_.empty() || key != "out_proj");
    const Values bias = biased ? values(key + ".bias") : Values(out);
    Values y;
    for (std::size_t t = 0; t < x.size() / in; ++t) {
      for (std::size_t n = 0; n < out; ++n) {
        double sum = bias[n];
        for (std::size_t k = 0; k < in; ++k) sum += x[t * in + k] * weight[n * in + k];
        y.push_back(sum);
      }
    }
    return y;
  }

  /// SiLU of the causal convolution of the first half of each row of `xz`.
  Values convolved(const Values& xz, std::size_t cells) const {
    const Values weight = values("conv1d" + end_ + ".weight"), bias = values("conv1d" + end_ + ".bias");
    Values u(cells * inner_);
    for (std::size_t t = 0; t < cells; ++t) {
      for (std::size_t e = 0; e < inner_; ++e) {
        double sum = bias[e];
        for (std::size_t back = 0; back < taps_ && back <= t; ++back) {
          sum += weight[e * taps_ + taps_ - 1 - back] * xz[(t - back) * 2 * inner_ + e];
        }
        u[t * inner_ + e] = sum / (1 + std::exp(-sum));
      }
    }
    return u;
  }

  void normalize(Values& rows, const std::string& key, std::size_t first, std::size_t count) const {
    if (!scope_.has(key + ".weight")) return;
    const Values weight = values(key + ".weight");
    const std::size_t width = rank_ + 2 * states_;
    for (std::size_t row = first; row < rows.size(); row += width) {
      double squares = 0;
      for (std::size_t k = 0; k < count; ++k) squares += rows[row + k] * rows[row + k];
      const double scale = 1 / std::sqrt(squares / static_cast<double>(count) + inner_epsilon_);
      for (std::size_t k = 0; k < count; ++k) rows[row + k] *= scale * weight[k];
    }
  }

  void scan_channel(std::size_t e, const Values& u, const Values& x_dbl, const Values& xz, std::size_t width,
                    const std::vector<bool>& present, Values& y) const {
    const Values a_log = values(end_.empty() ? "A_log" : "A_b_log"), d = values("D" + end_);
    const Values dt_weight = values("dt_proj" + end_ + ".weight"), dt_bias = values("dt_proj" + end_ + ".bias");
    Values row(states_), above(width * states_);
    for (std::size_t t = 0; t < u.size() / inner_; ++t) {
      if (t % width == 0) row.assign(states_, 0);
      const double* projected = x_dbl.data() + t * (rank_ + 2 * states_);
      double raw = dt_bias[e];
      for (std::size_t r = 0; r < rank_; ++r) raw += dt_weight[e * rank_ + r] * projected[r];
      const double dt = present.empty() || present[t] ? std::log1p(std::exp(raw)) : 0;
      double sum = d[e] * u[t * inner_ + e];
      for (std::size_t n = 0; n < states_; ++n) {
        const double decay = std::exp(-dt * std::exp(a_log[e * states_ + n]));
        row[n] = decay * row[n] + dt * projected[rank_ + n] * u[t * inner_ + e];
        double& cell = above[t % width * states_ + n];
        cell = decay * cell + row[n];
        sum += projected[rank_ + states_ + n] * cell;
      }
      const double z = xz[t * 2 * inner_ + inner_ + e];
      y[t * inner_ + e] = sum * z / (1 + std::exp(-z));
    }
  }

  const weights::WeightScope scope_;
  const std::string end_;
  const double inner_epsilon_;
  const std::size_t dim_;
  const std::size_t inner_;
  const std::size_t states_;
  const std::size_t rank_;
  const std::size_t taps_;
};

}  // namespace histojet::test
