#include "tokens/scan2d_cells.hpp"

#include <algorithm>

#include "kernels/scan_2d/scan_2d.hpp"
#include "tokens/mamba_compiled.hpp"

namespace histojet::tokens {

namespace {

/// Channels whose states of the row above lie side by side for each cell, so that memory is read in one run.
constexpr std::int64_t kBlock = 16;

AlignedBuffer<float> floats(std::int64_t count) {
  return make_aligned<float>(static_cast<std::size_t>(count));
}

/// Some cells in raster order, a block of channels at a time.
class BlockScan {
 public:
  BlockScan(const kernels::SelectiveScanArgs& cells, std::int64_t first_column, Scan2dState& grid, Isa isa)
      : cells_(cells),
        first_column_(first_column),
        cell_floats_(cells.states * kBlock),
        grid_(grid),
        kernel_(kernels::kScan2d.pick(isa)),
        a2_(floats(cell_floats_)),
        row_state_(floats(cell_floats_)) {}

  void run(std::int64_t channel, std::int64_t channels) {
    copy_in(cells_.a2, channel, a2_.get());
    copy_in(cells_.state, channel, row_state_.get());
    std::int64_t column = first_column_;
    for (std::int64_t t = 0; t < cells_.steps;) {
      const std::int64_t count = std::min(grid_.width - column, cells_.steps - t);
      if (column == 0) std::fill_n(row_state_.get(), cell_floats_, 0.0F);
      float* const above = grid_.above.get() + (channel / kBlock * grid_.width + column) * cell_floats_;
      kernel_({.row = piece(t, count, channel, channels), .above = above, .above_step = cell_floats_});
      t += count;
      column = 0;
    }
    copy_out(row_state_.get(), channel, cells_.state);
  }

 private:
  /// Neighbouring cells of one row.
  kernels::SelectiveScanArgs piece(std::int64_t t, std::int64_t count, std::int64_t channel,
                                   std::int64_t channels) const {
    kernels::SelectiveScanArgs args = cells_;
    args.u += t * args.u_step + channel;
    args.delta += t * args.delta_step + channel;
    if (args.z != nullptr) args.z += t * args.z_step + channel;
    args.b += t * args.b_step;
    args.c += t * args.c_step;
    args.y += t * args.y_step + channel;
    args.a2 = a2_.get();
    args.channel_stride = kBlock;
    if (args.d != nullptr) args.d += channel;
    if (args.delta_bias != nullptr) args.delta_bias += channel;
    args.state = row_state_.get();
    args.steps = count;
    args.channels = channels;
    return args;
  }

  /// [states][stride] of all channels to [states][16] of these, and back.
  void copy_in(const float* from, std::int64_t channel, float* to) const {
    for (std::int64_t n = 0; n < cells_.states; ++n) {
      std::copy_n(from + n * cells_.channel_stride + channel, kBlock, to + n * kBlock);
    }
  }
  void copy_out(const float* from, std::int64_t channel, float* to) const {
    for (std::int64_t n = 0; n < cells_.states; ++n) {
      std::copy_n(from + n * kBlock, kBlock, to + n * cells_.channel_stride + channel);
    }
  }

  const kernels::SelectiveScanArgs cells_;
  const std::int64_t first_column_;
  const std::int64_t cell_floats_;
  Scan2dState& grid_;
  const kernels::KernelTable<kernels::Scan2dArgs>::Function kernel_;
  AlignedBuffer<float> a2_;
  AlignedBuffer<float> row_state_;
};

}  // namespace

std::int64_t scan2d_column_floats(const MambaMixer::Compiled& mixer) {
  return mixer.stride * mixer.config.d_state;
}

void scan_cells(const kernels::SelectiveScanArgs& args, Range channels, std::int64_t column, Scan2dState& state,
                Isa isa) {
  BlockScan scan(args, column, state, isa);
  for (std::int64_t c = channels.begin; c < channels.end; c += kBlock) {
    scan.run(c, std::min(kBlock, channels.end - c));
  }
}

}  // namespace histojet::tokens
