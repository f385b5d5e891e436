#include "tokens/mamba2_mixer.hpp"

#include <algorithm>
#include <cstring>

#include "kernels/activation/activation.hpp"
#include "kernels/add_rows/add_rows.hpp"
#include "kernels/causal_conv1d/causal_conv1d.hpp"
#include "kernels/selective_scan/selective_scan.hpp"
#include "tokens/share_rows.hpp"

namespace histojet::tokens {

using kernels::Storage;

namespace {

constexpr std::int64_t kTile = 256;
constexpr std::int64_t kRowGranule = 32;
constexpr std::int64_t kBefore = kernels::kCausalTaps - 1;
constexpr std::int64_t kFloatBytes = 4;

}  // namespace

Mamba2State Mamba2Mixer::start() const {
  return {.tail = std::vector<float>(static_cast<std::size_t>(kBefore * mixed_)),
          .ssm = std::vector<float>(static_cast<std::size_t>(config_.d_state * stride_))};
}

/// One run of tokens, tile after tile.
class Mamba2Mixer::Run {
 public:
  Run(const Mamba2Mixer& mixer, const TokensIn& in, const TokensOut& out, Mamba2State& state, Mamba2Scratch& scratch,
      int threads)
      : m_(mixer),
        config_(mixer.config_),
        isa_(mixer.options_.isa),
        in_(in),
        out_(out),
        state_(state),
        s_(scratch),
        threads_(threads) {
    const std::int64_t stride = m_.stride_;
    s_.input.reshape(kTile, config_.dim, m_.in_proj_.storage());
    s_.projected.reshape(kBefore + kTile, m_.in_proj_.columns());
    s_.mixed.reshape(kTile, m_.mixed_);
    for (RowBuffer* buffer : {&s_.delta, &s_.y, &s_.gate}) buffer->reshape(kTile, stride);
    s_.narrow.reshape(kTile, config_.inner(), m_.out_proj_.storage());
    s_.out.reshape(kTile, m_.out_proj_.columns());
    if (s_.linear.size() < static_cast<std::size_t>(threads_)) s_.linear.resize(static_cast<std::size_t>(threads_));
    for (std::int64_t i = 0; i < kBefore; ++i) {
      std::copy_n(state_.tail.data() + i * m_.mixed_, m_.mixed_, s_.projected.row(i) + stride);
    }
  }

  void tile(std::int64_t start, std::int64_t count) {
    const auto rows = [&](const auto& body) { share_rows({0, count}, kRowGranule, threads_, body); };
    rows([&](Range range, int thread) { load(start, range, thread); });
    rows([&](Range range, int) { mix(range); });
    const std::int64_t per_group = config_.inner() / config_.ngroups;
    for (std::int64_t g = 0; g < config_.ngroups; ++g) {
      share_rows({g * per_group, (g + 1) * per_group}, 16, threads_,
                 [&](Range channels, int) { scan(g, channels, count); });
    }
    rows([&](Range range, int thread) { finish(start, range, thread); });
    for (std::int64_t i = 0; i < kBefore; ++i) {
      const float* from = s_.projected.row(count + i) + m_.stride_;
      std::memmove(s_.projected.row(i) + m_.stride_, from, static_cast<std::size_t>(m_.mixed_ * kFloatBytes));
      std::copy_n(s_.projected.row(i) + m_.stride_, m_.mixed_, state_.tail.data() + i * m_.mixed_);
    }
  }

 private:
  LinearScratch& linear(int thread) { return s_.linear[static_cast<std::size_t>(thread)]; }

  void load(std::int64_t start, Range range, int thread) {
    store_rows(in_, start + range.begin, config_.dim, isa_, s_.input, range.begin, range.size());
    m_.in_proj_.run(s_.input, range.begin, range.size(), s_.projected.row(kBefore + range.begin), s_.projected.step(),
                    linear(thread));
  }

  /// The convolution of x, B and C, and dt for each channel.
  void mix(Range range) {
    const float* from = s_.projected.row(kBefore + range.begin) + m_.stride_;
    kernels::kCausalConv1d.pick(isa_)({.in = {reinterpret_cast<const std::byte*>(from), 0},
                                       .out = s_.mixed.out(range.begin),
                                       .in_row_bytes = s_.projected.row_bytes(),
                                       .out_row_bytes = s_.mixed.row_bytes(),
                                       .tokens = range.size(),
                                       .tokens_before = kBefore,
                                       .channels = m_.mixed_,
                                       .weights = m_.conv_weight_.get(),
                                       .bias = m_.conv_bias_.get(),
                                       .activation = kernels::Activation::kSilu,
                                       .storage = Storage::kFloat32});
    for (std::int64_t i = range.begin; i < range.end; ++i) {
      const float* dt = s_.projected.row(kBefore + i) + m_.stride_ + m_.mixed_;
      for (std::int64_t h = 0; h < config_.heads(); ++h) {
        std::fill_n(s_.delta.row(i) + h * config_.headdim, config_.headdim, dt[h]);
      }
    }
  }

  void scan(std::int64_t group, Range channels, std::int64_t count) {
    const std::int64_t c = channels.begin, n = config_.d_state;
    const float* b = s_.mixed.row(0) + m_.stride_ + group * n;
    const bool gated = !config_.norm_before_gate;
    kernels::kSelectiveScan.pick(isa_)({.u = s_.mixed.row(0) + c,
                                        .delta = s_.delta.row(0) + c,
                                        .z = gated ? s_.projected.row(kBefore) + c : nullptr,
                                        .b = b,
                                        .c = b + config_.ngroups * n,
                                        .y = s_.y.row(0) + c,
                                        .u_step = s_.mixed.step(),
                                        .delta_step = s_.delta.step(),
                                        .z_step = s_.projected.step(),
                                        .b_step = s_.mixed.step(),
                                        .c_step = s_.mixed.step(),
                                        .y_step = s_.y.step(),
                                        .a2 = m_.a2_.get() + c,
                                        .channel_stride = m_.stride_,
                                        .d = m_.d_.get() + c,
                                        .delta_bias = m_.dt_bias_.get() + c,
                                        .state = state_.ssm.data() + c,
                                        .steps = count,
                                        .channels = channels.size(),
                                        .states = n});
  }

  void finish(std::int64_t start, Range range, int thread) {
    const std::int64_t first = range.begin, count = range.size();
    m_.norm_.run(s_.y, s_.y, first, count);
    if (config_.norm_before_gate) multiply_gate(range);
    store_rows({s_.y.row(0), s_.y.step()}, first, config_.inner(), isa_, s_.narrow, first, count);
    m_.out_proj_.run(s_.narrow, first, count, s_.out.row(first), s_.out.step(), linear(thread));
    const auto add = kernels::kAddRow.pick(isa_);
    for (std::int64_t i = range.begin; i < range.end; ++i) {
      if (float* token = out_.token(start + i)) {
        add({.in = s_.out.row(i), .out = token, .count = config_.dim, .weight = 1});
      }
    }
  }

  void multiply_gate(Range range) {
    for (std::int64_t i = range.begin; i < range.end; ++i) {
      std::copy_n(s_.projected.row(kBefore + i), m_.stride_, s_.gate.row(i));
    }
    kernels::kActivation.pick(isa_)({.in = s_.gate.in(range.begin),
                                     .out = s_.gate.out(range.begin),
                                     .in_row_bytes = s_.gate.row_bytes(),
                                     .out_row_bytes = s_.gate.row_bytes(),
                                     .rows = range.size(),
                                     .count = m_.stride_,
                                     .function = kernels::Activation::kSilu,
                                     .in_storage = Storage::kFloat32,
                                     .out_storage = Storage::kFloat32});
    const auto multiply = kernels::kMultiplyRow.pick(isa_);
    for (std::int64_t i = range.begin; i < range.end; ++i) {
      multiply({.in = s_.gate.row(i), .out = s_.y.row(i), .count = config_.inner()});
    }
  }

  const Mamba2Mixer& m_;
  const Mamba2Config& config_;
  Isa isa_;
  const TokensIn& in_;
  const TokensOut& out_;
  Mamba2State& state_;
  Mamba2Scratch& s_;
  int threads_;
};

void Mamba2Mixer::accumulate(const TokensIn& in, const TokensOut& out, std::int64_t tokens, Mamba2State& state,
                             Mamba2Scratch& scratch, int threads, const CancelToken& cancel) const {
  Run run(*this, in, out, state, scratch, resolved_threads(threads));
  for (std::int64_t start = 0; start < tokens; start += kTile) {
    cancel.throw_if_cancelled();
    run.tile(start, std::min(kTile, tokens - start));
  }
}

}  // namespace histojet::tokens
