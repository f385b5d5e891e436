#pragma once

#include <cstdint>
#include <memory>

#include "base/aligned_buffer.hpp"
#include "tokens/layer_options.hpp"
#include "tokens/token_rows.hpp"
#include "weights/state_dict.hpp"

namespace histojet::tokens {

enum class NormKind {
  kRms,    ///< x / sqrt(mean(x²) + epsilon) * weight
  kLayer,  ///< (x - mean) / sqrt(variance + epsilon) * weight + bias
};

/// Normalisation of each token by itself. Immutable, shared by threads.
class Norm {
 public:
  Norm() = default;
  /// Keys `weight` [dim] and, for kLayer, `bias` [dim]. @throws Error kMissingWeight, kShapeMismatch.
  static Norm load(const weights::WeightScope& scope, std::int64_t dim, NormKind kind, const LayerOptions& options,
                   float epsilon = 1e-5F);
  /// The kind that the checkpoint's keys tell: kLayer where there is a `bias`.
  static NormKind stored_kind(const weights::WeightScope& scope);

  std::int64_t dim() const { return dim_; }
  bool empty() const { return dim_ == 0; }
  /// Values in the checkpoint.
  std::int64_t parameters() const { return bias_ ? 2 * dim_ : dim_; }

  /// Rows [first, first + count) of `rows` (float32, at least dim values) into the same rows of `to`, in its storage;
  /// whole vectors of 16 values are written there, the additional ones zero. `rows` may be `to`.
  void run(const RowBuffer& rows, RowBuffer& to, std::int64_t first, std::int64_t count) const;
  /// Rows in memory, `in_step` floats apart (negative: backwards), each readable up to `dim` rounded up to 16, into
  /// rows of `to` like run().
  void run_from(const float* in, std::int64_t in_step, RowBuffer& to, std::int64_t first, std::int64_t count) const;
  /// Rows in memory with room for `dim` rounded up to 16 floats each; `out` may be `in`. The additional ones become 0.
  void run_floats(const float* in, std::int64_t in_step, float* out, std::int64_t out_step, std::int64_t count) const;

  /// Tokens with nothing beyond their `dim` values; `out` may be `in`.
  void run_tokens(const TokensIn& in, const TokensOut& out, std::int64_t count) const;

 private:
  void run_rows(kernels::RowIn in, std::int64_t in_row_bytes, kernels::RowOut out, std::int64_t out_row_bytes,
                kernels::Storage out_storage, std::int64_t count) const;

  std::int64_t dim_ = 0;
  NormKind kind_ = NormKind::kRms;
  float epsilon_ = 0;
  Isa isa_ = Isa::kScalar;
  AlignedBuffer<float> weight_;
  AlignedBuffer<float> bias_;
};

}  // namespace histojet::tokens
