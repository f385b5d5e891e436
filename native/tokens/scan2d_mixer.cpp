#include "tokens/scan2d_mixer.hpp"

#include <algorithm>
#include <string>

#include "base/checked.hpp"
#include "base/error.hpp"
#include "tokens/mamba_compiled.hpp"
#include "tokens/mamba_tiles.hpp"
#include "tokens/scan2d_cells.hpp"

namespace histojet::tokens {
namespace {

constexpr std::uint64_t kMostStateBytes = std::uint64_t{1} << 30;

void expect(bool holds, const std::string& what) {
  if (!holds) throw Error(ErrorCode::kInvalidArgument, "2-D scan of a mixer: " + what);
}

void check_direction(const MambaMixer& mixer, Direction direction) {
  if (direction == Direction::kForward) return;
  expect(mixer.config().bidirectional == Bidirectional::kV2,
         "expected a backward branch with a convolution and projections of its own (`conv1d_b`, …)");
}

}  // namespace

Scan2dState start_scan2d(const MambaMixer& mixer, std::int64_t width) {
  expect(width >= 1, "a row has " + std::to_string(width) + " cells, expected at least 1");
  const auto column_floats = static_cast<std::uint64_t>(scan2d_column_floats(mixer.compiled()));
  const auto floats = checked_mul(column_floats, static_cast<std::uint64_t>(width));
  expect(floats && *floats <= kMostStateBytes / sizeof(float),
         "the states of a row of " + std::to_string(width) + " cells, " +
             std::to_string(column_floats * sizeof(float)) + " bytes each, are more than 1 GiB");
  Scan2dState state{.width = width, .mixer = mixer.start(Direction::kForward)};
  state.above = make_aligned<float>(static_cast<std::size_t>(*floats));
  std::fill_n(state.above.get(), *floats, 0.0F);
  return state;
}

void accumulate_scan2d(const MambaMixer& mixer, Direction direction, const MixerRun& run, Scan2dState& state,
                       MixerScratch& scratch, int threads, const CancelToken& cancel) {
  check_direction(mixer, direction);
  const MambaConfig& config = mixer.config();
  expect(state.mixer.inner == config.inner() && state.mixer.d_conv == config.d_conv &&
             state.mixer.d_state == config.d_state && state.width >= 1 && state.above != nullptr,
         "the state is of another mixer");
  if (run.tokens <= 0) return;
  run_mixer(mixer.compiled(), direction, run, state.mixer, scratch.buffers(), resolved_threads(threads), cancel,
            &state);
  state.column = (state.column + run.tokens) % state.width;
}

void accumulate_scan2d_all(const MambaMixer& mixer, const MixerRun& run, std::int64_t height, std::int64_t width,
                           MixerScratch& scratch, int threads, const CancelToken& cancel) {
  const auto cells = checked_mul(static_cast<std::uint64_t>(height), static_cast<std::uint64_t>(width));
  if (height < 0 || width < 0 || cells != static_cast<std::uint64_t>(run.tokens)) {
    throw Error(ErrorCode::kShapeMismatch, "2-D scan of a mixer: " + std::to_string(height) + " x " +
                                               std::to_string(width) + " cells are not " + std::to_string(run.tokens) +
                                               " tokens");
  }
  if (run.tokens == 0) return;
  const bool both = mixer.config().bidirectional != Bidirectional::kNone;
  if (both) check_direction(mixer, Direction::kBackward);
  Scan2dState state = start_scan2d(mixer, width);
  accumulate_scan2d(mixer, Direction::kForward, run, state, scratch, threads, cancel);
  if (!both) return;
  state = start_scan2d(mixer, width);
  accumulate_scan2d(mixer, Direction::kBackward, run, state, scratch, threads, cancel);
}

}  // namespace histojet::tokens
