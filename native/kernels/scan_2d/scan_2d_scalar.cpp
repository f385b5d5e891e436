#include <cmath>

#include "kernels/scan_2d/scan_2d.hpp"
#include "kernels/selective_scan/scan_step.hpp"

namespace histojet::kernels::scalar {

void scan_2d(const Scan2dArgs& args) {
  const SelectiveScanArgs& row = args.row;
  for (std::int64_t t = 0; t < row.steps; ++t) {
    for (std::int64_t channel = 0; channel < row.channels; ++channel) {
      const StepInput in = step_input(row, t, channel);
      double sum = 0;
      for (std::int64_t n = 0; n < row.states; ++n) {
        const std::int64_t at = n * row.channel_stride + channel;
        const StateInput state = state_input(row, in, t, n, channel);
        row.state[at] = static_cast<float>(state.decay * row.state[at] + state.input);
        float& cell = args.above[t * args.above_step + at];
        cell = static_cast<float>(state.decay * cell + row.state[at]);
        sum += state.c * cell;
      }
      write_step(row, in, t, channel, sum);
    }
  }
}

}  // namespace histojet::kernels::scalar
