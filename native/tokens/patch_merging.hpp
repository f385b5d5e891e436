#pragma once

#include <cstdint>
#include <vector>

#include "tokens/linear.hpp"
#include "tokens/norm.hpp"
#include "tokens/token_products.hpp"

namespace histojet::tokens {

/// Swin's reduction of a grid of tokens: four neighbours (row, column) (0, 0), (1, 0), (0, 1), (1, 1) side by side,
/// LayerNorm, product. Odd sides are padded with zeros at the bottom and right. Immutable, shared by threads.
class PatchMerging {
 public:
  /// Keys `norm.{weight, bias}` [4 dim], `reduction.weight` [out, 4 dim]. @throws Error kMissingWeight, kShapeMismatch.
  static PatchMerging load(const weights::WeightScope& scope, std::int64_t dim, std::int64_t out,
                           const LayerOptions& options);

  std::int64_t parameters() const { return norm_.parameters() + reduction_.parameters(); }
  std::int64_t byte_size() const { return reduction_.byte_size(); }

  /// tokens: [height][width][dim]; out: [(height + 1) / 2][(width + 1) / 2][out].
  void run(const float* tokens, std::int64_t height, std::int64_t width, float* out, ProductScratch& scratch,
           int threads) const;

 private:
  Norm norm_;
  Linear reduction_;
  std::int64_t dim_ = 0;
};

}  // namespace histojet::tokens
