#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "base/cancel.hpp"
#include "models/token_network.hpp"
#include "tokens/mamba_block.hpp"
#include "tokens/patch_conv.hpp"
#include "weights/state_dict.hpp"

namespace histojet::models {

/// Where Vim's class token stands in the sequence.
enum class ClassToken {
  kNone,
  kMiddle,  ///< behind the first half of the patches, as in all published weights
  kFirst,
};

/// What Vim hands to its head without a class token.
enum class TokenPooling { kMean, kLast };

/// Hyper-parameters of Vision Mamba, named as in its code. What is left empty follows from the checkpoint.
struct VisionMambaConfig {
  std::int64_t embed_dim = 0;
  std::int64_t depth = 0;
  std::int64_t patch_size = 0;
  std::int64_t stride = 0;  ///< of the patches: patch_size, or half of it in the "+" models
  std::int64_t in_channels = 3;
  std::int64_t patches = 0;      ///< that `pos_embed` is made for; 0 without one: any number
  std::int64_t num_classes = 0;  ///< 0: no head
  ClassToken class_token = ClassToken::kMiddle;
  TokenPooling pooling = TokenPooling::kMean;
  tokens::MambaConfig mixer;  ///< divide_out: the published "div2"
};

/// What no shape tells.
struct VisionMambaOptions {
  tokens::LayerOptions layers{.precision = tokens::Precision::kHigh};
  bool divide_out = true;                        ///< Vim's `if_divide_out`
  ClassToken class_token = ClassToken::kMiddle;  ///< where a checkpoint with `cls_token` has it
  TokenPooling pooling = TokenPooling::kMean;    ///< for checkpoints without
  std::optional<std::int64_t> stride;            ///< else the one that makes the patches those of 224 px
};

/// Result of one picture.
struct VisionMambaOutput {
  std::vector<float> features;  ///< [embed_dim], normalised, what the head sees
  std::vector<float> logits;    ///< [num_classes]
};

/// Vision Mamba (Vim, 2024), with the published keys: patch_embed.proj, cls_token, pos_embed, layers.{i}.{norm, mixer},
/// norm_f, head. Immutable, shared by threads.
class VisionMamba {
 public:
  /// Keys may lie under "model." or "module.". @throws Error kMissingWeight, kShapeMismatch naming the key and both
  /// shapes, kUnsupportedFormat for tensors that Vim does not have.
  static VisionMamba load(std::shared_ptr<const weights::StateDict> dict, const VisionMambaOptions& options = {});

  const VisionMambaConfig& config() const { return config_; }
  const TokenNetworkInfo& info() const { return info_; }

  /// Memory of one run at a time.
  struct Scratch {
    std::vector<float> tokens;
    tokens::MixerScratch mixer;
    tokens::ProductScratch products;
  };

  /// A picture of normalised values. @throws Error kShapeMismatch for a size whose patches are not those of
  /// `pos_embed`, Cancelled.
  VisionMambaOutput run(const tokens::PictureIn& picture, Scratch& scratch, int threads,
                        const CancelToken& cancel) const;

 private:
  std::int64_t class_index(std::int64_t patches) const;

  VisionMambaConfig config_;
  TokenNetworkInfo info_;
  tokens::PatchConv patch_embed_;
  std::vector<float> class_token_;
  std::vector<float> positions_;  ///< [tokens][embed_dim], or empty
  tokens::MambaStack stack_;
  tokens::Linear head_;
};

}  // namespace histojet::models
