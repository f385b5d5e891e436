#pragma once

#include <cstdint>

#include "tokens/linear.hpp"
#include "tokens/token_products.hpp"

namespace histojet::tokens {

/// A picture of floats in memory, in any layout; steps in floats.
struct PictureIn {
  const float* data = nullptr;
  std::int64_t height = 0;
  std::int64_t width = 0;
  std::int64_t channels = 0;
  std::int64_t row_step = 0;
  std::int64_t pixel_step = 0;
  std::int64_t channel_step = 0;

  /// [channels][height][width]
  static PictureIn planar(const float* data, std::int64_t channels, std::int64_t height, std::int64_t width) {
    return {data, height, width, channels, width, 1, height * width};
  }
  /// [height][width][channels]: a grid of tokens
  static PictureIn channels_last(const float* data, std::int64_t height, std::int64_t width, std::int64_t channels) {
    return {data, height, width, channels, width * channels, channels, 1};
  }
};

struct PatchConvConfig {
  std::int64_t in = 0;
  std::int64_t out = 0;
  std::int64_t kernel = 1;
  std::int64_t stride = 1;
  std::int64_t padding = 0;
};

/// PyTorch's Conv2d from a picture to a grid of tokens, as the embeddings and reductions between stages of vision
/// models use it: windows are gathered as rows of a product. Immutable, shared by threads.
class PatchConv {
 public:
  /// Keys `weight` [out, in, k, k] and, if there, `bias` [out]. @throws Error kMissingWeight, kShapeMismatch.
  static PatchConv load(const weights::WeightScope& scope, const PatchConvConfig& config, const LayerOptions& options);

  const PatchConvConfig& config() const { return config_; }
  std::int64_t out_side(std::int64_t side) const {
    return (side + 2 * config_.padding - config_.kernel) / config_.stride + 1;
  }
  std::int64_t byte_size() const { return linear_.byte_size(); }
  std::int64_t parameters() const { return linear_.parameters(); }

  /// Tokens in raster order, `out` floats each, `step` floats apart. Outside the picture are zeros.
  /// @throws Error kShapeMismatch for another number of channels or a picture smaller than the window.
  void run(const PictureIn& picture, float* out, std::int64_t step, ProductScratch& scratch, int threads) const;

 private:
  void gather(const PictureIn& picture, std::int64_t top, std::int64_t left, float* row) const;

  PatchConvConfig config_;
  Linear linear_;
};

}  // namespace histojet::tokens
