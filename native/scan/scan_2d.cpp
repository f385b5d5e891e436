#include "scan/scan_2d.hpp"

#include <atomic>

#include "base/checked.hpp"
#include "base/error.hpp"
#include "base/executor.hpp"
#include "kernels/scan_2d/scan_2d.hpp"
#include "scan/channel_work.hpp"
#include "scan/checked_scan.hpp"

namespace histojet::scan {

namespace {

// Columns that are done for all rows before the next ones: their states stay in L2.
constexpr std::int64_t kColumns = 512;

void check_grid(const SelectiveScan& scan, std::int64_t height, std::int64_t width) {
  const auto cells = checked_mul(static_cast<std::uint64_t>(height), static_cast<std::uint64_t>(width));
  if (height < 0 || width < 0 || cells != static_cast<std::uint64_t>(scan.length)) {
    throw Error(ErrorCode::kShapeMismatch, "2-D scan: " + std::to_string(height) + " x " + std::to_string(width) +
                                               " cells are not the length " + std::to_string(scan.length));
  }
  if (scan.initial_state != nullptr || scan.last_state != nullptr) {
    throw Error(ErrorCode::kInvalidArgument, "2-D scan: a grid has neither an initial nor a last state");
  }
}

AlignedBuffer<float> zeros(std::int64_t count) {
  auto values = make_aligned<float>(static_cast<std::size_t>(count));
  std::fill_n(values.get(), count, 0.0f);
  return values;
}

/// One block of channels of a grid.
class GridWork {
 public:
  GridWork(const SelectiveScan& scan, const ChannelRange& range, std::int64_t height, std::int64_t width, Isa isa)
      : work_(scan, range, isa, std::min(width, kColumns)),
        height_(height),
        width_(width),
        cell_floats_(scan.states * work_.stride()),
        kernel_(kernels::kScan2d.pick(isa)) {
    above_ = make_aligned<float>(static_cast<std::size_t>(std::min(width, kColumns) * cell_floats_));
    if (width > kColumns) left_ = zeros(height * cell_floats_);
  }

  template <class AfterRow>
  void run(const AfterRow& after_row) {
    for (std::int64_t column = 0; column < width_; column += kColumns) {
      const std::int64_t columns = std::min(kColumns, width_ - column);
      std::fill_n(above_.get(), columns * cell_floats_, 0.0f);
      for (std::int64_t row = 0; row < height_; ++row) {
        run_row(row, column, columns);
        after_row(columns);
      }
    }
  }

 private:
  void run_row(std::int64_t row, std::int64_t column, std::int64_t columns) {
    float* const kept = left_ == nullptr ? nullptr : left_.get() + row * cell_floats_;
    if (kept == nullptr) {
      std::fill_n(work_.states(), cell_floats_, 0.0f);
    } else {
      std::copy_n(kept, cell_floats_, work_.states());
    }
    work_.for_each_piece(row * width_ + column, columns, false,
                         [&](const kernels::SelectiveScanArgs& args, const ChannelWork::Place& place) {
                           kernel_({args, above_.get() + place.step * cell_floats_ + place.first, cell_floats_});
                         });
    if (kept != nullptr) std::copy_n(work_.states(), cell_floats_, kept);
  }

  ChannelWork work_;
  const std::int64_t height_;
  const std::int64_t width_;
  const std::int64_t cell_floats_;
  const kernels::KernelTable<kernels::Scan2dArgs>::Function kernel_;
  AlignedBuffer<float> above_;
  AlignedBuffer<float> left_;  ///< of each row what came along it, where rows are cut
};

}  // namespace

void scan_2d(const SelectiveScan& scan, std::int64_t height, std::int64_t width, const ScanRun& run) {
  check_grid(scan, height, width);
  check_scan(scan);
  run.cancel.throw_if_cancelled();
  const int threads = run.threads > 0 ? run.threads : Executor::instance().thread_count();
  const auto ranges = channel_blocks(scan.batch, scan.groups, scan.channels);
  const std::int64_t values = scan.batch * scan.channels * scan.length;
  std::atomic<std::int64_t> done{0};
  Executor::instance().parallel_for(static_cast<std::int64_t>(ranges.size()), threads, [&](std::int64_t i) {
    const ChannelRange& range = ranges[static_cast<std::size_t>(i)];
    GridWork(scan, range, height, width, run.isa).run([&](std::int64_t cells) {
      run.cancel.throw_if_cancelled();
      const std::int64_t here = cells * range.count;
      if (run.progress) run.progress(done.fetch_add(here) + here, values);
    });
  });
}

}  // namespace histojet::scan
