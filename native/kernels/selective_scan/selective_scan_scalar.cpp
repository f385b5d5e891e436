#include "kernels/selective_scan/scan_step.hpp"

namespace histojet::kernels::scalar {

void selective_scan(const SelectiveScanArgs& args) {
  for (std::int64_t t = 0; t < args.steps; ++t) {
    for (std::int64_t channel = 0; channel < args.channels; ++channel) {
      const StepInput in = step_input(args, t, channel);
      double sum = 0;
      for (std::int64_t n = 0; n < args.states; ++n) {
        const StateInput state = state_input(args, in, t, n, channel);
        float& h = args.state[n * args.channel_stride + channel];
        h = static_cast<float>(state.decay * h + state.input);
        sum += state.c * h;
      }
      write_step(args, in, t, channel, sum);
    }
  }
}

}  // namespace histojet::kernels::scalar
