#include "tokens/patch_merging.hpp"

#include <algorithm>

namespace histojet::tokens {

PatchMerging PatchMerging::load(const weights::WeightScope& scope, std::int64_t dim, std::int64_t out,
                                const LayerOptions& options) {
  PatchMerging merging;
  merging.dim_ = dim;
  merging.norm_ = Norm::load(scope.scope("norm"), 4 * dim, NormKind::kLayer, options);
  merging.reduction_ = Linear::load(scope.scope("reduction"), 4 * dim, out, Bias::kAsStored, options);
  return merging;
}

void PatchMerging::run(const float* tokens, std::int64_t height, std::int64_t width, float* out,
                       ProductScratch& scratch, int threads) const {
  const std::int64_t columns = (width + 1) / 2;
  std::vector<float> quads(static_cast<std::size_t>(columns * 4 * dim_));
  for (std::int64_t y = 0; y < height; y += 2) {
    for (std::int64_t x = 0; x < 2 * columns; ++x) {
      for (std::int64_t dy = 0; dy < 2; ++dy) {
        float* to = quads.data() + (x / 2 * 4 + x % 2 * 2 + dy) * dim_;
        if (y + dy < height && x < width) {
          std::copy_n(tokens + ((y + dy) * width + x) * dim_, dim_, to);
        } else {
          std::fill_n(to, dim_, 0.0F);
        }
      }
    }
    run_product(reduction_,
                {.in = {quads.data(), 4 * dim_},
                 .out = {out + y / 2 * columns * reduction_.out(), reduction_.out()},
                 .tokens = columns,
                 .norm = &norm_},
                scratch, threads);
  }
}

}  // namespace histojet::tokens
