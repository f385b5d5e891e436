#include "explain/mixer_terms.hpp"

#include <algorithm>
#include <cmath>

#include "base/cpu_info.hpp"
#include "kernels/activation/activation.hpp"

namespace histojet::explain {
namespace {

using tokens::Bidirectional;

/// Tokens shorter than this count as this long.
constexpr float kLeastLength = 1e-6F;

float length(const float* token, std::int64_t dim) {
  float squares = 0;
  for (std::int64_t k = 0; k < dim; ++k) squares += token[k] * token[k];
  return std::sqrt(squares);
}

AlignedBuffer<float> room(std::int64_t floats) {
  return make_aligned<float>(static_cast<std::size_t>(floats));
}

}  // namespace

MixerTerms::MixerTerms(const tokens::MambaMixer& mixer, const tokens::Norm& norm, const TokenReader& reader,
                       const Options& options)
    : mixer_(mixer),
      norm_(norm),
      reader_(reader),
      options_(options),
      step_((mixer.config().dim + 15) / 16 * 16),
      stride_(tokens::branch_constants(mixer, Direction::kForward).channel_stride) {
  if (options.weighting == Weighting::kAttention) return;
  norms_ = tokens::output_norms(mixer);
  const auto inner = static_cast<double>(norms_.size());
  if (options.weighting == Weighting::kChannels) {
    double sum = 0;
    for (const float norm : norms_) sum += norm;
    for (float& norm : norms_) norm = sum > 0 ? static_cast<float>(norm * inner / sum) : 1.0F;
    return;
  }
  // A mean over the channels follows; this makes it a sum over the root of their number.
  for (float& norm : norms_) norm = static_cast<float>(norm * std::sqrt(inner));
  for (const Direction direction : {Direction::kForward, Direction::kBackward}) {
    if (!has(direction)) continue;
    AlignedBuffer<float>& skip = skip_[direction == Direction::kForward ? 0 : 1];
    skip = room(stride_);
    const float* d = tokens::branch_constants(mixer, direction).d;
    for (std::int64_t c = 0; c < mixer.config().inner(); ++c) {
      skip[static_cast<std::size_t>(c)] = options.sign == Sign::kMajorant ? std::fabs(d[c]) : d[c];
    }
  }
}

bool MixerTerms::has(Direction direction) const {
  return direction == Direction::kForward || mixer_.config().bidirectional != Bidirectional::kNone;
}

double MixerTerms::factor() const {
  // Contributions have it in the norms of the last product.
  if (options_.weighting == Weighting::kContribution) return 1;
  return has(Direction::kBackward) && mixer_.config().divide_out ? 0.5 : 1;
}

ScanConstants MixerTerms::constants(Direction direction) const {
  if (!has(direction)) return {};
  const tokens::BranchConstants branch = tokens::branch_constants(mixer_, direction);
  return {.a2 = branch.a2,
          .delta_bias = branch.delta_bias,
          .d = skip_[direction == Direction::kForward ? 0 : 1].get(),
          .channel_stride = branch.channel_stride,
          .channels = mixer_.config().inner(),
          .states = mixer_.config().d_state};
}

void MixerTerms::reserve(Branch& branch, std::int64_t count) const {
  if (branch.capacity >= count) return;
  branch.capacity = count;
  branch.in = room((count + 2 * mixer_.config().d_conv) * step_);
  branch.delta = room(count * stride_);
  branch.b = room(count * mixer_.config().d_state);
  branch.c = room(count * mixer_.config().d_state);
  if (options_.weighting != Weighting::kAttention) branch.importance = room(count * stride_);
  if (options_.weighting == Weighting::kContribution) branch.value = room(count * stride_);
}

ScanTerms MixerTerms::terms(Direction direction, std::int64_t first, std::int64_t count) {
  Branch& branch = branches_[direction == Direction::kForward ? 0 : 1];
  reserve(branch, count);
  const tokens::MambaConfig& config = mixer_.config();
  const bool restarts = direction == Direction::kBackward && options_.backward_segment > 0;
  const std::int64_t segment = restarts ? options_.backward_segment : std::max<std::int64_t>(1, tokens());
  const bool looks_ahead = direction == Direction::kBackward && config.bidirectional == Bidirectional::kV2;
  for (std::int64_t begin = first; begin < first + count;) {
    const std::int64_t segment_begin = begin / segment * segment;
    const std::int64_t segment_end = std::min(segment_begin + segment, tokens());
    const std::int64_t end = std::min(first + count, segment_end);
    const std::int64_t most = config.d_conv - 1;
    compute(direction,
            {begin, end - begin, looks_ahead ? 0 : std::min(most, begin - segment_begin),
             looks_ahead ? std::min(most, segment_end - end) : 0},
            begin - first, branch);
    begin = end;
  }
  return {.delta = branch.delta.get(),
          .b = branch.b.get(),
          .c = branch.c.get(),
          .importance = branch.importance.get(),
          .delta_step = stride_,
          .b_step = config.d_state,
          .c_step = config.d_state,
          .importance_step = stride_,
          .value = branch.value.get(),
          .value_step = stride_};
}

/// Terms of one run to rows `offset` on.
void MixerTerms::compute(Direction direction, const Run& run, std::int64_t offset, Branch& branch) {
  reader_.read(run.first - run.before, run.before + run.count + run.after, branch.in.get(), step_);
  // With both branches on one convolution, the mixer itself looks back; else the neighbours are part of the run.
  const bool shared = direction == Direction::kBackward && mixer_.config().bidirectional == Bidirectional::kV1;
  const std::int64_t lead = shared ? 0 : run.before;
  const tokens::MixerRun mixer_run{.in = {.data = branch.in.get() + (run.before - lead) * step_, .step = step_},
                                   .tokens = lead + run.count + run.after,
                                   .tokens_before = shared ? run.before : 0,
                                   .norm = &norm_};
  tokens::MambaState state = mixer_.start(direction);
  tokens::scan_inputs(mixer_, direction, mixer_run, state, branch.scratch, options_.threads, options_.cancel,
                      [&](const tokens::ScanInputs& tile) { keep(tile, lead, run.count, offset, branch); });
  if (options_.weighting == Weighting::kAttention) return;
  const bool related = options_.weighting == Weighting::kContribution;
  weigh_channels(branch.importance.get() + offset * stride_, related ? branch.in.get() + run.before * step_ : nullptr,
                 run.count);
}

/// The tokens of a tile that are no neighbours, to rows `offset` on; the run's first token is number `lead` in the
/// tile's numbering.
void MixerTerms::keep(const tokens::ScanInputs& tile, std::int64_t lead, std::int64_t count, std::int64_t offset,
                      Branch& branch) const {
  const std::int64_t inner = mixer_.config().inner(), states = mixer_.config().d_state;
  for (std::int64_t i = 0; i < tile.count; ++i) {
    const std::int64_t token = tile.first + i - lead;
    if (token < 0 || token >= count) continue;
    const std::int64_t row = offset + token;
    std::copy_n(tile.delta + i * tile.delta_step, inner, branch.delta.get() + row * stride_);
    std::copy_n(tile.b + i * tile.b_step, states, branch.b.get() + row * states);
    std::copy_n(tile.c + i * tile.c_step, states, branch.c.get() + row * states);
    if (branch.importance) std::copy_n(tile.z + i * tile.z_step, stride_, branch.importance.get() + row * stride_);
    if (!branch.value) continue;
    const float* u = tile.u + i * tile.u_step;
    float* value = branch.value.get() + row * stride_;
    for (std::int64_t c = 0; c < inner; ++c) value[c] = options_.sign == Sign::kMajorant ? std::fabs(u[c]) : u[c];
  }
}

/// Rows of gates to what they let through, times what that can do to the output; in relation to the length of `tokens`,
/// if given.
void MixerTerms::weigh_channels(float* rows, const float* tokens, std::int64_t count) const {
  auto* bytes = reinterpret_cast<std::byte*>(rows);
  const std::int64_t row_bytes = stride_ * static_cast<std::int64_t>(sizeof(float));
  kernels::kActivation.pick(active_isa())({.in = {bytes, 0},
                                           .out = {bytes, 0},
                                           .in_row_bytes = row_bytes,
                                           .out_row_bytes = row_bytes,
                                           .rows = count,
                                           .count = stride_,
                                           .function = kernels::Activation::kSilu,
                                           .in_storage = kernels::Storage::kFloat32,
                                           .out_storage = kernels::Storage::kFloat32});
  const std::int64_t dim = mixer_.config().dim;
  for (std::int64_t i = 0; i < count; ++i) {
    const float factor = tokens == nullptr ? 1.0F : 1 / std::max(kLeastLength, length(tokens + i * step_, dim));
    float* row = rows + i * stride_;
    for (std::size_t c = 0; c < norms_.size(); ++c) row[c] = factor * norms_[c] * std::fabs(row[c]);
  }
}

}  // namespace histojet::explain
