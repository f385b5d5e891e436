#include <cmath>
#include <set>

#include "base/error.hpp"
#include "base/json_value.hpp"
#include "base/text.hpp"
#include "models/pixel_mamba/config.hpp"
#include "models/pixel_mamba/words.hpp"

namespace histojet::models {
namespace {

using Kind = JsonReader::Kind;

/// One object of the configuration; remembers which members were asked for, so that unknown ones can be refused.
class Section {
 public:
  Section(const JsonValue& value, std::string where, std::string path)
      : value_(value), where_(std::move(where)), path_(std::move(path)) {
    if (value.kind != Kind::kObject) refuse(path_.empty() ? "the configuration" : path_, "an object", value);
  }

  const JsonValue* find(const std::string& name) {
    known_.insert(name);
    return value_.find(name);
  }
  std::string path_of(const std::string& name) const { return path_.empty() ? name : path_ + "." + name; }

  void integer(const std::string& name, std::int64_t low, std::int64_t high, std::int64_t& field) {
    const JsonValue* value = find(name);
    if (value == nullptr) return;
    const double number = value->number;
    const bool fits = value->kind == Kind::kNumber && number == std::floor(number) &&
                      number >= static_cast<double>(low) && number <= static_cast<double>(high);
    if (!fits) {
      refuse(path_of(name), "an integer from " + std::to_string(low) + " to " + std::to_string(high), *value);
    }
    field = static_cast<std::int64_t>(number);
  }

  void number(const std::string& name, double low, double high, double& field) {
    const JsonValue* value = find(name);
    if (value == nullptr) return;
    if (value->kind != Kind::kNumber || !(value->number >= low && value->number <= high)) {
      refuse(path_of(name), "a number from " + json_number(low) + " to " + json_number(high), *value);
    }
    field = value->number;
  }

  void boolean(const std::string& name, bool& field) {
    const JsonValue* value = find(name);
    if (value == nullptr) return;
    if (value->kind != Kind::kBool) refuse(path_of(name), "true or false", *value);
    field = value->boolean;
  }

  /// Three numbers; `nonzero` ones are divisors.
  void triple(const std::string& name, bool nonzero, std::array<float, 3>& field) {
    const JsonValue* value = find(name);
    if (value == nullptr) return;
    const std::string expected = nonzero ? "three numbers above 0" : "three numbers";
    if (value->kind != Kind::kArray || value->elements.size() != 3) refuse(path_of(name), expected, *value);
    for (std::size_t i = 0; i < 3; ++i) {
      const JsonValue& element = value->elements[i];
      const auto number = static_cast<float>(element.number);
      const bool fits = element.kind == Kind::kNumber && std::abs(element.number) <= 1e6 && (!nonzero || number > 0);
      if (!fits) refuse(path_of(name) + "[" + std::to_string(i) + "]", "a number", element);
      field[i] = number;
    }
  }

  template <class T>
  void word(const std::string& name, const Words<T>& words, T& field) {
    const JsonValue* value = find(name);
    if (value == nullptr) return;
    if (value->kind == Kind::kString) {
      if (const auto found = meaning(words, value->text)) {
        field = *found;
        return;
      }
    }
    refuse(path_of(name), one_of(words), *value);
  }

  void texts(const std::string& name, std::vector<std::string>& field) {
    const JsonValue* value = find(name);
    if (value == nullptr || value->kind == Kind::kNull) return;
    if (value->kind != Kind::kArray) refuse(path_of(name), "an array of strings", *value);
    for (std::size_t i = 0; i < value->elements.size(); ++i) {
      const JsonValue& element = value->elements[i];
      if (element.kind != Kind::kString) refuse(path_of(name) + "[" + std::to_string(i) + "]", "a string", element);
      field.push_back(element.text);
    }
  }

  /// A member of the format that has one value.
  void only(const std::string& name, const std::string& supported) {
    const JsonValue* value = find(name);
    if (value == nullptr) return;
    const std::string text = value->kind == Kind::kString ? value->text : describe(*value);
    if (text != supported) refuse(path_of(name), supported, *value);
  }

  /// A member that has a meaning only together with another one.
  void absent_unless(bool sensible, const std::string& name, const std::string& reason) {
    const JsonValue* value = find(name);
    if (sensible || value == nullptr) return;
    refuse(path_of(name), "none, as " + reason, *value);
  }

  [[noreturn]] void refuse(const std::string& path, const std::string& expected, const JsonValue& found) const {
    throw Error(ErrorCode::kInvalidArgument,
                where_ + ": " + path + ": expected " + expected + ", got " + describe(found));
  }

  void expect_all_known() const {
    for (const auto& [name, value] : value_.members) {
      if (known_.contains(name)) continue;
      const std::string closest = closest_name(name, {known_.begin(), known_.end()});
      throw Error(ErrorCode::kInvalidArgument, where_ + ": " + path_of(name) + ": unknown key" +
                                                   (closest.empty() ? "" : "; is " + closest + " meant?"));
    }
  }

 private:
  const JsonValue& value_;
  std::string where_;
  std::string path_;
  std::set<std::string> known_;
};

void read_input(const JsonValue& value, const std::string& where, PixelMambaConfig& config) {
  Section input(value, where, "input");
  input.number("mpp", 0.01, 100, config.mpp);
  input.triple("mean", false, config.mean);
  input.triple("std", true, config.std);
  // Until told otherwise, padding is white as the network sees it.
  for (std::size_t c = 0; c < 3; ++c) config.pad_value[c] = (1 - config.mean[c]) / config.std[c];
  input.word("tissue_mask", kTissueRules, config.tissue);
  input.number("min_tissue", 0, 1, config.min_tissue);
  input.expect_all_known();
}

void read_serialization(const JsonValue& value, const std::string& where, PixelMambaConfig& config) {
  Section serialization(value, where, "serialization");
  serialization.integer("region_size", 1, kLargestRegion_px, config.region_size_px);
  serialization.word("region_order", kRegionOrders, config.region_order);
  serialization.word("pixel_order", kPixelOrders, config.pixel_order);
  serialization.triple("pad_value", false, config.pad_value);
  serialization.boolean("region_tokens", config.region_tokens);
  serialization.expect_all_known();
}

PixelMambaStage read_stage(const JsonValue& value, const std::string& where, const PixelMambaConfig& config,
                           std::size_t index) {
  Section section(value, where, "stages[" + std::to_string(index) + "]");
  PixelMambaStage stage;
  stage.backward_scope = config.token_px(index) < kGlobalFrom_px ? BackwardScope::kRegion : BackwardScope::kGlobal;
  section.integer("dim", 1, kLargestDim, stage.dim);
  section.integer("depth", 0, kLargestDepth, stage.depth);
  section.integer("d_state", 1, kLargestState, stage.d_state);
  section.word("scan", kScans, stage.scan);
  if (stage.scan == ScanKind::kCross2d) stage.d_conv = 3;
  section.integer("d_conv", 1, kLargestConvolution, stage.d_conv);
  section.integer("expand", 1, kLargestExpand, stage.expand);
  const JsonValue* rank = section.find("dt_rank");
  const bool automatic = rank != nullptr && rank->kind == Kind::kString && rank->text == "auto";
  if (!automatic) section.integer("dt_rank", 1, kLargestDim, stage.dt_rank);
  section.word("bidirectional", kDirections, stage.bidirectional);
  section.word("backward_scope", kScopes, stage.backward_scope);
  section.boolean("divide_out", stage.divide_out);
  section.integer("window", 1, kLargestRegion_px, stage.window);
  section.absent_unless(stage.scan == ScanKind::kWindow, "window", "only scan \"window\" has windows");
  for (const char* name : {"bidirectional", "divide_out"}) {
    section.absent_unless(stage.scan != ScanKind::kCross2d, name, "scan \"cross2d\" has four directions");
  }
  section.number("mlp_ratio", 0, kLargestMlpRatio, stage.mlp_ratio);
  section.word("pos", kPositions, stage.pos);
  section.expect_all_known();
  if (stage.dim == 0) {
    throw Error(ErrorCode::kInvalidArgument, where + ": " + section.path_of("dim") +
                                                 ": expected an integer from 1 to " + std::to_string(kLargestDim) +
                                                 ", got nothing");
  }
  return stage;
}

void read_stages(Section& root, const std::string& where, PixelMambaConfig& config) {
  const JsonValue* stages = root.find("stages");
  const std::string expected = "1 to " + std::to_string(kMostStages) + " stages";
  if (stages == nullptr) {
    throw Error(ErrorCode::kInvalidArgument, where + ": stages: expected " + expected + ", got nothing");
  }
  const std::size_t count = stages->elements.size();
  if (stages->kind != Kind::kArray || count < 1 || count > kMostStages) root.refuse("stages", expected, *stages);
  for (std::size_t i = 0; i < count; ++i) config.stages.push_back(read_stage(stages->elements[i], where, config, i));
}

/// Before the stages, whose defaults depend on the sizes of their tokens.
void read_merge(Section& root, const std::string& where, PixelMambaConfig& config) {
  root.word("merge", kMerges, config.merge);
  root.absent_unless(config.merge == MergeKind::kTome, "tome", "it belongs to merge \"tome\"");
  const JsonValue* tome = root.find("tome");
  if (tome == nullptr) return;
  Section section(*tome, where, "tome");
  section.number("keep", kLeastTomeKeep, 1, config.tome_keep);
  section.integer("window", kLeastTomeWindow, kLargestTomeWindow, config.tome_window);
  section.expect_all_known();
}

void read_head(const JsonValue& value, const std::string& where, PixelMambaConfig& config) {
  Section head(value, where, "head");
  head.word("type", kHeads, config.head);
  if (config.head == HeadKind::kCox || config.head == HeadKind::kRegression) config.outputs = 1;
  head.integer("outputs", 1, kLargestDim, config.outputs);
  head.texts("labels", config.labels);
  head.expect_all_known();
}

}  // namespace

PixelMambaConfig parse_pixel_mamba(std::string_view json, const std::string& where) {
  const JsonValue tree = parse_json(json, where);
  Section root(tree, where, "");
  PixelMambaConfig config;
  root.only("format", "pixel-mamba/1");
  root.only("in_channels", "3");
  if (const JsonValue* input = root.find("input")) read_input(*input, where, config);
  if (const JsonValue* serialization = root.find("serialization")) {
    read_serialization(*serialization, where, config);
  }
  if (const JsonValue* stem = root.find("stem")) {
    Section section(*stem, where, "stem");
    section.integer("patch", 1, kLargestRegion_px, config.patch_px);
    section.expect_all_known();
  }
  read_merge(root, where, config);
  read_stages(root, where, config);
  root.word("pool", kPools, config.pool);
  if (const JsonValue* head = root.find("head")) read_head(*head, where, config);
  root.expect_all_known();
  check_pixel_mamba(config, where);
  return config;
}

}  // namespace histojet::models
