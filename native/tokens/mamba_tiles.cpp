#include "tokens/mamba_tiles.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "base/checked.hpp"
#include "kernels/activation/activation.hpp"
#include "kernels/add_rows/add_rows.hpp"
#include "kernels/causal_conv1d/causal_conv1d.hpp"
#include "tokens/scan2d_cells.hpp"

namespace histojet::tokens {

using kernels::Storage;

namespace {

/// Buffers of a tile and the packed weights share the second-level cache.
constexpr std::int64_t kTileBytes = 768 << 10;
constexpr std::int64_t kRowGranule = 32;
constexpr std::int64_t kMostRows = 2048;
constexpr std::int64_t kChannelGranule = 16;
constexpr std::int64_t kFloatBytes = 4;
constexpr int kMostTurns = 3;
/// Of the buffers of a sequence whose two directions share them.
constexpr std::int64_t kWholeBytes = 8 << 20;

std::int64_t bytes_per_token(const MambaMixer::Compiled& mixer) {
  const std::int64_t columns = mixer.config.dt_rank + 2 * mixer.config.d_state;
  return kFloatBytes * (6 * mixer.stride + 3 * mixer.config.dim + columns);
}

std::int64_t tile_rows(const MambaMixer::Compiled& mixer, int threads) {
  const std::int64_t fitting = kTileBytes / bytes_per_token(mixer) / kRowGranule * kRowGranule;
  return std::clamp(fitting, kRowGranule, kMostRows) * threads;
}

/// values / sqrt(mean of their squares + epsilon) * weight, in place.
void rms_in_place(float* values, std::int64_t count, const float* weight, float epsilon) {
  double squares = 0;
  for (std::int64_t i = 0; i < count; ++i) squares += static_cast<double>(values[i]) * values[i];
  const double factor = 1 / std::sqrt(squares / static_cast<double>(count) + epsilon);
  for (std::int64_t i = 0; i < count; ++i) {
    values[i] = static_cast<float>(values[i] * factor * (weight != nullptr ? weight[i] : 1.0F));
  }
}

/// Convolutions of more taps than the kernel has: any number of them.
void convolve_long(const MambaProjections& weights, std::int64_t channels, const float* in, std::int64_t in_step,
                   float* out, std::int64_t out_step, std::int64_t tokens) {
  for (std::int64_t t = 0; t < tokens; ++t) {
    float* sums = out + t * out_step;
    std::copy_n(weights.conv_bias.get(), channels, sums);
    for (std::int64_t k = 0; k < weights.taps; ++k) {
      const float* row = in + (t - (weights.taps - 1) + k) * in_step;
      const float* weight = weights.conv_weight.get() + k * channels;
      for (std::int64_t c = 0; c < channels; ++c) sums[c] = std::fma(row[c], weight[c], sums[c]);
    }
  }
}

}  // namespace

MixerScratch::Buffers& MixerScratch::Buffers::beside() {
  if (!second) second = std::make_unique<Buffers>();
  return *second;
}

void MixerScratch::Buffers::need_helpers(std::size_t count) {
  while (helpers.size() < count) helpers.push_back(std::make_unique<Buffers>());
}

std::int64_t MixerScratch::Buffers::byte_size() const {
  std::int64_t bytes = static_cast<std::int64_t>(waiting.capacity() + residual.capacity()) * kFloatBytes;
  for (const RowBuffer* buffer : {&wide, &input, &raw, &u, &narrow, &x_dbl, &narrow_dt, &delta, &y, &out}) {
    bytes += buffer->byte_size();
  }
  for (const auto& helper : helpers) bytes += helper->byte_size();
  return bytes + (second ? second->byte_size() : 0);
}

void run_mixer(const MambaMixer::Compiled& mixer, Direction direction, const MixerRun& run, MambaState& state,
               MixerScratch::Buffers& buffers, int threads, const CancelToken& cancel, Scan2dState* grid) {
  // More than a few in turns would wait for the scan, which is a third of the work and more; they share tiles.
  const int turns = threads <= kMostTurns ? threads : 2;
  const int sharing = threads / std::max(turns, 1);
  MambaTiles first(mixer, direction, run, state, buffers, sharing, grid);
  if (turns < 2 || !first.is_long()) {
    return MambaTiles(mixer, direction, run, state, buffers, threads, grid).run(cancel);
  }
  buffers.need_helpers(static_cast<std::size_t>(turns - 1));
  MambaRelay relay;
  Executor::instance().parallel_for(turns, turns, [&](std::int64_t i) {
    try {
      if (i == 0) return first.run_in_relay(relay, cancel);
      MixerScratch::Buffers& own = *buffers.helpers[static_cast<std::size_t>(i - 1)];
      MambaTiles(mixer, direction, run, state, own, sharing, grid).run_in_relay(relay, cancel);
    } catch (...) {
      relay.fail();
      throw;
    }
  });
}

bool run_both_directions(const MambaMixer::Compiled& mixer, const MixerRun& run, MixerScratch::Buffers& buffers,
                         int threads, const CancelToken& cancel) {
  if (run.tokens <= 0 || run.tokens > kWholeBytes / bytes_per_token(mixer)) return false;
  cancel.throw_if_cancelled();
  MambaState forward = mixer.start(), backward = mixer.start();
  MambaTiles tile(mixer, Direction::kForward, run, forward, buffers, threads);
  tile.scan_whole();
  cancel.throw_if_cancelled();
  MambaTiles(mixer, Direction::kBackward, run, backward, buffers, threads).scan_whole_back();
  tile.finish_tile();
  return true;
}

MambaTiles::MambaTiles(const MambaMixer::Compiled& mixer, Direction direction, const MixerRun& run, MambaState& state,
                       MixerScratch::Buffers& buffers, int threads, Scan2dState* grid)
    : mixer_(mixer),
      branch_(mixer.branch(direction)),
      projections_(*branch_.projections),
      run_(run),
      state_(state),
      buffers_(buffers),
      threads_(threads),
      grid_(grid),
      reversed_(direction == Direction::kBackward && mixer.config.bidirectional == Bidirectional::kV2),
      scan_back_(direction == Direction::kBackward && mixer.config.bidirectional == Bidirectional::kV1),
      gates_(run.part != Part::kFirst),
      adds_bias_(mixer.out_bias != nullptr && (run.part == Part::kSecond || direction == Direction::kForward)),
      before_(state.tail_rows()) {}

void MambaTiles::run(const CancelToken& cancel) {
  if (run_.tokens <= 0) return;
  reshape();
  for (begin_tile(0);; begin_tile(start_ + count_)) {
    cancel.throw_if_cancelled();
    load_tile();
    project_tile();
    scan_tile();
    finish_tile();
    end_tile();
    if (start_ + count_ == run_.tokens) return;
  }
}

bool MambaTiles::is_long() const {
  return run_.tokens > tile_rows(mixer_, threads_);
}

void MambaTiles::run_in_relay(MambaRelay& relay, const CancelToken& cancel) {
  reshape();
  const std::int64_t tiles = ceil_div(run_.tokens, tile_);
  for (std::int64_t tile = relay.claim(); tile < tiles; tile = relay.claim()) {
    cancel.throw_if_cancelled();
    begin_tile(tile * tile_);
    load_tile();
    if (!relay.await(MambaRelay::Baton::kTail, tile)) return;
    if (!scan_back_) {
      take_tail();
      leave_tail();
    }
    relay.pass(MambaRelay::Baton::kTail, tile);
    project_tile();
    if (!relay.await(MambaRelay::Baton::kState, tile)) return;
    scan_tile();
    relay.pass(MambaRelay::Baton::kState, tile);
    finish_tile();
  }
}

void MambaTiles::scan_whole() {
  tile_ = ceil_div(run_.tokens, kRowGranule) * kRowGranule;
  reshape_tile();
  gates_ = false;
  begin_tile(0);
  for (std::int64_t i = 0; i < before_; ++i) std::fill_n(buffers_.raw.row(before_ + count_ + i), mixer_.stride, 0.0F);
  load_tile();
  project_tile();
  scan_tile();
}

void MambaTiles::scan_whole_back() {
  count_ = run_.tokens;
  mirrored_ = true;
  if (!scan_back_) project_tile();  // kV1 has nothing of its own but the scan
  scan_tile();
}

void MambaTiles::load_tile() {
  share_rows({-known_before_, count_}, kRowGranule, threads_, [&](Range rows, int thread) { load(rows, thread); });
}
void MambaTiles::project_tile() {
  share_rows({0, count_}, kRowGranule, threads_, [&](Range rows, int thread) { project(rows, thread); });
}
void MambaTiles::scan_tile() {
  share_rows({0, mixer_.config.inner()}, kChannelGranule, threads_, [&](Range channels, int) { scan(channels); });
}
void MambaTiles::finish_tile() {
  if (run_.part == Part::kFirst) return;
  share_rows({0, count_}, kRowGranule, threads_, [&](Range rows, int thread) { finish(rows, thread); });
}

void MambaTiles::reshape() {
  const std::int64_t wanted = ceil_div(run_.tokens, kRowGranule) * kRowGranule;
  tile_ = std::min(tile_rows(mixer_, threads_), wanted);
  reshape_tile();
}

/// Room for tiles of `tile_` tokens, and as many tokens behind as before them.
void MambaTiles::reshape_tile() {
  const MambaConfig& config = mixer_.config;
  const Storage inner_storage = mixer_.out_proj.storage();
  if (run_.norm != nullptr) buffers_.wide.reshape(before_ + tile_, config.dim);
  buffers_.input.reshape(before_ + tile_, config.dim, mixer_.in_proj.storage());
  buffers_.raw.reshape(2 * before_ + tile_, 2 * mixer_.stride);
  buffers_.u.reshape(tile_, mixer_.stride);
  if (inner_storage != Storage::kFloat32) buffers_.narrow.reshape(tile_, config.inner(), inner_storage);
  buffers_.x_dbl.reshape(tile_, projections_.x_proj.columns());
  if (projections_.dt_proj.storage() != Storage::kFloat32) {
    buffers_.narrow_dt.reshape(tile_, config.dt_rank, projections_.dt_proj.storage());
  }
  buffers_.delta.reshape(tile_, mixer_.stride);
  buffers_.y.reshape(tile_, mixer_.stride);
  buffers_.out.reshape(tile_, mixer_.out_proj.columns());
  if (buffers_.linear.size() < static_cast<std::size_t>(threads_)) {
    buffers_.linear.resize(static_cast<std::size_t>(threads_));
  }
}

std::int64_t MambaTiles::token_of(std::int64_t i) const {
  if (reversed_) return run_.tokens - 1 - (start_ + i);
  if (scan_back_) return run_.tokens - (start_ + count_) + i;
  return start_ + i;
}

void MambaTiles::begin_tile(std::int64_t start) {
  start_ = start;
  count_ = std::min(tile_, run_.tokens - start);
  const std::int64_t stride = mixer_.stride;
  if (scan_back_) {
    known_before_ = std::min(projections_.taps - 1, token_of(0) + run_.tokens_before);
    for (std::int64_t i = 0; i < before_ - known_before_; ++i) std::fill_n(buffers_.raw.row(i), stride, 0.0F);
    return;
  }
  known_before_ = 0;
  if (start == 0) take_tail();
}

void MambaTiles::take_tail() {
  for (std::int64_t i = 0; i < before_; ++i) {
    std::copy_n(state_.tail.data() + i * mixer_.stride, mixer_.stride, buffers_.raw.row(i));
  }
}

/// The last inputs of the convolution, for the tile or the run that comes next.
void MambaTiles::leave_tail() {
  for (std::int64_t i = 0; i < before_; ++i) {
    std::copy_n(buffers_.raw.row(count_ + i), mixer_.stride, state_.tail.data() + i * mixer_.stride);
  }
}

void MambaTiles::end_tile() {
  if (scan_back_) return;
  leave_tail();
  if (start_ + count_ < run_.tokens) take_tail();
}

/// Whether row `i` holds the token of the row before, as the empty cells of a grid may.
bool MambaTiles::repeats(std::int64_t i) const {
  const std::int32_t* const order = run_.in.order;
  return order != nullptr && order[token_of(i)] == order[token_of(i - 1)];
}

/// Tokens, normalised, through the first product; the same ones side by side only once.
void MambaTiles::load(Range rows, int thread) {
  const std::int64_t first = before_ + rows.begin, count = rows.end - rows.begin;
  if (run_.norm != nullptr && run_.padded && run_.in.order == nullptr) {
    // Calls for each token would take as long as the products of narrow layers.
    const std::int64_t step = reversed_ ? -run_.in.step : run_.in.step;
    run_.norm->run_from(run_.in.token(token_of(rows.begin)), step, buffers_.input, first, count);
    multiply_in(first, count, thread);
    return;
  }
  RowBuffer& to = run_.norm != nullptr ? buffers_.wide : buffers_.input;
  std::int64_t distinct = 0;
  for (std::int64_t i = rows.begin; i < rows.end; ++i) {
    if (i > rows.begin && repeats(i)) continue;
    store_rows(run_.in, token_of(i), mixer_.config.dim, mixer_.options.isa, to, first + distinct++, 1);
  }
  if (run_.norm != nullptr) run_.norm->run(buffers_.wide, buffers_.input, first, distinct);
  multiply_in(first, distinct, thread);
  // From the last row on, so that none is overwritten before it is copied.
  for (std::int64_t i = count - 1; distinct <= i; --i) {
    std::copy_n(buffers_.raw.row(first + distinct - 1), 2 * mixer_.stride, buffers_.raw.row(first + i));
    if (!repeats(rows.begin + i)) --distinct;
  }
  if (run_.in.order == nullptr) return;
  for (std::int64_t i = rows.begin; i < rows.end; ++i) {
    if (run_.in.token(token_of(i)) == nullptr) std::fill_n(buffers_.raw.row(before_ + i), 2 * mixer_.stride, 0.0F);
  }
}

/// Rows [first, first + count) of `input` through the first product: x and, where it is used, z.
void MambaTiles::multiply_in(std::int64_t first, std::int64_t count, int thread) {
  mixer_.in_proj.run(buffers_.input, first, count, buffers_.raw.row(first), buffers_.raw.step(),
                     buffers_.linear[static_cast<std::size_t>(thread)], kernels::Activation::kNone,
                     run_.part == Part::kFirst ? mixer_.stride : 0);
}

/// Convolution, then dt, B and C.
void MambaTiles::project(Range rows, int thread) {
  LinearScratch& scratch = buffers_.linear[static_cast<std::size_t>(thread)];
  const std::int64_t first = rows.begin, count = rows.end - rows.begin;
  convolve(rows);
  float* x_dbl = buffers_.x_dbl.row(first);
  const std::int64_t x_dbl_step = buffers_.x_dbl.step();
  const Linear& x_proj = projections_.x_proj;
  if (x_proj.storage() == Storage::kFloat32) {
    x_proj.run(buffers_.u, first, count, x_dbl, x_dbl_step, scratch);
  } else {
    store_rows({buffers_.u.row(0), buffers_.u.step()}, first, mixer_.config.inner(), mixer_.options.isa,
               buffers_.narrow, first, count);
    x_proj.run(buffers_.narrow, first, count, x_dbl, x_dbl_step, scratch);
  }
  if (mixer_.config.b_c_dt_rms) normalize_projections(rows);
  const Linear& dt_proj = projections_.dt_proj;
  float* delta = buffers_.delta.row(first);
  if (dt_proj.storage() == Storage::kFloat32) {
    dt_proj.run_floats(x_dbl, x_dbl_step, count, delta, buffers_.delta.step(), scratch);
  } else {
    store_rows({buffers_.x_dbl.row(0), x_dbl_step}, first, mixer_.config.dt_rank, mixer_.options.isa,
               buffers_.narrow_dt, first, count);
    dt_proj.run(buffers_.narrow_dt, first, count, delta, buffers_.delta.step(), scratch);
  }
  if (grid_ != nullptr) pass_over_missing(rows);
}

/// Cells without a token: a step of 0 takes the states over them as they are.
void MambaTiles::pass_over_missing(Range rows) {
  constexpr float kNoStep = -1e30F;  // softplus makes 0 of it
  for (std::int64_t i = rows.begin; i < rows.end && run_.in.order != nullptr; ++i) {
    if (run_.in.token(token_of(i)) == nullptr) std::fill_n(buffers_.delta.row(i), mixer_.stride, kNoStep);
  }
}

void MambaTiles::convolve(Range rows) {
  const std::int64_t sign = mirrored_ ? -1 : 1, first = mirrored_ ? rows.end - 1 : rows.begin;
  const float* raw = buffers_.raw.row(before_ + first);
  float* u = buffers_.u.row(first);
  const kernels::RowOut out{reinterpret_cast<std::byte*>(u), 0};
  if (projections_.taps == kernels::kCausalTaps) {
    return kernels::kCausalConv1d.pick(mixer_.options.isa)({.in = {reinterpret_cast<const std::byte*>(raw), 0},
                                                            .out = out,
                                                            .in_row_bytes = sign * buffers_.raw.row_bytes(),
                                                            .out_row_bytes = sign * buffers_.u.row_bytes(),
                                                            .tokens = rows.size(),
                                                            .tokens_before = kernels::kCausalTaps - 1,
                                                            .channels = mixer_.stride,
                                                            .weights = projections_.conv_weight.get(),
                                                            .bias = projections_.conv_bias.get(),
                                                            .activation = kernels::Activation::kSilu,
                                                            .storage = Storage::kFloat32});
  }
  convolve_long(projections_, mixer_.stride, raw, sign * buffers_.raw.step(), u, sign * buffers_.u.step(), rows.size());
  kernels::kActivation.pick(mixer_.options.isa)({.in = {out.pixels, 0},
                                                 .out = out,
                                                 .in_row_bytes = sign * buffers_.u.row_bytes(),
                                                 .out_row_bytes = sign * buffers_.u.row_bytes(),
                                                 .rows = rows.size(),
                                                 .count = mixer_.stride,
                                                 .function = kernels::Activation::kSilu,
                                                 .in_storage = Storage::kFloat32,
                                                 .out_storage = Storage::kFloat32});
}

void MambaTiles::normalize_projections(Range rows) {
  const MambaConfig& config = mixer_.config;
  for (std::int64_t i = rows.begin; i < rows.end; ++i) {
    float* row = buffers_.x_dbl.row(i);
    const float epsilon = config.b_c_dt_epsilon;
    rms_in_place(row, config.dt_rank, projections_.dt_norm.get(), epsilon);
    rms_in_place(row + config.dt_rank, config.d_state, projections_.b_norm.get(), epsilon);
    rms_in_place(row + config.dt_rank + config.d_state, config.d_state, projections_.c_norm.get(), epsilon);
  }
}

void MambaTiles::scan(Range channels) {
  const Isa isa = mixer_.options.isa;
  if (grid_ == nullptr) return kernels::kSelectiveScan.pick(isa)(scan_args(channels));
  const std::int64_t column = (grid_->column + start_) % grid_->width;
  scan_cells(scan_args({0, mixer_.config.inner()}), channels, column, *grid_, isa);
}

kernels::SelectiveScanArgs MambaTiles::scan_args(Range channels) {
  const bool back = scan_back_ || mirrored_;
  const std::int64_t sign = back ? -1 : 1;
  const std::int64_t row = back ? count_ - 1 : 0;
  const std::int64_t c = channels.begin;
  const float* x_dbl = buffers_.x_dbl.row(row);
  const std::int64_t rank = mixer_.config.dt_rank, states = mixer_.config.d_state;
  kernels::SelectiveScanArgs args{.u = buffers_.u.row(row) + c,
                                  .delta = buffers_.delta.row(row) + c,
                                  .z = gates_ ? buffers_.raw.row(before_ + row) + mixer_.stride + c : nullptr,
                                  .b = x_dbl + rank,
                                  .c = x_dbl + rank + states,
                                  .y = buffers_.y.row(row) + c,
                                  .u_step = sign * buffers_.u.step(),
                                  .delta_step = sign * buffers_.delta.step(),
                                  .z_step = sign * buffers_.raw.step(),
                                  .b_step = sign * buffers_.x_dbl.step(),
                                  .c_step = sign * buffers_.x_dbl.step(),
                                  .y_step = sign * buffers_.y.step(),
                                  .a2 = branch_.a2.get() + c,
                                  .channel_stride = mixer_.stride,
                                  .d = branch_.d.get() + c,
                                  .delta_bias = projections_.dt_bias ? projections_.dt_bias.get() + c : nullptr,
                                  .state = state_.ssm.data() + c,
                                  .steps = count_,
                                  .channels = channels.size(),
                                  .states = states};
  if (mirrored_) {
    args.addend = args.y;
    args.addend_step = args.y_step;
  }
  if (run_.part == Part::kAlone) return args;
  // Rows of the tile in the caller's memory, where the directions meet.
  float* scanned = run_.scanned + token_of(row) * mixer_.stride + c;
  const std::int64_t step = (reversed_ ? -sign : sign) * mixer_.stride;
  if (run_.part == Part::kFirst) {
    args.y = scanned;
    args.y_step = step;
  } else {
    args.addend = scanned;
    args.addend_step = step;
  }
  return args;
}

/// The last product, added to the caller's tokens.
void MambaTiles::finish(Range rows, int thread) {
  LinearScratch& scratch = buffers_.linear[static_cast<std::size_t>(thread)];
  const std::int64_t first = rows.begin, count = rows.end - rows.begin, dim = mixer_.config.dim;
  float* out = buffers_.out.row(first);
  if (mixer_.out_proj.storage() == Storage::kFloat32) {
    mixer_.out_proj.run(buffers_.y, first, count, out, buffers_.out.step(), scratch);
  } else {
    store_rows({buffers_.y.row(0), buffers_.y.step()}, first, mixer_.config.inner(), mixer_.options.isa,
               buffers_.narrow, first, count);
    mixer_.out_proj.run(buffers_.narrow, first, count, out, buffers_.out.step(), scratch);
  }
  const auto add = kernels::kAddRow.pick(mixer_.options.isa);
  if (run_.out.order == nullptr && !adds_bias_) {
    return add({.in = out,
                .out = run_.out.token(token_of(rows.begin)),
                .count = run_.padded ? (dim + 15) / 16 * 16 : dim,
                .weight = run_.weight,
                .rows = count,
                .in_step = buffers_.out.step(),
                .out_step = reversed_ ? -run_.out.step : run_.out.step});
  }
  for (std::int64_t i = rows.begin; i < rows.end; ++i) {
    float* token = run_.out.token(token_of(i));
    if (token == nullptr) continue;
    if (adds_bias_) add({.in = mixer_.out_bias.get(), .out = buffers_.out.row(i), .count = dim, .weight = 1});
    add({.in = buffers_.out.row(i), .out = token, .count = dim, .weight = run_.weight});
  }
}

}  // namespace histojet::tokens
