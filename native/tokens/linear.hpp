#pragma once

#include <cstdint>
#include <list>
#include <span>
#include <string_view>

#include "kernels/gemm/gemm.hpp"
#include "tokens/layer_options.hpp"
#include "tokens/token_rows.hpp"
#include "weights/state_dict.hpp"

namespace histojet::tokens {

/// Memory that products of one thread work in; serves any number of layers, one after the other.
class LinearScratch {
 public:
  kernels::GemmScratch& of(const kernels::GemmWeights& weights);

 private:
  struct Entry {
    std::int64_t depth;
    kernels::Storage storage;
    kernels::GemmScratch scratch;
  };
  std::list<Entry> entries_;
};

using kernels::Activation;

enum class Bias {
  kNone,
  kRequired,
  kAsStored,  ///< taken if the checkpoint has it
};

/// PyTorch's Linear, y = x Wᵀ + b, over rows of tokens; weights packed for one instruction set and precision. Sums in
/// float32, results float32. Immutable, shared by threads.
class Linear {
 public:
  Linear() = default;
  /// Keys `weight` [out, in] (or [out, in, 1, 1], as channel-first networks store it) and `bias` [out].
  /// @throws Error kMissingWeight, kShapeMismatch naming the key and both shapes.
  static Linear load(const weights::WeightScope& scope, std::int64_t in, std::int64_t out, Bias bias,
                     const LayerOptions& options);
  /// weight: [out][in]; bias: [out] or empty.
  static Linear pack(std::span<const float> weight, std::span<const float> bias, std::int64_t in,
                     const LayerOptions& options);

  std::int64_t in() const { return weights_.depth; }
  std::int64_t out() const { return out_; }
  /// Floats that are written per row: `out` rounded up to 16, the additional ones the activation of 0.
  std::int64_t columns() const { return weights_.columns; }
  /// Storage of the rows that `run` takes.
  kernels::Storage storage() const { return weights_.storage; }
  std::int64_t byte_size() const { return weights_.byte_size(); }
  bool empty() const { return out_ == 0; }
  Isa isa() const { return weights_.isa; }
  /// Values in the checkpoint.
  std::int64_t parameters() const { return parameters_; }

  /// Rows [first, first + count) of `in`, whose storage is `storage()`. Row r of the result is written to
  /// out + r * out_step; `in` and `out` must not overlap. A row's result depends on nothing but the row. `columns`:
  /// only the first so many are needed (a few more may be written); 0: all.
  void run(const RowBuffer& in, std::int64_t first, std::int64_t count, float* out, std::int64_t out_step,
           LinearScratch& scratch, kernels::Activation activation = kernels::Activation::kNone,
           std::int64_t columns = 0) const;
  /// Float32 rows anywhere in memory, `in_step` floats apart (only where `storage()` is kFloat32).
  void run_floats(const float* in, std::int64_t in_step, std::int64_t count, float* out, std::int64_t out_step,
                  LinearScratch& scratch, kernels::Activation activation = kernels::Activation::kNone) const;

 private:
  void run_rows(kernels::RowIn in, std::int64_t in_row_bytes, std::int64_t count, float* out, std::int64_t out_step,
                LinearScratch& scratch, kernels::Activation activation, std::int64_t columns) const;

  kernels::GemmWeights weights_;
  std::int64_t out_ = 0;
  std::int64_t parameters_ = 0;
};

}  // namespace histojet::tokens
