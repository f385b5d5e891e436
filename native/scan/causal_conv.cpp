#include "scan/causal_conv.hpp"

#include <algorithm>
#include <atomic>

#include "base/aligned_buffer.hpp"
#include "base/checked.hpp"
#include "base/executor.hpp"
#include "kernels/causal_conv1d/causal_conv1d.hpp"
#include "scan/checked_tensors.hpp"

namespace histojet::scan {

namespace {

constexpr std::int64_t kMostTaps = kernels::kCausalTaps;
constexpr std::int64_t kBefore = kMostTaps - 1;
// A block of work: 64 KiB of inputs and as much of outputs, so that both stay in the cache.
constexpr std::int64_t kChannels = 64;
constexpr std::int64_t kSteps = 256;

class Convolution {
 public:
  Convolution(const CausalConvTensors& tensors, const ScanRun& run) : tensors_(tensors), run_(run) {
    x_ = floats_of("x", tensors.x);
    weight_ = floats_of("weight", tensors.weight);
    if (tensors.bias) bias_ = floats_of("bias", *tensors.bias);
    if (tensors.initial_state) initial_state_ = floats_of("initialState", *tensors.initial_state);
    check();
    pack();
  }

  ScanResult run() {
    ScanResult result{Tensor(DType::kF32, x_.shape()), std::nullopt};
    float* y = result.y.values<float>().data();
    const std::int64_t blocks = ceil_div(channels_, kChannels), spans = ceil_div(length_, kSteps);
    std::atomic<std::int64_t> done{0};
    Executor::instance().parallel_for(batch_ * blocks * spans, run_.threads, [&](std::int64_t i) {
      run_.cancel.throw_if_cancelled();
      const std::int64_t here = block(i / (blocks * spans), i / spans % blocks * kChannels, i % spans * kSteps, y);
      if (run_.progress) run_.progress(done.fetch_add(here) + here, x_.size());
    });
    if (tensors_.last_state) result.last_state = last_state();
    return result;
  }

 private:
  bool channels_last() const { return tensors_.layout == Layout::kBld; }

  void check() {
    const Shape& shape = x_.shape();
    if (shape.size() != 3) {
      refuse_shape("x", tensors_.x, channels_last() ? "[batch, length, channels]" : "[batch, channels, length]");
    }
    batch_ = shape[0];
    channels_ = shape[channels_last() ? 2 : 1];
    length_ = shape[channels_last() ? 1 : 2];
    const Shape& weight = weight_.shape();
    taps_ = weight.empty() ? 0 : weight.back();
    const bool fits = weight == Shape{channels_, taps_} || weight == Shape{channels_, 1, taps_};
    if (!fits || taps_ < 1 || taps_ > kMostTaps) {
      refuse_shape("weight", tensors_.weight, "[" + std::to_string(channels_) + ", taps] with 1 to 4 taps");
    }
    if (tensors_.bias) expect_shape("bias", *tensors_.bias, {channels_});
    if (tensors_.initial_state) {
      expect_shape("initialState", *tensors_.initial_state, {batch_, channels_, taps_ - 1});
    }
  }

  /// Weights as the kernel wants them: [4][channels], missing taps in front and missing channels are 0.
  void pack() {
    stride_ = ceil_div(channels_, kChannels) * kChannels;
    packed_ = make_aligned<float>(static_cast<std::size_t>((kMostTaps + 1) * std::max(stride_, kChannels)));
    std::fill_n(packed_.get(), (kMostTaps + 1) * std::max(stride_, kChannels), 0.0F);
    const std::span<const float> weight = weight_.values<float>();
    for (std::int64_t c = 0; c < channels_; ++c) {
      for (std::int64_t k = 0; k < taps_; ++k) {
        // By blocks of channels: a block's taps lie side by side.
        packed_[static_cast<std::size_t>(at_block(c) + (kMostTaps - taps_ + k) * kChannels)] =
            weight[static_cast<std::size_t>(c * taps_ + k)];
      }
      if (tensors_.bias) {
        packed_[static_cast<std::size_t>(at_block(c) + kMostTaps * kChannels)] =
            bias_.values<float>()[static_cast<std::size_t>(c)];
      }
    }
  }

  static std::int64_t at_block(std::int64_t channel) {
    return channel / kChannels * (kMostTaps + 1) * kChannels + channel % kChannels;
  }

  std::int64_t index(std::int64_t item, std::int64_t step, std::int64_t channel) const {
    return channels_last() ? (item * length_ + step) * channels_ + channel
                           : (item * channels_ + channel) * length_ + step;
  }

  /// Input of a step; those before the first are the initial state's.
  float input(std::int64_t item, std::int64_t step, std::int64_t channel) const {
    if (step >= 0) return x_.values<float>()[static_cast<std::size_t>(index(item, step, channel))];
    const std::int64_t kept = taps_ - 1;
    if (!tensors_.initial_state || -step > kept) return 0;
    const std::int64_t at = (item * channels_ + channel) * kept + kept + step;
    return initial_state_.values<float>()[static_cast<std::size_t>(at)];
  }

  /// Calls use(offset in the block, step, channel) for steps [first, first + steps), in the order of the memory.
  template <class Use>
  void each(std::int64_t channel, std::int64_t channels, std::int64_t first, std::int64_t steps, const Use& use) const {
    if (channels_last()) {
      for (std::int64_t t = 0; t < steps; ++t) {
        for (std::int64_t c = 0; c < channels; ++c) use(t * kChannels + c, first + t, channel + c);
      }
      return;
    }
    for (std::int64_t c = 0; c < channels; ++c) {
      for (std::int64_t t = 0; t < steps; ++t) use(t * kChannels + c, first + t, channel + c);
    }
  }

  /// Up to 64 channels and 256 steps of one item; returns how many values that is.
  std::int64_t block(std::int64_t item, std::int64_t channel, std::int64_t first, float* y) const {
    const std::int64_t channels = std::min(kChannels, channels_ - channel), steps = std::min(kSteps, length_ - first);
    const AlignedBuffer<float> in = make_aligned<float>((kBefore + kSteps) * kChannels);
    const AlignedBuffer<float> out = make_aligned<float>(kSteps * kChannels);
    std::fill_n(in.get(), (kBefore + steps) * kChannels, 0.0F);
    each(channel, channels, first - kBefore, kBefore + steps, [&](std::int64_t at, std::int64_t t, std::int64_t c) {
      in[static_cast<std::size_t>(at)] = input(item, t, c);
    });
    const float* packed = packed_.get() + at_block(channel);
    const kernels::CausalConv1dArgs args{
        .in = {reinterpret_cast<const std::byte*>(in.get() + kBefore * kChannels), 0},
        .out = {reinterpret_cast<std::byte*>(out.get()), 0},
        .in_row_bytes = kChannels * 4,
        .out_row_bytes = kChannels * 4,
        .tokens = steps,
        .tokens_before = kBefore,
        .channels = kChannels,
        .weights = packed,
        .bias = packed + kMostTaps * kChannels,
        .activation = tensors_.silu ? kernels::Activation::kSilu : kernels::Activation::kNone,
        .storage = kernels::Storage::kFloat32};
    kernels::kCausalConv1d.pick(run_.isa)(args);
    each(channel, channels, first, steps, [&](std::int64_t at, std::int64_t t, std::int64_t c) {
      y[index(item, t, c)] = out[static_cast<std::size_t>(at)];
    });
    return channels * steps;
  }

  Tensor last_state() const {
    const std::int64_t kept = taps_ - 1;
    Tensor state(DType::kF32, {batch_, channels_, kept});
    float* to = state.values<float>().data();
    for (std::int64_t i = 0; i < batch_ * channels_; ++i) {
      for (std::int64_t k = 0; k < kept; ++k) {
        *to++ = input(i / channels_, length_ - kept + k, i % channels_);
      }
    }
    return state;
  }

  const CausalConvTensors& tensors_;
  const ScanRun& run_;
  Tensor x_, weight_, bias_, initial_state_;
  std::int64_t batch_ = 0, channels_ = 0, length_ = 0, taps_ = 0;
  std::int64_t stride_ = 0;  ///< channels in whole blocks
  AlignedBuffer<float> packed_;
};

}  // namespace

ScanResult causal_conv(const CausalConvTensors& tensors, const ScanRun& run) {
  return Convolution(tensors, run).run();
}

}  // namespace histojet::scan
