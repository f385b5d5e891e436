#pragma once

#include <cstdint>
#include <vector>

#include "tokens/linear.hpp"
#include "tokens/norm.hpp"
#include "tokens/token_rows.hpp"

namespace histojet::tokens {

/// Memory that products over the caller's tokens work in: some hundred rows per thread. Not shared by threads.
struct ProductScratch {
  struct Rows {
    RowBuffer wide;
    RowBuffer in;
    RowBuffer middle;
    RowBuffer narrow;
    RowBuffer out;
    LinearScratch linear;
  };
  std::vector<Rows> threads;  ///< one per thread; grows

  /// Room for `count` threads.
  std::vector<Rows>& of(int count);
};

/// A product over tokens: out = (or +=) activation(linear(norm(in))).
struct ProductRun {
  TokensIn in;
  TokensOut out;
  std::int64_t tokens = 0;
  const Norm* norm = nullptr;  ///< null: none
  kernels::Activation activation = kernels::Activation::kNone;
  bool add = false;  ///< to what `out` holds (a residual)
};

/// Nothing beyond the tokens' values is read or written; `out` may be `in`. Bit-identical for any number of threads.
void run_product(const Linear& linear, const ProductRun& run, ProductScratch& scratch, int threads);

/// What follows the mixer in transformer-like blocks: x += fc2(GELU(fc1(norm(x)))). Immutable, shared by threads.
class Mlp {
 public:
  /// Keys `fc1.{weight [h, d], bias}`, `fc2.{weight [d, h], bias}`; the hidden size is the checkpoint's.
  /// @throws Error kMissingWeight, kShapeMismatch.
  static Mlp load(const weights::WeightScope& scope, std::int64_t dim, const LayerOptions& options);

  std::int64_t byte_size() const { return fc1_.byte_size() + fc2_.byte_size(); }
  std::int64_t parameters() const { return fc1_.parameters() + fc2_.parameters(); }

  /// In place; `norm` may be null.
  void run(const Norm* norm, float* tokens, std::int64_t step, std::int64_t count, ProductScratch& scratch,
           int threads) const;

 private:
  Linear fc1_;
  Linear fc2_;
  Isa isa_ = Isa::kScalar;
};

}  // namespace histojet::tokens
