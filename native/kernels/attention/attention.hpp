#pragma once

#include <cstdint>
#include <vector>

#include "base/aligned_buffer.hpp"
#include "kernels/conv2d/conv2d.hpp"
#include "kernels/conv2d_bf16/conv2d_bf16.hpp"
#include "kernels/pointwise/pointwise.hpp"

namespace histojet::kernels {

/// One matrix of tokens of one head: row 0 and the distance of rows, which may hold other heads beside this one.
struct TokensIn {
  RowIn tokens;
  std::int64_t row_bytes = 0;
};
struct TokensOut {
  RowOut tokens;
  std::int64_t row_bytes = 0;
};

/// Keys and values of one head in the order in which the products read them; used by all queries of that head.
class AttentionKeys {
 public:
  /// Room for so many keys; `dim` values per head, a multiple of 16. `storage` is that of queries, keys, values and
  /// result; `isa` that of the calls.
  AttentionKeys(std::int64_t most_keys, std::int64_t dim, Storage storage, Isa isa);

  /// Copies and rearranges the keys and values of one head: `count` of each, at most `most_keys`.
  void pack(const TokensIn& keys, const TokensIn& values, std::int64_t count);

  std::int64_t count() const { return count_; }
  std::int64_t dim() const { return dim_; }
  Storage storage() const { return storage_; }
  Isa isa() const { return isa_; }

  /// Keys [first, first + block) with `first` a multiple of `kBlock`: where the products find them.
  static constexpr std::int64_t kBlock = 256;
  const std::byte* keys(std::int64_t first) const;
  const std::byte* values(std::int64_t first) const;
  const std::vector<TileStep>& query_steps() const { return query_steps_; }  ///< tiles: the stride is the caller's
  const std::vector<TileStep>& weight_steps(std::int64_t padded_keys) const;

 private:
  void pack_floats(const TokensIn& keys, const TokensIn& values);
  void pack_tiles(const TokensIn& keys, const TokensIn& values);
  std::int64_t values_offset(std::int64_t first) const;

  std::int64_t dim_;
  Storage storage_;
  Isa isa_;
  std::int64_t count_ = 0;
  AlignedBuffer<std::byte> keys_;
  AlignedBuffer<std::byte> values_;
  std::vector<TileStep> query_steps_;
  std::vector<std::vector<TileStep>> weight_steps_;  ///< by keys / 32 - 1
};

/// Memory that one call at a time works in.
struct AttentionScratch {
  AttentionScratch(std::int64_t dim, Storage storage);

  AlignedBuffer<float> scores;       ///< [queries of a block][kBlock]
  AlignedBuffer<std::byte> weights;  ///< the same after the exponential, in the storage
  AlignedBuffer<float> part;         ///< weights times values of one block of keys
  AlignedBuffer<float> sums;         ///< of all blocks so far
  AlignedBuffer<float> states;       ///< per query: largest score, sum of weights, factor for what was there before
  AlignedBuffer<float> zeros;        ///< bias of the products of floats
};

/// Scaled dot-product attention of one head: out[q] = sum over k of softmax_k(scale query[q] · key[k] + bias[q][k])
/// value[k]. Keys are taken in blocks, with a running maximum and sum (Dao et al., FlashAttention, 2022), so that the
/// scores of a long sequence are never held; softmax and sums in float32, its weights rounded to the storage.
///
/// `bias` may hold -infinity (masks); a query without any key gives zeros. With tiles (kBfloat16, kSplit) queries are
/// read up to a multiple of 32 values, which must be finite, and up to 15 queries beyond the last are read, without
/// influence. Results do not depend on how the queries are split between calls. Only `dim` values per query are
/// written.
struct AttentionArgs {
  TokensIn queries;
  TokensOut out;
  std::int64_t query_count;
  const AttentionKeys* keys;
  float scale;                  ///< usually 1 / sqrt(dim)
  const float* bias = nullptr;  ///< [query_count][keys->count()] or null
  std::int64_t bias_row_floats = 0;
  AttentionScratch* scratch = nullptr;
};
void attention(const AttentionArgs& args);

}  // namespace histojet::kernels
