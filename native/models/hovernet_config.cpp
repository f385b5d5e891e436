#include <array>

#include "base/error.hpp"
#include "models/checkpoint_root.hpp"
#include "models/hovernet.hpp"
#include "models/metadata.hpp"

namespace histojet::models {

using weights::WeightScope;

namespace {

using Metadata = std::map<std::string, std::string>;

constexpr const char* kModeKey = "decoder.np.u3.conva.weight";
constexpr const char* kTypesKey = "decoder.tp.u0.conv.weight";
/// Classes are handed out as bytes.
constexpr std::int64_t kMostTypes = 256;

const char* mode_name(HoverNetMode mode) {
  return mode == HoverNetMode::kFast ? "fast" : "original";
}

const Shape& convolution_shape(const WeightScope& root, const char* name) {
  const std::string key = root.full_name(name);
  const Shape& shape = root.dict().entry(key).shape;
  if (shape.size() == 4) return shape;
  throw Error(ErrorCode::kShapeMismatch, root.dict().path() + ": tensor '" + key + "' has shape " + shape_text(shape) +
                                             ", the model expects [out, in, k, k]");
}

HoverNetMode inferred_mode(const WeightScope& root) {
  const Shape& shape = convolution_shape(root, kModeKey);
  if (shape[3] == 3) return HoverNetMode::kFast;
  if (shape[3] == 5) return HoverNetMode::kOriginal;
  throw Error(ErrorCode::kShapeMismatch,
              root.dict().path() + ": tensor '" + root.full_name(kModeKey) + "' has shape " + shape_text(shape) +
                  ", the model expects [256, 1024, 3, 3] (mode fast) or [256, 1024, 5, 5] (mode original)");
}

/// The number of classes; 0 without the decoder for them.
std::int64_t inferred_types(const WeightScope& root) {
  const std::string branch = root.full_name("decoder.tp") + ".";
  bool typed = false;
  for (const std::string& name : root.dict().names()) typed = typed || name.starts_with(branch);
  if (!typed) return 0;
  const std::int64_t types = convolution_shape(root, kTypesKey)[0];
  if (types >= 1 && types <= kMostTypes) return types;
  throw Error(ErrorCode::kShapeMismatch, root.dict().path() + ": tensor '" + root.full_name(kTypesKey) + "' says " +
                                             std::to_string(types) + " classes, the model expects 1 to " +
                                             std::to_string(kMostTypes));
}

/// Refuses metadata that contradicts the tensors: one of the two was edited, and nobody knows which is right.
void expect_metadata(const Metadata& metadata, const std::string& name, const std::vector<std::string>& accepted) {
  const auto found = metadata.find(name);
  if (found == metadata.end()) return;
  const std::string text = plain_text(found->second);
  for (const std::string& value : accepted) {
    if (text == value) return;
  }
  throw Error(ErrorCode::kInvalidArgument,
              "hovernet: " + name + " is \"" + found->second + "\", but the tensors say " + accepted.front());
}

void refuse_hovernet_plus(const WeightScope& root) {
  const std::string branch = root.full_name("decoder.ls") + ".";
  for (const std::string& name : root.dict().names()) {
    if (!name.starts_with(branch)) continue;
    throw Error(ErrorCode::kUnsupportedFormat,
                root.dict().path() + ": this is a HoVer-Net+ network (tensor '" + name +
                    "': a decoder for tissue layers); only HoVer-Net with the decoders np, hv and tp is supported");
  }
}

}  // namespace

WeightScope hovernet_root(std::shared_ptr<const weights::StateDict> dict) {
  return checkpoint_root(std::move(dict), {"desc.", "module."});
}

bool is_hovernet(const WeightScope& root) {
  return root.has("conv0./.weight") || root.has(kModeKey);
}

HoverNetConfig hovernet_config(const WeightScope& root, const Metadata& metadata) {
  refuse_hovernet_plus(root);
  const HoverNetConfig config{.mode = inferred_mode(root), .nr_types = inferred_types(root)};
  expect_metadata(metadata, "mode", {mode_name(config.mode)});
  expect_metadata(metadata, "input_ch", {"3"});
  if (config.nr_types > 0) {
    expect_metadata(metadata, "nr_types", {std::to_string(config.nr_types)});
  } else {
    expect_metadata(metadata, "nr_types", {"none", "null", "0", ""});
  }
  return config;
}

std::map<std::string, std::string> config_json(const HoverNetConfig& config) {
  return {{"mode", std::string("\"") + mode_name(config.mode) + "\""},
          {"nr_types", config.nr_types > 0 ? std::to_string(config.nr_types) : "null"},
          {"input_ch", "3"}};
}

}  // namespace histojet::models
