#include "scan/selective_scan.hpp"

#include <atomic>

#include "base/executor.hpp"
#include "scan/channel_work.hpp"
#include "scan/checked_scan.hpp"

namespace histojet::scan {

namespace {

// Steps of one channel block before the next one has its turn, where time is the inner dimension: long enough pieces of
// each row for the memory, short enough that B and C of all of them stay in L2.
constexpr std::int64_t kStrideSteps = 256;
// Results larger than this are not in L2 when they are needed again: reading their memory before it is written over
// would cost as much as one of the inputs.
constexpr std::int64_t kStreamBytes = std::int64_t{2} << 20;

}  // namespace

void selective_scan(const SelectiveScan& scan, const ScanRun& run) {
  check_scan(scan);
  run.cancel.throw_if_cancelled();
  const int threads = run.threads > 0 ? run.threads : Executor::instance().thread_count();
  const auto ranges = split_channels(scan.batch, scan.groups, scan.channels, threads);
  const auto kernel = kernels::kSelectiveScan.pick(run.isa);
  const std::int64_t tile = ChannelWork::in_place(scan) ? kTileSteps : kStrideSteps;
  const std::int64_t values = scan.batch * scan.channels * scan.length;
  std::atomic<std::int64_t> done{0};
  Executor::instance().parallel_for(static_cast<std::int64_t>(ranges.size()), threads, [&](std::int64_t i) {
    ChannelWork work(scan, ranges[static_cast<std::size_t>(i)], run.isa, tile);
    for (std::int64_t step = 0; step < scan.length; step += tile) {
      run.cancel.throw_if_cancelled();
      const std::int64_t steps = std::min(tile, scan.length - step);
      work.for_each_piece(step, steps, 4 * values > kStreamBytes,
                          [&](const kernels::SelectiveScanArgs& args, const ChannelWork::Place&) { kernel(args); });
      const std::int64_t here = steps * work.range().count;
      if (run.progress) run.progress(done.fetch_add(here) + here, values);
    }
    if (scan.last_state != nullptr) work.save_states();
  });
}

}  // namespace histojet::scan
