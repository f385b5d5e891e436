#include "explain/branch_sweep.hpp"

#include <algorithm>
#include <cmath>

#include "kernels/adjoint_scan/adjoint_scan.hpp"
#include "kernels/selective_scan/selective_scan.hpp"

namespace histojet::explain {
namespace {

constexpr std::int64_t kTileTokens = 256;

AlignedBuffer<float> zeros(std::int64_t count) {
  auto values = make_aligned<float>(static_cast<std::size_t>(count));
  std::fill_n(values.get(), count, 0.0F);
  return values;
}

/// `to` [count][states] gets the sizes of the rows of `from`.
void absolutes(const float* from, std::int64_t step, std::int64_t count, std::int64_t states, float* to) {
  for (std::int64_t i = 0; i < count; ++i) {
    for (std::int64_t n = 0; n < states; ++n) to[i * states + n] = std::fabs(from[i * step + n]);
  }
}

}  // namespace

BranchSweep::BranchSweep(BlockTerms& terms, Direction direction, const RolloutOptions& options)
    : source_(terms),
      direction_(direction),
      options_(options),
      constants_(terms.constants(direction)),
      tokens_(terms.tokens()),
      segment_(direction == Direction::kBackward && options.backward_segment > 0 ? options.backward_segment : tokens_),
      outputs_(zeros(kTileTokens * constants_.channel_stride)) {
  ones_ = make_aligned<float>(static_cast<std::size_t>(constants_.channel_stride));
  std::fill_n(ones_.get(), constants_.channel_stride, 1.0F);
  if (options.sign == Sign::kSigned) return;
  absolute_b_ = zeros(kTileTokens * constants_.states);
  absolute_c_ = zeros(kTileTokens * constants_.states);
}

template <class Work>
void BranchSweep::for_tiles(bool with_scan, const Work& work) {
  const bool upwards = (direction_ == Direction::kForward) == with_scan;
  const std::int64_t tiles = (tokens_ + kTileTokens - 1) / kTileTokens;
  for (std::int64_t i = 0; i < tiles; ++i) {
    options_.cancel.throw_if_cancelled();
    Tile tile;
    tile.first = (upwards ? i : tiles - 1 - i) * kTileTokens;
    tile.count = std::min(kTileTokens, tokens_ - tile.first);
    tile.terms = source_.terms(direction_, tile.first, tile.count);
    if (options_.sign == Sign::kMajorant) take_absolutes(tile);
    work(tile);
  }
}

template <class Work>
void BranchSweep::for_runs(const Tile& tile, std::int64_t tokens, std::int64_t segment, bool upwards,
                           const Work& work) {
  const std::int64_t tile_end = tile.first + tile.count;
  if (upwards) {
    for (std::int64_t begin = tile.first; begin < tile_end;) {
      const std::int64_t end = std::min(tile_end, (begin / segment + 1) * segment);
      work(begin, end - begin, begin % segment == 0);
      begin = end;
    }
    return;
  }
  for (std::int64_t end = tile_end; end > tile.first;) {
    const std::int64_t begin = std::max(tile.first, (end - 1) / segment * segment);
    work(begin, end - begin, end == tokens || end % segment == 0);
    end = begin;
  }
}

AlignedBuffer<float> BranchSweep::zero_state() const {
  return zeros(constants_.states * constants_.channel_stride);
}

void BranchSweep::clear(float* state) const {
  std::fill_n(state, constants_.states * constants_.channel_stride, 0.0F);
}

void BranchSweep::take_absolutes(Tile& tile) {
  ScanTerms& terms = tile.terms;
  absolutes(terms.b, terms.b_step, tile.count, constants_.states, absolute_b_.get());
  absolutes(terms.c, terms.c_step, tile.count, constants_.states, absolute_c_.get());
  terms.b = absolute_b_.get();
  terms.c = absolute_c_.get();
  terms.b_step = terms.c_step = constants_.states;
}

void BranchSweep::row_sums(float* to) {
  const AlignedBuffer<float> state = zero_state();
  const bool upwards = direction_ == Direction::kForward;
  for_tiles(true, [&](const Tile& tile) {
    for_runs(tile, tokens_, segment_, upwards, [&](std::int64_t begin, std::int64_t count, bool fresh) {
      if (fresh) clear(state.get());
      scan_ones(tile, begin, count, state.get());
    });
    mean_rows(tile, to + tile.first);
  });
}

void BranchSweep::scan_ones(const Tile& tile, std::int64_t begin, std::int64_t count, float* state) {
  const ScanTerms& terms = tile.terms;
  const std::int64_t way = direction_ == Direction::kForward ? 1 : -1;
  const std::int64_t start = (way > 0 ? begin : begin + count - 1) - tile.first;
  const bool valued = terms.value != nullptr;
  kernels::kSelectiveScan.pick(options_.isa)({.u = valued ? terms.value + start * terms.value_step : ones_.get(),
                                              .delta = terms.delta + start * terms.delta_step,
                                              .b = terms.b + start * terms.b_step,
                                              .c = terms.c + start * terms.c_step,
                                              .y = outputs_.get() + start * constants_.channel_stride,
                                              .u_step = valued ? way * terms.value_step : 0,
                                              .delta_step = way * terms.delta_step,
                                              .b_step = way * terms.b_step,
                                              .c_step = way * terms.c_step,
                                              .y_step = way * constants_.channel_stride,
                                              .a2 = constants_.a2,
                                              .channel_stride = constants_.channel_stride,
                                              .d = constants_.d,
                                              .delta_bias = constants_.delta_bias,
                                              .state = state,
                                              .steps = count,
                                              .channels = constants_.channels,
                                              .states = constants_.states,
                                              .delta_softplus = constants_.delta_softplus});
}

void BranchSweep::mean_rows(const Tile& tile, float* to) const {
  for (std::int64_t i = 0; i < tile.count; ++i) {
    const float* row = outputs_.get() + i * constants_.channel_stride;
    double sum = 0;
    if (tile.terms.importance == nullptr) {
      for (std::int64_t c = 0; c < constants_.channels; ++c) sum += row[c];
    } else {
      const float* importance = tile.terms.importance + i * tile.terms.importance_step;
      for (std::int64_t c = 0; c < constants_.channels; ++c) sum += static_cast<double>(importance[c]) * row[c];
    }
    to[i] = static_cast<float>(sum / static_cast<double>(constants_.channels));
  }
}

void BranchSweep::column_sums(const Columns& first, const Columns& second) {
  Adjoint adjoints[2] = {{first, zero_state()}, {second, nullptr}};
  if (second.weight != nullptr) adjoints[1].state = zero_state();
  for_tiles(false, [&](const Tile& tile) {
    for (Adjoint& adjoint : adjoints) {
      if (adjoint.columns.weight != nullptr) run_adjoint(tile, adjoint);
    }
  });
}

void BranchSweep::run_adjoint(const Tile& tile, Adjoint& adjoint) {
  const Columns& columns = adjoint.columns;
  const std::int64_t segment = columns.segment > 0 ? std::min(columns.segment, segment_) : segment_;
  const bool upwards = direction_ == Direction::kBackward;
  const std::int64_t way = upwards ? 1 : -1;
  const ScanTerms& terms = tile.terms;
  for_runs(tile, tokens_, segment, upwards, [&](std::int64_t begin, std::int64_t count, bool fresh) {
    if (fresh) clear(adjoint.state.get());
    const std::int64_t token = upwards ? begin : begin + count - 1, start = token - tile.first;
    kernels::kAdjointScan.pick(options_.isa)(
        {.delta = terms.delta + start * terms.delta_step,
         .b = terms.b + start * terms.b_step,
         .c = terms.c + start * terms.c_step,
         .weight = columns.weight + token,
         .delta_step = way * terms.delta_step,
         .b_step = way * terms.b_step,
         .c_step = way * terms.c_step,
         .weight_step = way,
         .importance = terms.importance == nullptr ? nullptr : terms.importance + start * terms.importance_step,
         .importance_step = way * terms.importance_step,
         .value = terms.value == nullptr ? nullptr : terms.value + start * terms.value_step,
         .value_step = way * terms.value_step,
         .a2 = constants_.a2,
         .channel_stride = constants_.channel_stride,
         .delta_bias = constants_.delta_bias,
         .d = constants_.d,
         .state = adjoint.state.get(),
         .sum = columns.to + token,
         .sum_step = way,
         .steps = count,
         .channels = constants_.channels,
         .states = constants_.states,
         .delta_softplus = constants_.delta_softplus});
  });
  const float share = 1 / static_cast<float>(constants_.channels);
  for (std::int64_t i = 0; i < tile.count; ++i) columns.to[tile.first + i] *= share;
}

}  // namespace histojet::explain
