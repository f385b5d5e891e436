#include "models/vision_mamba.hpp"

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>

#include "base/error.hpp"
#include "models/checkpoint_root.hpp"
#include "models/strict_state.hpp"
#include "tokens/load_parts.hpp"
#include "tokens/pooling.hpp"

namespace histojet::models {

using tokens::Linear;
using tokens::MambaStack;
using tokens::PatchConv;
using tokens::shape_of;
using weights::WeightScope;

namespace {

constexpr std::int64_t kPublishedSide_px = 224;

std::string text(std::int64_t value) {
  return std::to_string(value);
}

[[noreturn]] void refuse(const WeightScope& root, std::string_view name, const std::string& expected) {
  const std::string key = root.full_name(name);
  throw Error(ErrorCode::kShapeMismatch, root.dict().path() + ": tensor '" + key + "' has shape " +
                                             shape_text(root.dict().entry(key).shape) + ", expected " + expected);
}

/// The stride with which pictures of 224 px have so many patches; the patch itself where none has.
std::int64_t published_stride(std::int64_t patches, std::int64_t patch) {
  const auto side = static_cast<std::int64_t>(std::lround(std::sqrt(static_cast<double>(patches))));
  if (patch % 2 == 0 && (side - 1) * (patch / 2) + patch == kPublishedSide_px) return patch / 2;
  return patch;
}

VisionMambaConfig config_of(const WeightScope& root, const VisionMambaOptions& options) {
  VisionMambaConfig config;
  const Shape& patch = shape_of(root, "patch_embed.proj.weight", 4, "[dim, channels, patch, patch]");
  if (patch[2] != patch[3]) refuse(root, "patch_embed.proj.weight", "a square window");
  config.embed_dim = patch[0];
  config.in_channels = patch[1];
  config.patch_size = patch[2];
  config.class_token = root.has("cls_token") ? options.class_token : ClassToken::kNone;
  config.pooling = options.pooling;
  if (root.has("pos_embed")) {
    const Shape& positions = shape_of(root, "pos_embed", 3, "[1, tokens, dim]");
    config.patches = positions[1] - (config.class_token == ClassToken::kNone ? 0 : 1);
    if (config.patches <= 0) refuse(root, "pos_embed", "[1, tokens, dim] with a token besides the class token");
  }
  config.stride = options.stride.value_or(published_stride(config.patches, config.patch_size));
  if (config.stride <= 0) {
    throw Error(ErrorCode::kInvalidArgument,
                "Vision Mamba: a stride of " + text(config.stride) + " px, expected a positive number");
  }
  config.mixer = tokens::mamba_config(root.scope("layers.0.mixer"));
  config.mixer.divide_out = options.divide_out;
  if (root.has("head.weight")) config.num_classes = shape_of(root, "head.weight", 2, "[classes, dim]")[0];
  return config;
}

std::map<std::string, std::string> config_json(const VisionMambaConfig& config) {
  const auto quoted = [](const char* name) { return '"' + std::string(name) + '"'; };
  const char* const directions[] = {"none", "v1", "v2"};
  return {{"embed_dim", text(config.embed_dim)},
          {"depth", text(config.depth)},
          {"patch_size", text(config.patch_size)},
          {"stride", text(config.stride)},
          {"num_classes", text(config.num_classes)},
          {"d_state", text(config.mixer.d_state)},
          {"bimamba_type", quoted(directions[static_cast<std::size_t>(config.mixer.bidirectional)])},
          {"if_divide_out", config.mixer.divide_out ? "true" : "false"},
          {"if_cls_token", config.class_token != ClassToken::kNone ? "true" : "false"},
          {"use_middle_cls_token", config.class_token == ClassToken::kMiddle ? "true" : "false"},
          {"final_pool_type", quoted(config.pooling == TokenPooling::kMean ? "mean" : "none")}};
}

std::vector<float> values_of(const Tensor& tensor) {
  return {tensor.values<float>().begin(), tensor.values<float>().end()};
}

}  // namespace

VisionMamba VisionMamba::load(std::shared_ptr<const weights::StateDict> dict, const VisionMambaOptions& options) {
  const auto strict = std::make_shared<StrictState>(std::move(dict));
  const WeightScope root = checkpoint_root(strict, {"model.", "module."});
  VisionMamba model;
  VisionMambaConfig& config = model.config_;
  config = config_of(root, options);
  const std::int64_t dim = config.embed_dim;
  model.patch_embed_ = PatchConv::load(
      root.scope("patch_embed.proj"),
      {.in = config.in_channels, .out = dim, .kernel = config.patch_size, .stride = config.stride}, options.layers);
  const bool has_class_token = config.class_token != ClassToken::kNone;
  if (has_class_token) model.class_token_ = values_of(root.f32("cls_token", {1, 1, dim}));
  if (config.patches > 0) {
    model.positions_ = values_of(root.f32("pos_embed", {1, config.patches + (has_class_token ? 1 : 0), dim}));
  }
  model.stack_ = MambaStack::load(root, config.mixer, options.layers);
  config.depth = model.stack_.depth();
  if (config.mixer.dim != dim) refuse(root, "layers.0.mixer.in_proj.weight", "[2 expand dim, " + text(dim) + "]");
  if (config.num_classes > 0) {
    model.head_ = Linear::load(root.scope("head"), dim, config.num_classes, tokens::Bias::kAsStored, options.layers);
  }
  strict->expect_all_read({}, "Vision Mamba");
  model.info_ = token_network_info("vision-mamba", options.layers);
  model.info_.config = config_json(config);
  model.info_.parameters = model.patch_embed_.parameters() + model.stack_.parameters() + model.head_.parameters() +
                           static_cast<std::int64_t>(model.class_token_.size() + model.positions_.size());
  model.info_.memory_bytes =
      model.patch_embed_.byte_size() + model.stack_.byte_size() + (model.head_.empty() ? 0 : model.head_.byte_size());
  return model;
}

std::int64_t VisionMamba::class_index(std::int64_t patches) const {
  return config_.class_token == ClassToken::kMiddle ? patches / 2 : 0;
}

// Figure 2 of the paper: patches, class token, positions, blocks, norm, head.
VisionMambaOutput VisionMamba::run(const tokens::PictureIn& picture, Scratch& scratch, int threads,
                                   const CancelToken& cancel) const {
  const std::int64_t dim = config_.embed_dim;
  const std::int64_t rows = patch_embed_.out_side(picture.height), columns = patch_embed_.out_side(picture.width);
  const bool fits = picture.height >= config_.patch_size && picture.width >= config_.patch_size;
  const std::int64_t patches = fits ? rows * columns : 0;
  if (!fits || (config_.patches > 0 && patches != config_.patches)) {
    throw Error(ErrorCode::kShapeMismatch, "Vision Mamba: a picture of " + text(picture.width) + " x " +
                                               text(picture.height) + " px has " + text(patches) +
                                               " patches, the network's positions are for " + text(config_.patches));
  }
  const bool has_class_token = !class_token_.empty();
  const std::int64_t count = patches + (has_class_token ? 1 : 0);
  std::vector<float>& sequence = scratch.tokens;
  sequence.resize(static_cast<std::size_t>(count * dim));
  patch_embed_.run(picture, sequence.data(), dim, scratch.products, threads);
  if (has_class_token) {
    const auto at = sequence.begin() + class_index(patches) * dim;
    std::move_backward(at, sequence.end() - dim, sequence.end());
    std::ranges::copy(class_token_, at);
  }
  for (std::size_t i = 0; i < positions_.size(); ++i) sequence[i] += positions_[i];
  stack_.run(sequence.data(), dim, count, scratch.mixer, threads, cancel);

  VisionMambaOutput output;
  output.features.resize(static_cast<std::size_t>(dim));
  const bool one = has_class_token || config_.pooling == TokenPooling::kLast;
  if (one) {
    const std::int64_t token = has_class_token ? class_index(patches) : count - 1;
    stack_.norm_f().run_tokens({sequence.data() + token * dim, dim}, {output.features.data(), dim}, 1);
  } else {
    stack_.norm_f().run_tokens({sequence.data(), dim}, {sequence.data(), dim}, count);
    output.features = tokens::mean_of_tokens({sequence.data(), dim}, count, dim);
  }
  output.logits.resize(static_cast<std::size_t>(config_.num_classes));
  if (config_.num_classes > 0) {
    run_product(head_,
                {.in = {output.features.data(), dim}, .out = {output.logits.data(), config_.num_classes}, .tokens = 1},
                scratch.products, 1);
  }
  return output;
}

}  // namespace histojet::models
