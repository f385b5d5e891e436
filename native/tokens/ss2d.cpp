#include "tokens/ss2d.hpp"

#include <algorithm>

#include "kernels/activation/activation.hpp"
#include "kernels/add_rows/add_rows.hpp"
#include "kernels/depthwise_conv2d/depthwise_conv2d.hpp"
#include "kernels/selective_scan/selective_scan.hpp"
#include "tokens/share_rows.hpp"

namespace histojet::tokens {

using kernels::Activation;
using kernels::Storage;

namespace {

constexpr std::int64_t kRowGranule = 32;
constexpr std::int64_t kChannelGranule = 16;
constexpr std::int64_t kFloatBytes = 4;
/// Through softplus a step of 0: states stay what they are.
constexpr float kNoStep = -1e30F;

kernels::RowIn row_in(const float* row) {
  return {reinterpret_cast<const std::byte*>(row), 0};
}
kernels::RowOut row_out(float* row) {
  return {reinterpret_cast<std::byte*>(row), 0};
}

}  // namespace

/// One grid on its way through the layer.
class Ss2d::Run {
 public:
  /// `skipped`: by place, negative for one that scans pass over; null: there is none.
  Run(const Ss2d& layer, std::int64_t height, std::int64_t width, const std::int32_t* skipped, Ss2dScratch& scratch,
      int threads)
      : layer_(layer),
        config_(layer.config_),
        height_(height),
        width_(width),
        tokens_(height * width),
        stride_(layer.stride_),
        isa_(layer.options_.isa),
        s_(scratch),
        skipped_(skipped),
        threads_(threads) {
    reshape();
  }

  void project_in(const Norm* norm, const TokensIn& in) {
    rows([&](Range range, int thread) {
      RowBuffer& to = norm == nullptr ? s_.normed : s_.out;
      store_rows(in, range.begin, config_.dim, isa_, to, range.begin, range.size());
      if (norm != nullptr) norm->run(to, s_.normed, range.begin, range.size());
      layer_.in_proj_.run(s_.normed, range.begin, range.size(), s_.xz.row(range.begin), s_.xz.step(), linear(thread));
      if (config_.gated && config_.gate_silu) {
        activate(s_.xz.row(range.begin) + stride_, s_.xz.row_bytes(), range.size(), Activation::kSilu);
      }
    });
  }

  /// x, convolved and through SiLU, in both orders.
  void convolve() {
    for (std::int64_t i = 0; skipped_ != nullptr && i < tokens_; ++i) {
      if (skipped_[i] < 0) std::fill_n(s_.xz.row(i), stride_, 0.0F);
    }
    if (config_.kernel == 0) {
      rows([&](Range range, int) { copy_rows(s_.xz, s_.u[0], range); });
      rows([&](Range range, int) {
        activate(s_.u[0].row(range.begin), s_.u[0].row_bytes(), range.size(), Activation::kSilu);
      });
    } else {
      fill_halo();
      share_rows({0, height_}, 1, threads_, [&](Range range, int) { convolve_rows(range); });
    }
    if (config_.scan != CrossScan::kCross) return;
    rows([&](Range range, int) {
      for (std::int64_t i = range.begin; i < range.end; ++i) {
        std::copy_n(s_.u[0].row(i % height_ * width_ + i / height_), stride_, s_.u[1].row(i));
      }
    });
  }

  /// Scans in one order, and adds to what was scanned before in this or the opposite order.
  void scan(const Branch& branch, Route route, bool first) {
    const auto order = static_cast<std::size_t>(route.by_columns);
    const RowBuffer& u = s_.u[order];
    rows([&](Range range, int thread) {
      project(branch, u, range, thread);
      if (skipped_ != nullptr) stop_steps(route.by_columns, range);
    });
    RowBuffer& y = first ? s_.y[order] : s_.scanned;
    std::fill(s_.state.begin(), s_.state.end(), 0.0F);
    share_rows({0, config_.inner}, kChannelGranule, threads_,
               [&](Range channels, int) { scan_channels(branch, u, y, route.reversed, channels); });
    if (first) return;
    rows([&](Range range, int) { add_rows(s_.scanned, s_.y[order], range); });
  }

  /// Both orders together, normalised and gated, through the last product.
  void finish(const TokensOut& out) {
    rows([&](Range range, int thread) {
      if (config_.scan == CrossScan::kCross) add_columns(range);
      RowBuffer& y = s_.y[0];
      layer_.out_norm_.run(y, y, range.begin, range.size());
      if (config_.out_gelu) activate(y.row(range.begin), y.row_bytes(), range.size(), Activation::kGeluErf);
      if (config_.gated) multiply_gate(range);
      project_out(out, range, thread);
    });
  }

 private:
  template <class Body>
  void rows(const Body& body) {
    share_rows({0, tokens_}, kRowGranule, threads_, body);
  }
  LinearScratch& linear(int thread) { return s_.linear[static_cast<std::size_t>(thread)]; }

  void reshape() {
    s_.normed.reshape(tokens_, config_.dim, layer_.in_proj_.storage());
    s_.xz.reshape(tokens_, layer_.in_proj_.columns());
    for (RowBuffer* buffer : {&s_.u[0], &s_.y[0], &s_.delta, &s_.scanned}) buffer->reshape(tokens_, stride_);
    if (config_.scan == CrossScan::kCross) {
      s_.u[1].reshape(tokens_, stride_);
      s_.y[1].reshape(tokens_, stride_);
    }
    if (layer_.out_proj_.storage() != Storage::kFloat32) {
      s_.narrow.reshape(tokens_, config_.inner, layer_.out_proj_.storage());
    }
    s_.x_dbl.reshape(tokens_, layer_.branches_[0].x_proj.columns());
    s_.out.reshape(tokens_, layer_.out_proj_.columns());
    s_.state.resize(static_cast<std::size_t>(config_.d_state * stride_));
    if (s_.linear.size() < static_cast<std::size_t>(threads_)) s_.linear.resize(static_cast<std::size_t>(threads_));
    if (config_.kernel == 0) return;
    const std::int64_t border = config_.kernel - 1;
    const std::int64_t pixels = (height_ + border) * (width_ + border) + tokens_;
    if (s_.halo_floats < pixels * stride_) {
      s_.halo = make_aligned<float>(static_cast<std::size_t>(pixels * stride_));
      s_.halo_floats = pixels * stride_;
    }
  }

  void activate(float* values, std::int64_t row_bytes, std::int64_t count, Activation function) const {
    kernels::kActivation.pick(isa_)({.in = row_in(values),
                                     .out = row_out(values),
                                     .in_row_bytes = row_bytes,
                                     .out_row_bytes = row_bytes,
                                     .rows = count,
                                     .count = stride_,
                                     .function = function,
                                     .in_storage = Storage::kFloat32,
                                     .out_storage = Storage::kFloat32});
  }

  void copy_rows(const RowBuffer& from, RowBuffer& to, Range range) const {
    for (std::int64_t i = range.begin; i < range.end; ++i) std::copy_n(from.row(i), stride_, to.row(i));
  }
  void add_rows(const RowBuffer& from, RowBuffer& to, Range range) const {
    const auto add = kernels::kAddRow.pick(isa_);
    for (std::int64_t i = range.begin; i < range.end; ++i) {
      add({.in = from.row(i), .out = to.row(i), .count = config_.inner, .weight = 1});
    }
  }
  void add_columns(Range range) const {
    const auto add = kernels::kAddRow.pick(isa_);
    for (std::int64_t i = range.begin; i < range.end; ++i) {
      const float* from = s_.y[1].row(i % width_ * height_ + i / width_);
      add({.in = from, .out = s_.y[0].row(i), .count = config_.inner, .weight = 1});
    }
  }
  void multiply_gate(Range range) const {
    const auto multiply = kernels::kMultiplyRow.pick(isa_);
    for (std::int64_t i = range.begin; i < range.end; ++i) {
      multiply({.in = s_.xz.row(i) + stride_, .out = s_.y[0].row(i), .count = config_.inner});
    }
  }

  /// x in the middle of a frame of zeros.
  void fill_halo() {
    const std::int64_t border = config_.kernel / 2, framed = width_ + 2 * border;
    for (std::int64_t y = -border; y < height_ + border; ++y) {
      float* row = s_.halo.get() + (y + border) * framed * stride_;
      if (y < 0 || y >= height_) {
        std::fill_n(row, framed * stride_, 0.0F);
        continue;
      }
      std::fill_n(row, border * stride_, 0.0F);
      for (std::int64_t x = 0; x < width_; ++x) {
        std::copy_n(s_.xz.row(y * width_ + x), stride_, row + (border + x) * stride_);
      }
      std::fill_n(row + (border + width_) * stride_, border * stride_, 0.0F);
    }
  }

  void convolve_rows(Range range) {
    const std::int64_t kernel = config_.kernel, framed = (width_ + kernel - 1) * stride_;
    float* results = s_.halo.get() + (height_ + kernel - 1) * framed;
    for (std::int64_t y = range.begin; y < range.end; ++y) {
      std::array<kernels::RowIn, 7> taps;
      for (std::int64_t k = 0; k < kernel; ++k) {
        taps[static_cast<std::size_t>(k)] = row_in(s_.halo.get() + (y + k) * framed);
      }
      float* result = results + y * width_ * stride_;
      const kernels::RowOut out = row_out(result);
      kernels::kDepthwiseConv2d.pick(isa_)({.rows = taps.data(),
                                            .out_rows = &out,
                                            .row_count = 1,
                                            .width = width_,
                                            .kernel = kernel,
                                            .stride = 1,
                                            .channels = stride_,
                                            .weights = layer_.conv_weight_.get(),
                                            .bias = layer_.conv_bias_.get(),
                                            .activation = Activation::kSilu,
                                            .storage = Storage::kFloat32});
      for (std::int64_t x = 0; x < width_; ++x) {
        std::copy_n(result + x * stride_, stride_, s_.u[0].row(y * width_ + x));
      }
    }
  }

  void project(const Branch& branch, const RowBuffer& u, Range range, int thread) {
    const std::int64_t first = range.begin, count = range.size();
    float* x_dbl = s_.x_dbl.row(first);
    if (branch.x_proj.storage() == Storage::kFloat32) {
      branch.x_proj.run(u, first, count, x_dbl, s_.x_dbl.step(), linear(thread));
    } else {
      store_rows({u.row(0), u.step()}, first, config_.inner, isa_, s_.narrow, first, count);
      branch.x_proj.run(s_.narrow, first, count, x_dbl, s_.x_dbl.step(), linear(thread));
    }
    branch.dt_proj.run_floats(x_dbl, s_.x_dbl.step(), count, s_.delta.row(first), s_.delta.step(), linear(thread));
  }

  void stop_steps(bool by_columns, Range range) {
    for (std::int64_t i = range.begin; i < range.end; ++i) {
      const std::int64_t place = by_columns ? i % height_ * width_ + i / height_ : i;
      if (skipped_[place] < 0) std::fill_n(s_.delta.row(i), stride_, kNoStep);
    }
  }

  void scan_channels(const Branch& branch, const RowBuffer& u, RowBuffer& y, bool reversed, Range channels) {
    const std::int64_t sign = reversed ? -1 : 1, row = reversed ? tokens_ - 1 : 0, c = channels.begin;
    const float* b = s_.x_dbl.row(row) + config_.dt_rank;
    kernels::kSelectiveScan.pick(isa_)({.u = u.row(row) + c,
                                        .delta = s_.delta.row(row) + c,
                                        .b = b,
                                        .c = b + config_.d_state,
                                        .y = y.row(row) + c,
                                        .u_step = sign * u.step(),
                                        .delta_step = sign * s_.delta.step(),
                                        .b_step = sign * s_.x_dbl.step(),
                                        .c_step = sign * s_.x_dbl.step(),
                                        .y_step = sign * y.step(),
                                        .a2 = branch.a2.get() + c,
                                        .channel_stride = stride_,
                                        .d = branch.d.get() + c,
                                        .delta_bias = branch.dt_bias.get() + c,
                                        .state = s_.state.data() + c,
                                        .steps = tokens_,
                                        .channels = channels.size(),
                                        .states = config_.d_state});
  }

  void project_out(const TokensOut& out, Range range, int thread) {
    const std::int64_t first = range.begin, count = range.size();
    float* rows = s_.out.row(first);
    const Linear& out_proj = layer_.out_proj_;
    if (out_proj.storage() == Storage::kFloat32) {
      out_proj.run(s_.y[0], first, count, rows, s_.out.step(), linear(thread));
    } else {
      store_rows({s_.y[0].row(0), s_.y[0].step()}, first, config_.inner, isa_, s_.narrow, first, count);
      out_proj.run(s_.narrow, first, count, rows, s_.out.step(), linear(thread));
    }
    const auto add = kernels::kAddRow.pick(isa_);
    for (std::int64_t i = range.begin; i < range.end; ++i) {
      if (float* token = out.token(i)) add({.in = s_.out.row(i), .out = token, .count = config_.dim, .weight = 1});
    }
  }

  const Ss2d& layer_;
  const Ss2dConfig& config_;
  std::int64_t height_;
  std::int64_t width_;
  std::int64_t tokens_;
  std::int64_t stride_;
  Isa isa_;
  Ss2dScratch& s_;
  const std::int32_t* skipped_;
  int threads_;
};

std::array<Ss2d::Route, 4> Ss2d::routes() const {
  switch (config_.scan) {
    case CrossScan::kUnidirectional:
      return {};
    case CrossScan::kBidirectional:
      return {Route{false, false}, Route{false, false}, Route{false, true}, Route{false, true}};
    case CrossScan::kCross:
      break;
  }
  return {Route{false, false}, Route{true, false}, Route{false, true}, Route{true, true}};
}

void Ss2d::accumulate(const Norm* norm, const TokensIn& in, const TokensOut& out, std::int64_t height,
                      std::int64_t width, Ss2dScratch& scratch, int threads, const CancelToken& cancel,
                      MissingTokens missing) const {
  if (height <= 0 || width <= 0) return;
  const std::int32_t* skipped = missing == MissingTokens::kSkipped ? in.order : nullptr;
  Run run(*this, height, width, skipped, scratch, resolved_threads(threads));
  run.project_in(norm, in);
  cancel.throw_if_cancelled();
  run.convolve();
  std::array<bool, 2> scanned{};
  const std::array<Route, 4> all = routes();
  for (std::size_t k = 0; k < all.size(); ++k) {
    cancel.throw_if_cancelled();
    bool& before = scanned[static_cast<std::size_t>(all[k].by_columns)];
    run.scan(branches_[k], all[k], !before);
    before = true;
  }
  run.finish(out);
}

}  // namespace histojet::tokens
