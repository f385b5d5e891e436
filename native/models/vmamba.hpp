#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "base/cancel.hpp"
#include "models/token_network.hpp"
#include "tokens/patch_conv.hpp"
#include "tokens/patch_merging.hpp"
#include "tokens/ss2d.hpp"
#include "tokens/token_products.hpp"
#include "weights/state_dict.hpp"

namespace histojet::models {

/// Hyper-parameters of VMamba, all told by the checkpoint's shapes.
struct VMambaConfig {
  std::vector<std::int64_t> depths;
  std::vector<std::int64_t> dims;  ///< per stage
  std::int64_t in_channels = 3;
  std::int64_t d_state = 1;
  std::int64_t num_classes = 0;  ///< 0: no head
  bool gated = false;            ///< the mixers have z (not VMamba's `_noz`)
};

/// What no shape tells.
struct VMambaOptions {
  tokens::LayerOptions layers{.precision = tokens::Precision::kHigh};
  tokens::CrossScan scan = tokens::CrossScan::kCross;
  bool gate_silu = true;  ///< SiLU on the mixers' z; without in VMamba's `_nozact`
  bool out_gelu = false;  ///< GELU behind the mixers' norm; VMamba's `_oact`
};

/// Result of one picture.
struct VMambaOutput {
  std::vector<float> features;  ///< [dims.back()]: mean over the last stage's normalised tokens
  std::vector<float> logits;    ///< [num_classes]
};

/// VMamba (2024): patches, stages of SS2D blocks with reductions between them, mean, head. Takes both forms of the
/// patch embedding (one 4 x 4 window; two 3 x 3 windows) and the three of the reduction (2 x 2 concatenation, 2 x 2 and
/// 3 x 3 windows), and the key names of the first release. Immutable, shared by threads.
class VMamba {
 public:
  /// Keys may lie under "model." or "module.". @throws Error kMissingWeight, kShapeMismatch naming the key and both
  /// shapes, kUnsupportedFormat for tensors that VMamba does not have.
  static VMamba load(std::shared_ptr<const weights::StateDict> dict, const VMambaOptions& options = {});

  const VMambaConfig& config() const { return config_; }
  const TokenNetworkInfo& info() const { return info_; }

  /// Memory of one run at a time; grows with the picture.
  struct Scratch {
    std::vector<float> tokens;
    std::vector<float> next;
    tokens::Ss2dScratch mixer;
    tokens::ProductScratch products;
  };

  /// A picture of normalised values, of at least 32 px on both sides (with four stages). @throws Error kShapeMismatch,
  /// Cancelled.
  VMambaOutput run(const tokens::PictureIn& picture, Scratch& scratch, int threads, const CancelToken& cancel) const;

 private:
  struct Block {
    tokens::Norm norm;
    tokens::Ss2d op;
    tokens::Norm norm2;
    std::optional<tokens::Mlp> mlp;
  };
  struct Stage {
    std::vector<Block> blocks;
    std::optional<tokens::PatchMerging> merging;  ///< to the next stage: concatenation
    std::optional<tokens::PatchConv> reduction;   ///< or a window, and a norm behind it
    tokens::Norm reduction_norm;
  };
  /// A grid of tokens in `Scratch::tokens`.
  struct Grid {
    std::int64_t height = 0;
    std::int64_t width = 0;
    std::int64_t count() const { return height * width; }
  };
  class Loader;

  Grid embed(const tokens::PictureIn& picture, Scratch& scratch, int threads) const;
  Grid reduce(const Stage& stage, std::int64_t dim, std::int64_t next_dim, Grid grid, Scratch& scratch,
              int threads) const;

  VMambaConfig config_;
  TokenNetworkInfo info_;
  Isa isa_ = Isa::kScalar;
  tokens::PatchConv embed_first_;
  tokens::Norm embed_first_norm_;
  std::optional<tokens::PatchConv> embed_second_;
  tokens::Norm embed_second_norm_;
  std::vector<Stage> stages_;
  tokens::Norm norm_;
  tokens::Linear head_;
};

}  // namespace histojet::models
