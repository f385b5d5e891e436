#include <cmath>
#include <string>
#include <utility>
#include <variant>

#include "histojet/token_models.hpp"
#include "scan/checked_tensors.hpp"
#include "tokens/share_rows.hpp"

namespace histojet {

struct PictureModel::Network {
  std::variant<models::VisionMamba, models::VMamba> model;
  PixelScale scale;
};

namespace {

constexpr std::int64_t kChannels = 3;

template <class Model>
Model checked(Model model, const std::string& path) {
  const std::int64_t channels = model.config().in_channels;
  if (channels == kChannels) return model;
  throw Error(ErrorCode::kUnsupportedFormat, path + ": the network takes pictures of " + std::to_string(channels) +
                                                 " channels, expected 3: red, green, blue");
}

/// What bytes stand for.
class ScaledBytes {
 public:
  explicit ScaledBytes(const PixelScale& scale) {
    for (std::size_t c = 0; c < kChannels; ++c) {
      for (std::size_t v = 0; v < 256; ++v) {
        values_[v][c] = (static_cast<float>(v) / 255.0F - scale.mean[c]) / scale.std[c];
      }
    }
  }

  /// [height][width][3]
  void fill(const Image& rgb, std::vector<float>& values) const {
    values.resize(rgb.data.size());
    for (std::size_t i = 0; i < values.size(); ++i) values[i] = values_[rgb.data[i]][i % kChannels];
  }

 private:
  std::array<std::array<float, kChannels>, 256> values_;
};

PicturePrediction interpreted(std::vector<float> features, std::vector<float> logits) {
  for (const std::vector<float>* values : {&features, &logits}) {
    for (const float value : *values) {
      if (std::isfinite(value)) continue;
      throw Error(ErrorCode::kInvalidArgument,
                  "the network's output is no finite number: its weights do not fit its input or its configuration");
    }
  }
  PicturePrediction prediction{std::move(features), std::move(logits), {}};
  if (!prediction.logits.empty()) {
    prediction.probabilities =
        models::interpret_logits(models::HeadKind::kClassification, prediction.logits).probabilities;
  }
  return prediction;
}

/// Runs `count` pictures, which `picture(i, values)` hands out; it may use `values` as memory of its own. Side by side
/// when there are enough of them (one thread has nobody to wait for), else one after the other.
template <class Model, class Picture>
std::vector<PicturePrediction> run_all(const Model& model, std::int64_t count, int threads, const CancelToken& cancel,
                                       const Picture& picture) {
  const int all = tokens::resolved_threads(threads);
  const int side_by_side = count >= all ? all : 1;
  std::vector<PicturePrediction> predictions(static_cast<std::size_t>(count));
  tokens::share_rows({0, count}, 1, side_by_side, [&](tokens::Range share, int) {
    typename Model::Scratch scratch;
    std::vector<float> values;
    for (std::int64_t i = share.begin; i < share.end; ++i) {
      cancel.throw_if_cancelled();
      auto output = model.run(picture(i, values), scratch, side_by_side > 1 ? 1 : all, cancel);
      predictions[static_cast<std::size_t>(i)] = interpreted(std::move(output.features), std::move(output.logits));
    }
  });
  return predictions;
}

}  // namespace

PictureModel PictureModel::load_vision_mamba(std::shared_ptr<const weights::StateDict> dict,
                                             const models::VisionMambaOptions& options, const PixelScale& scale) {
  return PictureModel(
      std::make_shared<const Network>(Network{checked(models::VisionMamba::load(dict, options), dict->path()), scale}));
}

PictureModel PictureModel::load_vmamba(std::shared_ptr<const weights::StateDict> dict,
                                       const models::VMambaOptions& options, const PixelScale& scale) {
  return PictureModel(
      std::make_shared<const Network>(Network{checked(models::VMamba::load(dict, options), dict->path()), scale}));
}

const models::TokenNetworkInfo& PictureModel::info() const {
  return std::visit([](const auto& model) -> const models::TokenNetworkInfo& { return model.info(); }, network_->model);
}

std::int64_t PictureModel::num_classes() const {
  return std::visit([](const auto& model) { return model.config().num_classes; }, network_->model);
}

std::vector<PicturePrediction> PictureModel::predict(std::span<const Image> rgb, int threads,
                                                     const CancelToken& cancel) const {
  for (const Image& image : rgb) {
    if (image.channels == kChannels) continue;
    throw Error(ErrorCode::kInvalidArgument,
                "expected pictures of 3 channels, got one of " + std::to_string(image.channels));
  }
  const ScaledBytes scaled(network_->scale);
  return std::visit(
      [&](const auto& model) {
        return run_all(model, std::ssize(rgb), threads, cancel, [&](std::int64_t i, std::vector<float>& values) {
          const Image& image = rgb[static_cast<std::size_t>(i)];
          scaled.fill(image, values);
          return tokens::PictureIn::channels_last(values.data(), image.height, image.width, kChannels);
        });
      },
      network_->model);
}

std::vector<PicturePrediction> PictureModel::predict(const Tensor& pictures, int threads,
                                                     const CancelToken& cancel) const {
  const Tensor floats = scan::floats_of("pictures", pictures);
  const Shape& shape = floats.shape();
  if (shape.size() != 4 || shape[1] != kChannels) {
    scan::refuse_shape("pictures", pictures, "[pictures, 3, height, width]");
  }
  const float* data = floats.values<float>().data();
  return std::visit(
      [&](const auto& model) {
        return run_all(model, shape[0], threads, cancel, [&](std::int64_t i, std::vector<float>&) {
          return tokens::PictureIn::planar(data + i * kChannels * shape[2] * shape[3], kChannels, shape[2], shape[3]);
        });
      },
      network_->model);
}

}  // namespace histojet
