#include "tokens/sr_mamba.hpp"

#include <algorithm>
#include <limits>
#include <string>

#include "base/checked.hpp"
#include "base/error.hpp"

namespace histojet::tokens {

std::vector<std::int32_t> strided_order(std::int64_t tokens, std::int64_t rate) {
  const std::int64_t turns = ceil_div(tokens, rate);
  std::vector<std::int32_t> order(static_cast<std::size_t>(turns * rate), -1);
  for (std::int64_t t = 0; t < tokens; ++t) {
    order[static_cast<std::size_t>(t % rate * turns + t / rate)] = static_cast<std::int32_t>(t);
  }
  return order;
}

void accumulate_strided(const MambaMixer& mixer, const MixerRun& run, std::int64_t rate, MixerScratch& scratch,
                        int threads, const CancelToken& cancel) {
  if (mixer.config().bidirectional != Bidirectional::kV2 || rate < 1 || run.in.order != nullptr ||
      run.out.order != nullptr || run.tokens > std::numeric_limits<std::int32_t>::max() - rate) {
    throw Error(ErrorCode::kInvalidArgument,
                "SR-Mamba: expected a mixer with two branches of their own, tokens in order and a rate of at least 1 "
                "(found " +
                    std::to_string(rate) + ")");
  }
  MambaState state = mixer.start(Direction::kForward);
  mixer.accumulate(Direction::kForward, run, state, scratch, threads, cancel);
  // The second branch goes backward through what it is given.
  std::vector<std::int32_t> order = strided_order(run.tokens, rate);
  std::ranges::reverse(order);
  MixerRun strided = run;
  strided.in.order = order.data();
  strided.out.order = order.data();
  strided.tokens = static_cast<std::int64_t>(order.size());
  state = mixer.start(Direction::kBackward);
  mixer.accumulate(Direction::kBackward, strided, state, scratch, threads, cancel);
}

}  // namespace histojet::tokens
