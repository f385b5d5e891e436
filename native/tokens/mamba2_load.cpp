#include <algorithm>
#include <string>

#include "base/error.hpp"
#include "kernels/causal_conv1d/causal_conv1d.hpp"
#include "kernels/conv2d/conv2d_pack.hpp"
#include "tokens/load_parts.hpp"
#include "tokens/mamba2_mixer.hpp"

namespace histojet::tokens {
namespace {

constexpr std::int64_t kTaps = kernels::kCausalTaps;

/// Moves blocks of rows of a matrix to where the kernels want them; everything else is zero.
class Rows {
 public:
  Rows(std::span<const float> from, std::int64_t width, std::int64_t rows)
      : from_(from), width_(width), to_(static_cast<std::size_t>(rows * width)) {}
  void take(std::int64_t count, std::int64_t at) {
    std::copy_n(from_.begin() + taken_ * width_, count * width_, to_.begin() + at * width_);
    taken_ += count;
  }
  const std::vector<float>& result() const { return to_; }

 private:
  std::span<const float> from_;
  std::int64_t width_;
  std::int64_t taken_ = 0;
  std::vector<float> to_;
};

void check(const Mamba2Config& config, const std::string& path) {
  constexpr std::int64_t kMost = std::int64_t{1} << 20;
  const auto possible = [](std::int64_t value) { return value > 0 && value < kMost; };
  const auto text = [](std::int64_t value) { return std::to_string(value); };
  const bool all = possible(config.dim) && possible(config.d_state) && possible(config.d_conv) &&
                   possible(config.expand) && possible(config.headdim) && possible(config.ngroups);
  if (!all || config.inner() % config.headdim != 0 || config.heads() % config.ngroups != 0) {
    throw Error(ErrorCode::kInvalidArgument, path + ": no Mamba-2 mixer has dim " + text(config.dim) + ", d_state " +
                                                 text(config.d_state) + ", expand " + text(config.expand) +
                                                 ", headdim " + text(config.headdim) + ", ngroups " +
                                                 text(config.ngroups));
  }
  if (config.d_conv > kTaps) {
    throw Error(ErrorCode::kUnsupportedFormat,
                path + ": a Mamba-2 convolution of " + text(config.d_conv) + " taps, expected at most 4");
  }
  const std::int64_t per_group = config.inner() / config.ngroups;
  if (config.ngroups > 1 && per_group % kernels::kChannelGranule != 0) {
    throw Error(ErrorCode::kUnsupportedFormat,
                path + ": groups of " + text(per_group) + " channels, expected a multiple of 16");
  }
}

}  // namespace

/// Reads the tensors of one mixer and packs them.
class Mamba2Mixer::Loader {
 public:
  Loader(const weights::WeightScope& scope, const Mamba2Config& config, const LayerOptions& options)
      : scope_(scope),
        config_(config),
        options_(options),
        inner_(config.inner()),
        shared_(2 * config.ngroups * config.d_state),
        stride_(kernels::padded_channels(inner_)) {
    mixer_.config_ = config;
    mixer_.options_ = options;
    mixer_.stride_ = stride_;
    mixer_.mixed_ = kernels::padded_channels(stride_ + shared_);
  }

  Mamba2Mixer load() && {
    in_proj();
    convolution();
    heads();
    mixer_.norm_ = Norm::load(scope_.scope("norm"), inner_, NormKind::kRms, options_, config_.epsilon);
    mixer_.out_proj_ = Linear::load(scope_.scope("out_proj"), inner_, config_.dim, Bias::kAsStored, options_);
    return std::move(mixer_);
  }

 private:
  void in_proj() {
    const Tensor weight = scope_.f32("in_proj.weight", {2 * inner_ + shared_ + config_.heads(), config_.dim});
    Rows rows(weight.values<float>(), config_.dim, stride_ + mixer_.mixed_ + config_.heads());
    rows.take(inner_, 0);
    rows.take(inner_, stride_);
    rows.take(shared_, 2 * stride_);
    rows.take(config_.heads(), stride_ + mixer_.mixed_);
    mixer_.in_proj_ = Linear::pack(rows.result(), {}, config_.dim, options_);
  }

  void convolution() {
    const std::int64_t taps = config_.d_conv, mixed = mixer_.mixed_;
    const Tensor weight = scope_.f32("conv1d.weight", {inner_ + shared_, 1, taps});
    mixer_.conv_weight_ = zero_values(kTaps * mixed);
    const auto by_tap = transposed(spread(weight.values<float>(), taps), mixed, taps, mixed);
    std::copy_n(by_tap.get(), taps * mixed, mixer_.conv_weight_.get() + (kTaps - taps) * mixed);
    mixer_.conv_bias_ = zero_values(mixed);
    if (!scope_.has("conv1d.bias")) return;
    const Tensor bias = scope_.f32("conv1d.bias", {inner_ + shared_});
    std::ranges::copy(spread(bias.values<float>(), 1), mixer_.conv_bias_.get());
  }

  /// Rows of x, then of B and C, where the columns of x, B and C lie.
  std::vector<float> spread(std::span<const float> values, std::int64_t width) const {
    Rows rows(values, width, mixer_.mixed_);
    rows.take(inner_, 0);
    rows.take(shared_, stride_);
    return rows.result();
  }

  /// What a head's channels share, once for each of them.
  void heads() {
    const auto per_channel = [&](const char* name, std::int64_t times) {
      const Tensor values = scope_.f32(name, {config_.heads()});
      std::vector<float> out;
      for (const float value : values.values<float>()) {
        out.insert(out.end(), static_cast<std::size_t>(config_.headdim * times), value);
      }
      return out;
    };
    mixer_.a2_ = scaled_decay(per_channel("A_log", config_.d_state), inner_, config_.d_state, stride_);
    mixer_.d_ = padded_copy(per_channel("D", 1), stride_);
    mixer_.dt_bias_ = padded_copy(per_channel("dt_bias", 1), stride_);
  }

  const weights::WeightScope& scope_;
  const Mamba2Config& config_;
  const LayerOptions& options_;
  std::int64_t inner_;
  std::int64_t shared_;  ///< values of B and C of all groups
  std::int64_t stride_;
  Mamba2Mixer mixer_;
};

Mamba2Mixer Mamba2Mixer::load(const weights::WeightScope& scope, const Mamba2Config& config,
                              const LayerOptions& options) {
  check(config, scope.dict().path());
  return Loader(scope, config, options).load();
}

}  // namespace histojet::tokens
