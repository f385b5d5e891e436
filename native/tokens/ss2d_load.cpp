#include <algorithm>
#include <string>

#include "base/error.hpp"
#include "kernels/conv2d/conv2d_pack.hpp"
#include "tokens/load_parts.hpp"
#include "tokens/ss2d.hpp"

namespace histojet::tokens {

using weights::WeightScope;

namespace {

constexpr std::int64_t kDirections = 4;

/// Part `k` of a tensor whose first dimension counts the directions.
std::span<const float> part(const Tensor& tensor, std::int64_t k) {
  const auto values = tensor.values<float>();
  const std::size_t size = values.size() / kDirections;
  return values.subspan(static_cast<std::size_t>(k) * size, size);
}

}  // namespace

Ss2dConfig ss2d_config(const WeightScope& scope, std::int64_t dim) {
  const Shape a = shape_of(scope, "A_logs", 2, "[4 channels, states]");
  const std::string in_key = scope.full_name("in_proj.weight");
  const Shape in = scope.dict().entry(in_key).shape;
  Ss2dConfig config{.dim = dim, .inner = a[0] / kDirections, .d_state = a[1]};
  config.dt_rank = shape_of(scope, "dt_projs_weight", 3, "[4, channels, rank]")[2];
  config.kernel = scope.has("conv2d.weight") ? shape_of(scope, "conv2d.weight", 4, "[channels, 1, k, k]")[2] : 0;
  const std::int64_t rows = in.empty() ? 0 : in[0];
  config.gated = rows == 2 * config.inner;
  if (config.inner > 0 && a[0] % kDirections == 0 && (rows == config.inner || config.gated)) return config;
  throw Error(ErrorCode::kShapeMismatch, scope.dict().path() + ": tensors '" + scope.full_name("A_logs") + "' " +
                                             shape_text(a) + " and '" + in_key + "' " + shape_text(in) +
                                             " do not belong together");
}

/// Reads the tensors of one layer and packs them.
class Ss2d::Loader {
 public:
  Loader(const WeightScope& scope, const Ss2dConfig& config, const LayerOptions& options)
      : scope_(scope), config_(config), options_(options), inner_(config.inner) {
    layer_.config_ = config;
    layer_.options_ = options;
    layer_.stride_ = kernels::padded_channels(inner_);
  }

  Ss2d load() && {
    in_proj();
    if (config_.kernel > 0) convolution();
    branches();
    layer_.out_norm_ = Norm::load(scope_.scope("out_norm"), inner_, NormKind::kLayer, options_);
    layer_.parameters_ += layer_.out_norm_.parameters();
    const Tensor weight = read("out_proj.weight", matrix_shape(scope_, "out_proj.weight", config_.dim, inner_));
    const Tensor bias = scope_.has("out_proj.bias") ? read("out_proj.bias", {config_.dim}) : Tensor();
    layer_.out_proj_ = Linear::pack(weight.values<float>(), bias.values<float>(), inner_, options_);
    return std::move(layer_);
  }

 private:
  Tensor read(const std::string& name, const Shape& shape) {
    Tensor tensor = scope_.f32(name, shape);
    layer_.parameters_ += tensor.size();
    return tensor;
  }

  /// x and, if there, z, each padded to whole vectors, so that both start on one.
  std::vector<float> padded_halves(std::span<const float> values, std::int64_t width) const {
    const std::int64_t halves = config_.gated ? 2 : 1, stride = layer_.stride_;
    std::vector<float> rows(values.empty() ? 0 : static_cast<std::size_t>(halves * stride * width));
    for (std::int64_t half = 0; half < halves && !values.empty(); ++half) {
      std::copy_n(values.data() + half * inner_ * width, inner_ * width, rows.begin() + half * stride * width);
    }
    return rows;
  }

  void in_proj() {
    const std::int64_t rows = (config_.gated ? 2 : 1) * inner_;
    const Tensor weight = read("in_proj.weight", matrix_shape(scope_, "in_proj.weight", rows, config_.dim));
    const Tensor bias = scope_.has("in_proj.bias") ? read("in_proj.bias", {rows}) : Tensor();
    layer_.in_proj_ = Linear::pack(padded_halves(weight.values<float>(), config_.dim),
                                   padded_halves(bias.values<float>(), 1), config_.dim, options_);
  }

  void convolution() {
    const std::int64_t k = config_.kernel;
    const Tensor weight = read("conv2d.weight", {inner_, 1, k, k});
    layer_.conv_weight_ = transposed(weight.values<float>(), inner_, k * k, layer_.stride_);
    layer_.conv_bias_ = zero_values(layer_.stride_);
    if (!scope_.has("conv2d.bias")) return;
    std::ranges::copy(read("conv2d.bias", {inner_}).values<float>(), layer_.conv_bias_.get());
  }

  void branches() {
    const std::int64_t rank = config_.dt_rank, states = config_.d_state;
    const Tensor x_proj = read("x_proj_weight", {kDirections, rank + 2 * states, inner_});
    const Tensor dt_proj = read("dt_projs_weight", {kDirections, inner_, rank});
    const Tensor dt_bias = read("dt_projs_bias", {kDirections, inner_});
    const Tensor a_logs = read("A_logs", {kDirections * inner_, states});
    const Tensor ds = read("Ds", {kDirections * inner_});
    for (std::int64_t k = 0; k < kDirections; ++k) {
      Branch& branch = layer_.branches_[static_cast<std::size_t>(k)];
      branch.x_proj = Linear::pack(part(x_proj, k), {}, inner_, options_);
      // Its short rows lie inside those of x_proj's result, in float32.
      branch.dt_proj = Linear::pack(part(dt_proj, k), {}, rank, {.isa = options_.isa});
      branch.dt_bias = padded_copy(part(dt_bias, k), layer_.stride_);
      branch.d = padded_copy(part(ds, k), layer_.stride_);
      branch.a2 = scaled_decay(part(a_logs, k), inner_, states, layer_.stride_);
    }
  }

  const WeightScope& scope_;
  const Ss2dConfig& config_;
  const LayerOptions& options_;
  std::int64_t inner_;
  Ss2d layer_;
};

Ss2d Ss2d::load(const WeightScope& scope, const Ss2dConfig& config, const LayerOptions& options) {
  if (config.kernel == 0 || config.kernel == 3 || config.kernel == 5 || config.kernel == 7) {
    return Loader(scope, config, options).load();
  }
  throw Error(ErrorCode::kUnsupportedFormat, scope.dict().path() + ": '" + scope.full_name("conv2d.weight") +
                                                 "' has a window of " + std::to_string(config.kernel) +
                                                 ", expected 3, 5 or 7");
}

std::int64_t Ss2d::byte_size() const {
  std::int64_t bytes = in_proj_.byte_size() + out_proj_.byte_size();
  for (const Branch& branch : branches_) bytes += branch.x_proj.byte_size() + branch.dt_proj.byte_size();
  return bytes;
}

}  // namespace histojet::tokens
