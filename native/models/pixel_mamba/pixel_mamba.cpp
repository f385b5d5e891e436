#include "models/pixel_mamba/pixel_mamba.hpp"

#include <algorithm>
#include <cmath>

#include "base/error.hpp"
#include "models/checkpoint_root.hpp"
#include "models/strict_state.hpp"

namespace histojet::models {
namespace {

/// A state dict whose float tensors hold finite numbers: one that is none makes every result none.
class FiniteState final : public weights::StateDict {
 public:
  explicit FiniteState(std::shared_ptr<const weights::StateDict> dict) : dict_(std::move(dict)) {}

  const std::string& path() const override { return dict_->path(); }
  const std::string& format() const override { return dict_->format(); }
  const std::vector<std::string>& names() const override { return dict_->names(); }
  const Entry& entry(std::string_view name) const override { return dict_->entry(name); }
  bool contains(std::string_view name) const override { return dict_->contains(name); }
  const std::map<std::string, std::string>& metadata() const override { return dict_->metadata(); }
  std::string sha256() const override { return dict_->sha256(); }

  Tensor get(std::string_view name) const override {
    Tensor tensor = dict_->get(name).to_f32();
    if (std::ranges::all_of(tensor.values<float>(), [](float value) { return std::isfinite(value); })) return tensor;
    throw Error(ErrorCode::kInvalidArgument,
                path() + ": tensor '" + std::string(name) + "' holds a value that is no finite number");
  }

 private:
  std::shared_ptr<const weights::StateDict> dict_;
};

PixelMambaConfig stored_config(const weights::StateDict& dict) {
  const auto found = dict.metadata().find("config");
  if (found == dict.metadata().end()) {
    throw Error(ErrorCode::kInvalidArgument, dict.path() +
                                                 ": expected a configuration pixel-mamba/1 in the metadata `config`, "
                                                 "found none; pass one when you load the weights");
  }
  return parse_pixel_mamba(found->second, dict.path() + ": config");
}

std::int64_t count_parameters(const weights::StateDict& dict) {
  std::int64_t sum = 0;
  for (const std::string& name : dict.names()) sum += element_count(dict.entry(name).shape);
  return sum;
}

std::int64_t packed_bytes(const PixelNetwork& network) {
  std::int64_t bytes = network.stem.byte_size();
  for (const PixelStage& stage : network.stages) {
    for (const PixelBlock& block : stage.blocks) bytes += block.byte_size();
    bytes += stage.merge.byte_size() + stage.similarity.byte_size();
  }
  return bytes;
}

}  // namespace

std::shared_ptr<const PixelMamba> PixelMamba::load(std::shared_ptr<const weights::StateDict> dict,
                                                   const tokens::LayerOptions& options,
                                                   const PixelMambaConfig* config) {
  auto strict = std::make_shared<StrictState>(std::make_shared<FiniteState>(std::move(dict)));
  const weights::WeightScope root = checkpoint_root(strict, {"module."});
  const std::shared_ptr<PixelMamba> model(new PixelMamba);
  PixelNetwork& network = model->network_;
  network.config = config != nullptr ? *config : stored_config(*strict);
  check_pixel_mamba(network.config);
  network.stem = PixelStem(root, network.config, options);
  const std::size_t stages = network.config.stages.size();
  StageForm form = stage_form(network.config, 0);
  for (std::size_t s = 0; s < stages; ++s) {
    StageForm next = s + 1 < stages ? stage_form(network.config, s + 1) : StageForm{};
    network.stages.push_back(load_stage(root, network.config, s, std::move(form), next, options));
    form = std::move(next);
  }
  const std::int64_t last_dim = network.config.stages.back().dim;
  network.pool = PoolLayer(root, network.config.pool, last_dim, options);
  network.head = PixelHead(root, last_dim, network.config.outputs);
  strict->expect_all_read({}, "Pixel-Mamba");
  model->precision_ = tokens::used_precision(options);
  model->isa_ = options.isa;
  model->parameters_ = count_parameters(*strict);
  model->memory_bytes_ = packed_bytes(network);
  return model;
}

}  // namespace histojet::models
