#include "scan/channel_work.hpp"

#include <cmath>
#include <string>

#include "base/checked.hpp"
#include "base/error.hpp"

namespace histojet::scan {

namespace {

constexpr double kLog2E = 1.44269504088896340736;
constexpr std::int64_t kPieceFloats = kTileSteps * kChannelBlock;

std::size_t size_of(std::int64_t count) {
  return static_cast<std::size_t>(count);
}

}  // namespace

ChannelWork::ChannelWork(const SelectiveScan& scan, const ChannelRange& range, Isa isa, std::int64_t most_steps)
    : scan_(scan),
      range_(range),
      transpose_(kernels::kTransposeTile.pick(isa)),
      stride_(ceil_div(range.count, kChannelBlock) * kChannelBlock),
      states_(make_aligned<float>(size_of(scan_.states * stride_))),
      a2_(make_aligned<float>(size_of(scan_.states * stride_))) {
  fill_rows(a2_.get(), scan_.a + range.first * scan_.states, kLog2E);
  fill_rows(states_.get(), scan_.initial_state == nullptr ? nullptr : scan_.initial_state + state_offset(), 1);
  if (scan_.b.per_channel) b_constant_ = constant(scan_.b.data);
  if (scan_.c.per_channel) c_constant_ = constant(scan_.c.data);
  b_rows_ = scratch(scan_.b, most_steps);
  c_rows_ = scratch(scan_.c, most_steps);
  if (!in_place(scan_)) pieces_ = make_aligned<float>(size_of(4 * kPieceFloats));
}

bool ChannelWork::in_place(const SelectiveScan& scan) {
  return scan.u.channel_step == 1 && scan.delta.channel_step == 1 && scan.y.channel_step == 1 &&
         (scan.z.data == nullptr || scan.z.channel_step == 1);
}

void ChannelWork::save_states() const {
  float* const to = scan_.last_state + state_offset();
  for (std::int64_t i = 0; i < range_.count; ++i) {
    for (std::int64_t n = 0; n < scan_.states; ++n) to[i * scan_.states + n] = states_[size_of(n * stride_ + i)];
  }
}

/// [channels][states] times `factor` as rows of channels; null stands for zeros, which also fill up the rows.
void ChannelWork::fill_rows(float* rows, const float* from, double factor) const {
  for (std::int64_t n = 0; n < scan_.states; ++n) {
    float* row = rows + n * stride_;
    std::fill(row, row + stride_, 0.0f);
    if (from == nullptr) continue;
    for (std::int64_t i = 0; i < range_.count; ++i) row[i] = static_cast<float>(from[i * scan_.states + n] * factor);
  }
}

AlignedBuffer<float> ChannelWork::constant(const float* values) const {
  auto rows = make_aligned<float>(size_of(scan_.states * stride_));
  fill_rows(rows.get(), values + range_.first * scan_.states, 1);
  return rows;
}

AlignedBuffer<float> ChannelWork::scratch(const Factor& factor, std::int64_t steps) const {
  if (factor.per_channel || factor.state_step == 1) return nullptr;
  return make_aligned<float>(size_of(steps * scan_.states));
}

/// B or C of some steps, states side by side.
ConstRows ChannelWork::factor_rows(const Factor& factor, const AlignedBuffer<float>& constant, float* scratch,
                                   std::int64_t step, std::int64_t steps) const {
  if (factor.per_channel) return {constant.get(), 0};
  const float* data = factor.data + range_.batch * factor.batch_step + range_.group * factor.group_step +
                      time_of(step) * factor.time_step;
  return gather_rows({data, forward() * factor.time_step, factor.state_step, steps, scan_.states}, scratch, transpose_);
}

Piece ChannelWork::piece(const Sequence& sequence, const float* data, std::int64_t first, std::int64_t channels,
                         std::int64_t step, std::int64_t steps) const {
  const std::int64_t offset = range_.batch * sequence.batch_step + (range_.first + first) * sequence.channel_step +
                              time_of(step) * sequence.time_step;
  return {data + offset, forward() * sequence.time_step, sequence.channel_step, steps, channels};
}

ChannelWork::Work ChannelWork::gather(std::int64_t first, std::int64_t channels, std::int64_t step, std::int64_t steps,
                                      const ConstRows& b, const ConstRows& c) {
  float* const pieces = pieces_.get();
  const auto slot = [&](int i) { return pieces == nullptr ? nullptr : pieces + i * kPieceFloats; };
  const auto rows = [&](const Sequence& sequence, int i) {
    if (sequence.data == nullptr) return ConstRows{};
    return gather_rows(piece(sequence, sequence.data, first, channels, step, steps), slot(i), transpose_);
  };
  const ConstRows u = rows(scan_.u, 0), delta = rows(scan_.delta, 1), z = rows(scan_.z, 2);
  const Piece target = piece(scan_.y, scan_.y_data, first, channels, step, steps);
  float* const y_data = scan_.y_data + (target.data - scan_.y_data);
  const Rows y = target_rows(target, y_data, slot(3));
  const std::int64_t channel = range_.first + first;
  const kernels::SelectiveScanArgs args{
      .u = u.data,
      .delta = delta.data,
      .z = z.data,
      .b = scan_.b.per_channel ? b.data + first : b.data,
      .c = scan_.c.per_channel ? c.data + first : c.data,
      .y = y.data,
      .u_step = u.step,
      .delta_step = delta.step,
      .z_step = z.step,
      .b_step = b.step,
      .c_step = c.step,
      .y_step = y.step,
      .b_per_channel = scan_.b.per_channel,
      .c_per_channel = scan_.c.per_channel,
      .a2 = a2_.get() + first,
      .channel_stride = stride_,
      .d = scan_.d == nullptr ? nullptr : scan_.d + channel,
      .delta_bias = scan_.delta_bias == nullptr ? nullptr : scan_.delta_bias + channel,
      .state = states_.get() + first,
      .steps = steps,
      .channels = channels,
      .states = scan_.states,
      .delta_softplus = scan_.delta_softplus,
  };
  return {args, target, y_data, slot(3)};
}

void ChannelWork::announce(std::int64_t first, std::int64_t step) {
  const auto lines = [&](const Sequence& sequence) {
    if (sequence.data == nullptr) return kernels::StepsAhead{};
    return lines_of(piece(sequence, sequence.data, first, kChannelBlock, step, kTileSteps));
  };
  ahead_[0] = lines(scan_.u);
  ahead_[1] = lines(scan_.delta);
  ahead_[2] = lines(scan_.z);
}

void ChannelWork::throw_broken(const kernels::SelectiveScanArgs& args, std::int64_t first, std::int64_t step) const {
  for (std::int64_t t = 0; t < args.steps; ++t) {
    for (std::int64_t i = 0; i < args.channels; ++i) {
      const float bias = args.delta_bias == nullptr ? 0.0f : args.delta_bias[i];
      const float value = args.delta[t * args.delta_step + i] + bias;
      if (std::isfinite(value)) continue;
      const std::string place = "batch item " + std::to_string(range_.batch) + ", channel " +
                                std::to_string(range_.first + first + i) + ", step " +
                                std::to_string(time_of(step + t));
      throw Error(ErrorCode::kInvalidArgument, "delta" + std::string(args.delta_bias ? " + deltaBias" : "") + " is " +
                                                   std::to_string(value) + " at " + place +
                                                   ", expected a finite number");
    }
  }
  throw Error(ErrorCode::kInternal, "a kernel found a delta that is not finite, and there is none");
}

}  // namespace histojet::scan
