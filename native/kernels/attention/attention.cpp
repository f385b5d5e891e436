#include "kernels/attention/attention.hpp"

#include <algorithm>
#include <limits>

#include "kernels/attention/attention_parts.hpp"
#include "kernels/conv2d/conv2d_pack.hpp"

namespace histojet::kernels {
namespace {

// Scores of so many queries and `kBlock` keys are 68 KiB of floats; they stay in the second-level cache.
constexpr std::int64_t kQueries = 64;
// Rows of scores and weights lie a line further apart than their values, or all of them would compete for one set.
constexpr std::int64_t kScoresRow = AttentionKeys::kBlock + 16;

std::int64_t weights_row_bytes(Storage storage) {
  return AttentionKeys::kBlock * element_bytes(storage) + 64;
}

std::int64_t padded_to_steps(std::int64_t count) {
  return (count + 31) / 32 * 32;
}

/// A block of queries against all keys.
class Queries {
 public:
  Queries(const AttentionArgs& args, std::int64_t first, std::int64_t count)
      : args_(args), keys_(*args.keys), scratch_(*args.scratch), first_(first), count_(count) {}

  void run() {
    std::fill_n(largest(), count_, -std::numeric_limits<float>::infinity());
    std::fill_n(sum(), count_, 0.0f);
    // The sums of queries without keys are zeros.
    if (keys_.count() == 0) std::fill_n(scratch_.part.get(), count_ * keys_.dim(), 0.0f);
    if (keys_.count() == 0) merge(true, true);
    for (std::int64_t k = 0; k < keys_.count(); k += AttentionKeys::kBlock) {
      const std::int64_t block = std::min(AttentionKeys::kBlock, keys_.count() - k);
      const bool floats = keys_.storage() == Storage::kFloat32;
      floats ? score_floats(k, block) : score_tiles(k, block);
      weigh(k, block);
      floats ? mix_floats(k, block) : mix_tiles(k, block);
      merge(k == 0, k + block == keys_.count());
    }
  }

 private:
  float* largest() const { return scratch_.states.get(); }
  float* sum() const { return scratch_.states.get() + kQueries; }
  float* factor() const { return scratch_.states.get() + 2 * kQueries; }
  RowOut weights() const { return {scratch_.weights.get(), kQueries * weights_row_bytes(keys_.storage())}; }
  const std::byte* query() const { return args_.queries.tokens.pixels + first_ * args_.queries.row_bytes; }

  void score_floats(std::int64_t k, std::int64_t block) {
    multiply_floats(reinterpret_cast<const float*>(query()), args_.queries.row_bytes / 4, keys_.dim(), keys_.keys(k),
                    padded_channels(block), scratch_.scores.get(), kScoresRow);
  }
  void mix_floats(std::int64_t k, std::int64_t block) {
    multiply_floats(reinterpret_cast<const float*>(scratch_.weights.get()), weights_row_bytes(Storage::kFloat32) / 4,
                    block, keys_.values(k), keys_.dim(), scratch_.part.get(), keys_.dim());
  }
  void multiply_floats(const float* a, std::int64_t a_row, std::int64_t depth, const std::byte* panels,
                       std::int64_t columns, float* out, std::int64_t out_row) {
    const KStep step{0, 0, static_cast<std::int32_t>(depth), static_cast<std::int32_t>(a_row)};
    kConv2d.pick(keys_.isa())({.rows = &a,
                               .out_rows = &out,
                               .row_count = 1,
                               .rows_per_output = 1,
                               .width = count_,
                               .out_pixel_stride = out_row,
                               .steps = &step,
                               .step_count = 1,
                               .k_total = depth,
                               .panels = reinterpret_cast<const float*>(panels),
                               .panel_columns = conv2d_panel_columns(keys_.isa()),
                               .columns = columns,
                               .bias = scratch_.zeros.get(),
                               .relu = false});
  }

  void score_tiles(std::int64_t k, std::int64_t block) {
    const RowIn& tokens = args_.queries.tokens;
    multiply_tiles({query(), tokens.plane_bytes}, args_.queries.row_bytes, keys_.query_steps(), keys_.keys(k),
                   padded_channels(block), scratch_.scores.get(), kScoresRow);
  }
  void mix_tiles(std::int64_t k, std::int64_t block) {
    multiply_tiles({weights().pixels, weights().plane_bytes}, weights_row_bytes(keys_.storage()),
                   keys_.weight_steps(padded_to_steps(block)), keys_.values(k), keys_.dim(), scratch_.part.get(),
                   keys_.dim());
  }
  void multiply_tiles(const RowIn& a, std::int64_t a_row_bytes, const std::vector<TileStep>& steps,
                      const std::byte* tiles, std::int64_t columns, float* out, std::int64_t out_row) {
    kTileProduct.pick(keys_.isa())({.rows = {a.pixels, a.pixels + a.plane_bytes},
                                    .row_bytes = a_row_bytes,
                                    .row_count = count_,
                                    .steps = steps.data(),
                                    .step_count = static_cast<std::int64_t>(steps.size()),
                                    .tiles = reinterpret_cast<const Bfloat16*>(tiles),
                                    .columns = columns,
                                    .out = out,
                                    .out_row_floats = out_row});
  }

  void weigh(std::int64_t k, std::int64_t block) {
    const bool biased = args_.bias != nullptr;
    kSoftmaxBlock.pick(keys_.isa())({.scores = scratch_.scores.get(),
                                     .scores_row_floats = kScoresRow,
                                     .bias = biased ? args_.bias + first_ * args_.bias_row_floats + k : nullptr,
                                     .bias_row_floats = args_.bias_row_floats,
                                     .weights = weights(),
                                     .weights_row_bytes = weights_row_bytes(keys_.storage()),
                                     .queries = count_,
                                     .keys = block,
                                     .scale = args_.scale,
                                     .largest = largest(),
                                     .sum = sum(),
                                     .factor = factor(),
                                     .storage = keys_.storage()});
  }
  void merge(bool first, bool last) {
    const TokensOut& out = args_.out;
    kMergeBlock.pick(keys_.isa())({.part = scratch_.part.get(),
                                   .sums = scratch_.sums.get(),
                                   .factor = factor(),
                                   .sum = sum(),
                                   .out = {out.tokens.pixels + first_ * out.row_bytes, out.tokens.plane_bytes},
                                   .out_row_bytes = out.row_bytes,
                                   .queries = count_,
                                   .dim = keys_.dim(),
                                   .first = first,
                                   .last = last,
                                   .storage = keys_.storage()});
  }

  const AttentionArgs& args_;
  const AttentionKeys& keys_;
  AttentionScratch& scratch_;
  std::int64_t first_;
  std::int64_t count_;
};

AlignedBuffer<float> floats(std::int64_t count) {
  return make_aligned<float>(static_cast<std::size_t>(count));
}

}  // namespace

AttentionScratch::AttentionScratch(std::int64_t dim, Storage storage)
    : scores(floats(kQueries * kScoresRow)),
      weights(make_aligned<std::byte>(
          static_cast<std::size_t>(plane_count(storage) * kQueries * weights_row_bytes(storage)))),
      part(floats(kQueries * dim)),
      sums(floats(kQueries * dim)),
      states(floats(3 * kQueries)),
      zeros(floats(std::max(AttentionKeys::kBlock, dim))) {
  std::fill_n(zeros.get(), std::max(AttentionKeys::kBlock, dim), 0.0f);
}

void attention(const AttentionArgs& args) {
  for (std::int64_t first = 0; first < args.query_count; first += kQueries) {
    Queries(args, first, std::min(kQueries, args.query_count - first)).run();
  }
}

}  // namespace histojet::kernels
