#include "scan/ssd_scan.hpp"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <initializer_list>
#include <string>

#include "base/aligned_buffer.hpp"
#include "base/checked.hpp"
#include "base/error.hpp"
#include "base/executor.hpp"
#include "kernels/ssd_scan/ssd_scan.hpp"
#include "scan/channel_split.hpp"

namespace histojet::scan {

namespace {

constexpr double kLog2E = 1.44269504088896340736;
// Between two looks at the cancel token.
constexpr std::int64_t kSteps = 256;

void expect(bool holds, const std::string& what) {
  if (!holds) throw Error(ErrorCode::kInvalidArgument, "SSD scan: " + what);
}

bool fits(std::initializer_list<std::int64_t> sides) {
  std::optional<std::uint64_t> bytes = 4;
  for (const std::int64_t side : sides) bytes = bytes ? checked_mul(*bytes, static_cast<std::uint64_t>(side)) : bytes;
  return bytes.has_value() && *bytes <= std::uint64_t{1} << 62;
}

void check_finite(const char* name, const float* values, std::int64_t count) {
  for (std::int64_t i = 0; values != nullptr && i < count; ++i) {
    expect(std::isfinite(values[i]), std::string(name) + "[" + std::to_string(i) + "] is " + std::to_string(values[i]) +
                                         ", expected a finite number");
  }
}

void check(const SsdScan& scan) {
  expect(scan.batch >= 0 && scan.length >= 0 && scan.heads >= 0, "sizes must not be negative");
  expect(scan.head_channels >= 1 && scan.states >= 1, "expected at least 1 channel and 1 state");
  expect(scan.groups >= 1 && scan.heads % scan.groups == 0,
         std::to_string(scan.heads) + " heads cannot be " + std::to_string(scan.groups) + " equal groups");
  expect(fits({scan.batch, scan.length, scan.heads, scan.head_channels}) &&
             fits({scan.batch, scan.length, scan.groups, scan.states}) &&
             fits({scan.batch, scan.heads, scan.head_channels, scan.states}),
         "the number of values overflows");
  check_finite("A", scan.a, scan.heads);
  check_finite("dtBias", scan.dt_bias, scan.heads);
}

/// One head of one batch item.
class Head {
 public:
  Head(const SsdScan& scan, std::int64_t item, std::int64_t head)
      : scan_(scan),
        item_(item),
        head_(head),
        stride_(ceil_div(scan.head_channels, kChannelBlock) * kChannelBlock),
        state_(make_aligned<float>(static_cast<std::size_t>(scan.states * stride_))) {
    std::fill_n(state_.get(), scan.states * stride_, 0.0f);
    if (scan.initial_state != nullptr) each_state([&](float& here, std::int64_t at) { here = scan.initial_state[at]; });
  }

  void run(std::int64_t step, std::int64_t steps, kernels::KernelTable<kernels::SsdScanArgs>::Function kernel) {
    const std::int64_t row = item_ * scan_.length + step;
    const std::int64_t x_step = scan_.heads * scan_.head_channels, b_step = scan_.groups * scan_.states;
    const std::int64_t x = row * x_step + head_ * scan_.head_channels;
    const std::int64_t b = row * b_step + head_ / (scan_.heads / scan_.groups) * scan_.states;
    bool broken = false;
    kernel({.x = scan_.x + x,
            .dt = scan_.dt + row * scan_.heads + head_,
            .b = scan_.b + b,
            .c = scan_.c + b,
            .y = scan_.y + x,
            .x_step = x_step,
            .dt_step = scan_.heads,
            .b_step = b_step,
            .c_step = b_step,
            .y_step = x_step,
            .a2 = static_cast<float>(scan_.a[head_] * kLog2E),
            .d = scan_.d == nullptr ? 0 : scan_.d[head_],
            .dt_bias = bias(),
            .dt_softplus = scan_.dt_softplus,
            .state = state_.get(),
            .channel_stride = stride_,
            .steps = steps,
            .channels = scan_.head_channels,
            .states = scan_.states,
            .dt_broken = &broken});
    if (broken) throw_broken(step, steps);
  }

  void save() {
    each_state([&](float& here, std::int64_t at) { scan_.last_state[at] = here; });
  }

 private:
  float bias() const { return scan_.dt_bias == nullptr ? 0.0f : scan_.dt_bias[head_]; }

  template <class Use>
  void each_state(const Use& use) {
    std::int64_t at = (item_ * scan_.heads + head_) * scan_.head_channels * scan_.states;
    for (std::int64_t i = 0; i < scan_.head_channels; ++i) {
      for (std::int64_t n = 0; n < scan_.states; ++n) use(state_[static_cast<std::size_t>(n * stride_ + i)], at++);
    }
  }

  [[noreturn]] void throw_broken(std::int64_t first, std::int64_t steps) const {
    for (std::int64_t t = first; t < first + steps; ++t) {
      const float value = scan_.dt[(item_ * scan_.length + t) * scan_.heads + head_] + bias();
      if (std::isfinite(value)) continue;
      throw Error(ErrorCode::kInvalidArgument, "dt is " + std::to_string(value) + " at batch item " +
                                                   std::to_string(item_) + ", step " + std::to_string(t) + ", head " +
                                                   std::to_string(head_) + ", expected a finite number");
    }
    throw Error(ErrorCode::kInternal, "a kernel found a dt that is not finite, and there is none");
  }

  const SsdScan& scan_;
  const std::int64_t item_;
  const std::int64_t head_;
  const std::int64_t stride_;
  AlignedBuffer<float> state_;
};

}  // namespace

void ssd_scan(const SsdScan& scan, const ScanRun& run) {
  check(scan);
  run.cancel.throw_if_cancelled();
  const auto kernel = kernels::kSsdScan.pick(run.isa);
  const std::int64_t values = scan.batch * scan.length * scan.heads * scan.head_channels;
  std::atomic<std::int64_t> done{0};
  Executor::instance().parallel_for(scan.batch * scan.heads, run.threads, [&](std::int64_t i) {
    Head head(scan, i / scan.heads, i % scan.heads);
    for (std::int64_t step = 0; step < scan.length; step += kSteps) {
      run.cancel.throw_if_cancelled();
      const std::int64_t steps = std::min(kSteps, scan.length - step);
      head.run(step, steps, kernel);
      const std::int64_t here = steps * scan.head_channels;
      if (run.progress) run.progress(done.fetch_add(here) + here, values);
    }
    if (scan.last_state != nullptr) head.save();
  });
}

}  // namespace histojet::scan
