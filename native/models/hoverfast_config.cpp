#include <charconv>

#include "base/error.hpp"
#include "models/checkpoint_root.hpp"
#include "models/hoverfast.hpp"
#include "models/metadata.hpp"

namespace histojet::models {

using weights::WeightScope;

namespace {

using Metadata = std::map<std::string, std::string>;

[[noreturn]] void refuse(const std::string& name, const std::string& value, const std::string& expected) {
  throw Error(ErrorCode::kInvalidArgument, "hoverfast: " + name + " is \"" + value + "\", expected " + expected);
}

std::int64_t integer(const Metadata& metadata, const std::string& name, std::int64_t inferred, std::int64_t least,
                     std::int64_t most) {
  std::int64_t value = inferred;
  std::string text = std::to_string(inferred);
  if (const auto found = metadata.find(name); found != metadata.end()) {
    text = plain_text(found->second);
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size()) refuse(name, text, "an integer");
  }
  if (value < least || value > most) {
    refuse(name, text, "a number from " + std::to_string(least) + " to " + std::to_string(most));
  }
  return value;
}

/// True or false, or index 1 or 0 of two words.
bool choice(const Metadata& metadata, const std::string& name, bool inferred, const char* word_true,
            const char* word_false) {
  const auto found = metadata.find(name);
  if (found == metadata.end()) return inferred;
  const std::string text = plain_text(found->second);
  if (text == word_true) return true;
  if (text == word_false) return false;
  if (std::string(word_true) == "true" && (text == "1" || text == "0")) return text == "1";
  refuse(name, found->second, std::string(word_true) + " or " + word_false);
}

std::int64_t first_dimension(const WeightScope& root, const std::string& name) {
  const Shape& shape = root.dict().entry(root.full_name(name)).shape;
  return shape.empty() ? 0 : shape[0];
}

std::int64_t inferred_depth(const WeightScope& root, const std::string& tail) {
  std::int64_t depth = 0;
  while (depth < 64 && root.has("down_path." + std::to_string(depth) + tail)) ++depth;
  return depth;
}

/// log2 of the first level's channels.
std::int64_t inferred_wf(std::int64_t channels) {
  std::int64_t wf = 0;
  while ((std::int64_t{1} << (wf + 1)) <= channels) ++wf;
  return wf;
}

}  // namespace

WeightScope hoverfast_root(std::shared_ptr<const weights::StateDict> dict) {
  return checkpoint_root(std::move(dict), {"model_dict.", "module."});
}

bool is_hoverfast(const WeightScope& root) {
  return root.has("down_path.0.conv_3.block.0.weight") || root.has("down_path.0.block.0.weight");
}

HoverFastConfig hoverfast_config(const WeightScope& root, const Metadata& metadata) {
  const bool multi_scale = root.has("down_path.0.conv_3.block.0.weight");
  const std::string branch = multi_scale ? ".conv_3.block." : ".block.";
  const std::string first_weight = "down_path.0" + branch + "0.weight";
  const Shape& first = root.dict().entry(root.full_name(first_weight)).shape;
  HoverFastConfig config;
  config.conv_block =
      choice(metadata, "conv_block", multi_scale, "msunet", "unet") ? BlockKind::kMsunet : BlockKind::kUnet;
  config.depth = integer(metadata, "depth", inferred_depth(root, branch + "0.weight"), 1, 8);
  config.wf = integer(metadata, "wf", inferred_wf(first.empty() ? 1 : first[0]), 0, 10);
  config.n_classes = integer(metadata, "n_classes", first_dimension(root, "last.weight"), 2, 64);
  config.in_channels = integer(metadata, "in_channels", first.size() == 4 ? first[1] : 3, 3, 3);
  config.padding = choice(metadata, "padding", true, "true", "false");
  config.batch_norm =
      choice(metadata, "batch_norm", root.has("down_path.0" + branch + "1.running_mean"), "true", "false");
  config.up_mode = choice(metadata, "up_mode", root.has("up_path.0.up.1.weight"), "upsample", "upconv")
                       ? layers::UpMode::kUpsample
                       : layers::UpMode::kUpconv;
  if (!config.padding && config.conv_block == BlockKind::kMsunet) {
    throw Error(ErrorCode::kInvalidArgument,
                "hoverfast: conv_block \"msunet\" without padding: its branches would differ in size");
  }
  return config;
}

std::map<std::string, std::string> config_json(const HoverFastConfig& config) {
  const auto truth = [](bool value) { return value ? "true" : "false"; };
  return {{"in_channels", std::to_string(config.in_channels)},
          {"n_classes", std::to_string(config.n_classes)},
          {"depth", std::to_string(config.depth)},
          {"wf", std::to_string(config.wf)},
          {"padding", truth(config.padding)},
          {"batch_norm", truth(config.batch_norm)},
          {"up_mode", config.up_mode == layers::UpMode::kUpsample ? "\"upsample\"" : "\"upconv\""},
          {"conv_block", config.conv_block == BlockKind::kMsunet ? "\"msunet\"" : "\"unet\""}};
}

// On the way down each level's block sees `reach` pixels of its level, pooling up to one pixel to the far side; on the
// way up blocks see the same again, bilinear enlargement one pixel of the level below.
std::int64_t HoverFastConfig::receptive_field_px() const {
  const std::int64_t reach = conv_block == BlockKind::kMsunet ? 6 : 2;
  std::int64_t pixels = 0;
  for (std::int64_t level = 0; level < depth; ++level) {
    const std::int64_t scale = std::int64_t{1} << level;
    const bool bottleneck = level == depth - 1;
    pixels += reach * scale * (bottleneck ? 1 : 2);
    if (!bottleneck) pixels += scale + (up_mode == layers::UpMode::kUpsample ? 2 * scale : 0);
  }
  return pixels;
}

}  // namespace histojet::models
