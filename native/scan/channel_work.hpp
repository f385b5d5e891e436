#pragma once

#include <algorithm>

#include "base/aligned_buffer.hpp"
#include "kernels/selective_scan/selective_scan.hpp"
#include "scan/channel_split.hpp"
#include "scan/selective_scan.hpp"
#include "scan/tile_rows.hpp"

namespace histojet::scan {

/// Steps of one call of a kernel: few enough that their rows stay in L2 for all channels.
constexpr std::int64_t kTileSteps = 32;

/// A range of channels of one scan: their parameters and states as kernels take them, and their sequences cut into
/// pieces of which channels lie side by side.
class ChannelWork {
 public:
  /// `scan` must outlive the object. `most_steps` is the largest that for_each_piece() will be asked for.
  ChannelWork(const SelectiveScan& scan, const ChannelRange& range, Isa isa, std::int64_t most_steps);

  /// Whether all sequences have their channels side by side, so that pieces are no copies.
  static bool in_place(const SelectiveScan& scan);

  const ChannelRange& range() const { return range_; }
  /// Floats between the rows of states.
  std::int64_t stride() const { return stride_; }
  /// [states][stride]
  float* states() { return states_.get(); }

  /// One piece: channels from `first` on within the range, steps from `step` on within those asked for.
  struct Place {
    std::int64_t first;
    std::int64_t step;
  };

  /// Calls kernel(args, place) for pieces that together are the scan's steps [step, step + steps) of all channels.
  /// `args` lacks nothing. @throws Error kInvalidArgument for a delta that is not finite.
  template <class Kernel>
  void for_each_piece(std::int64_t step, std::int64_t steps, bool stream, const Kernel& kernel) {
    const ConstRows b = factor_rows(scan_.b, b_constant_, b_rows_.get(), step, steps);
    const ConstRows c = factor_rows(scan_.c, c_constant_, c_rows_.get(), step, steps);
    const std::int64_t width = pieces_ == nullptr ? range_.count : kChannelBlock;
    for (std::int64_t first = 0; first < range_.count; first += width) {
      const std::int64_t channels = std::min(width, range_.count - first);
      for (std::int64_t t = 0; t < steps; t += kTileSteps) {
        const std::int64_t part = std::min(kTileSteps, steps - t);
        bool broken = false;
        Work work =
            gather(first, channels, step + t, part, {b.data + t * b.step, b.step}, {c.data + t * c.step, c.step});
        work.args.stream = stream && work.target.column_step == 1;
        work.args.delta_broken = &broken;
        if (pieces_ != nullptr) {
          const bool same_channels = t + part < steps, more_channels = first + width < range_.count;
          announce(same_channels ? first : (more_channels ? first + width : 0),
                   same_channels || !more_channels ? step + t + part : step);
          work.args.ahead = ahead_;
        }
        kernel(work.args, Place{first, t});
        if (broken) throw_broken(work.args, first, step + t);
        scatter_rows(work.target, work.y_data, work.y_scratch, stream, transpose_);
      }
    }
  }

  /// Writes the states to the scan's `last_state`.
  void save_states() const;

 private:
  /// A piece as the kernel takes it, and where its results belong.
  struct Work {
    kernels::SelectiveScanArgs args;
    Piece target;
    float* y_data;
    float* y_scratch;
  };

  std::int64_t time_of(std::int64_t index) const { return scan_.reverse ? scan_.length - 1 - index : index; }
  std::int64_t forward() const { return scan_.reverse ? -1 : 1; }
  std::int64_t state_offset() const { return (range_.batch * scan_.channels + range_.first) * scan_.states; }
  void fill_rows(float* rows, const float* from, double factor) const;
  AlignedBuffer<float> constant(const float* values) const;
  AlignedBuffer<float> scratch(const Factor& factor, std::int64_t steps) const;
  ConstRows factor_rows(const Factor& factor, const AlignedBuffer<float>& constant, float* scratch, std::int64_t step,
                        std::int64_t steps) const;
  Piece piece(const Sequence& sequence, const float* data, std::int64_t first, std::int64_t channels, std::int64_t step,
              std::int64_t steps) const;
  Work gather(std::int64_t first, std::int64_t channels, std::int64_t step, std::int64_t steps, const ConstRows& b,
              const ConstRows& c);
  /// Notes for the kernel which piece comes next; it may lie beyond the scan.
  void announce(std::int64_t first, std::int64_t step);
  [[noreturn]] void throw_broken(const kernels::SelectiveScanArgs& args, std::int64_t first, std::int64_t step) const;

  const SelectiveScan& scan_;
  const ChannelRange range_;
  const kernels::KernelTable<kernels::TransposeTileArgs>::Function transpose_;
  const std::int64_t stride_;
  AlignedBuffer<float> states_;
  AlignedBuffer<float> a2_;
  AlignedBuffer<float> b_constant_;
  AlignedBuffer<float> c_constant_;
  AlignedBuffer<float> b_rows_;
  AlignedBuffer<float> c_rows_;
  AlignedBuffer<float> pieces_;  ///< of u, delta, z and y
  kernels::StepsAhead ahead_[kernels::kMostAhead];
};

}  // namespace histojet::scan
