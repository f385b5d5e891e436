#include <algorithm>
#include <string>

#include "base/error.hpp"
#include "tokens/load_parts.hpp"
#include "tokens/mamba_compiled.hpp"

namespace histojet::tokens {

using weights::WeightScope;

namespace {

constexpr std::int64_t kLeastTaps = 4;  // of the convolution's kernel
constexpr std::int64_t kMostValues = std::int64_t{1} << 24;

void expect(bool holds, const std::string& what) {
  if (!holds) throw Error(ErrorCode::kInvalidArgument, "mamba mixer: " + what);
}

void check(const MambaConfig& config) {
  const auto in_range = [](std::int64_t value) { return value > 0 && value <= kMostValues; };
  const auto text = [](std::int64_t value) { return std::to_string(value); };
  expect(in_range(config.dim), "dim is " + text(config.dim) + ", expected a positive number");
  expect(in_range(config.d_state), "d_state is " + text(config.d_state) + ", expected a positive number");
  expect(in_range(config.d_conv), "d_conv is " + text(config.d_conv) + ", expected a positive number");
  expect(in_range(config.expand) && config.expand <= kMostValues / config.dim,
         "expand is " + text(config.expand) + ", expected a positive number");
  expect(config.dt_rank >= 0 && config.dt_rank <= kMostValues,
         "dt_rank is " + text(config.dt_rank) + ", expected a positive number, or 0 for dim / 16");
}

/// Reads the tensors of one mixer and packs them.
class Loader {
 public:
  Loader(const WeightScope& scope, const MambaConfig& config, const LayerOptions& options)
      : scope_(scope), config_(config), options_(options), inner_(config.inner()), out_{config, options} {
    out_.config.dt_rank = config.rank();
    out_.stride = kernels::padded_channels(inner_);
  }

  MambaMixer::Compiled load() && {
    in_proj();
    const bool bidirectional = config_.bidirectional != Bidirectional::kNone;
    out_.forward = {projections(""), a2("A_log"), inner_values("D")};
    if (bidirectional) {
      const bool own = config_.bidirectional == Bidirectional::kV2;
      out_.backward = {own ? projections("_b") : out_.forward.projections, a2("A_b_log"),
                       own ? inner_values("D_b")
                           : padded_copy({out_.forward.d.get(), static_cast<std::size_t>(out_.stride)}, out_.stride)};
    }
    out_proj();
    return std::move(out_);
  }

 private:
  Tensor read(const std::string& name, const Shape& shape) {
    Tensor tensor = scope_.f32(name, shape);
    out_.parameters += tensor.size();
    return tensor;
  }
  /// [inner] values, or null when the key is optional and missing.
  AlignedBuffer<float> inner_values(const std::string& name, bool optional = false) {
    if (optional && !scope_.has(name)) return nullptr;
    return padded_copy(read(name, {inner_}).values<float>(), out_.stride);
  }

  /// Rows of x and of z each padded to whole vectors, so that both halves start on one.
  void in_proj() {
    const Tensor weight = read("in_proj.weight", {2 * inner_, config_.dim});
    const bool biased = scope_.has("in_proj.bias");
    const Tensor bias = biased ? read("in_proj.bias", {2 * inner_}) : Tensor();
    std::vector<float> rows(static_cast<std::size_t>(2 * out_.stride * config_.dim));
    std::vector<float> shift(static_cast<std::size_t>(biased ? 2 * out_.stride : 0));
    for (std::int64_t half = 0; half < 2; ++half) {
      const float* from = weight.values<float>().data() + half * inner_ * config_.dim;
      std::copy_n(from, inner_ * config_.dim, rows.begin() + half * out_.stride * config_.dim);
      if (biased) std::copy_n(bias.values<float>().data() + half * inner_, inner_, shift.begin() + half * out_.stride);
    }
    out_.in_proj = Linear::pack(rows, shift, config_.dim, options_);
  }

  std::shared_ptr<const MambaProjections> projections(const std::string& suffix) {
    auto made = std::make_shared<MambaProjections>();
    const std::int64_t rank = config_.rank();
    convolution("conv1d" + suffix, *made);
    const Tensor x_proj = read("x_proj" + suffix + ".weight", {rank + 2 * config_.d_state, inner_});
    made->x_proj = Linear::pack(x_proj.values<float>(), {}, inner_, options_);
    const Tensor dt_proj = read("dt_proj" + suffix + ".weight", {inner_, rank});
    made->dt_proj = Linear::pack(dt_proj.values<float>(), {}, rank, options_);
    made->dt_bias = inner_values("dt_proj" + suffix + ".bias", true);
    if (config_.b_c_dt_rms) {
      made->dt_norm = norm_weight("dt_layernorm" + suffix + ".weight", rank);
      made->b_norm = norm_weight(norm_name("b_layernorm", "B_layernorm", suffix), config_.d_state);
      made->c_norm = norm_weight(norm_name("c_layernorm", "C_layernorm", suffix), config_.d_state);
    }
    return made;
  }

  /// Jamba's name, or mamba.py's (and 2DMamba's).
  std::string norm_name(const std::string& name, const std::string& other, const std::string& suffix) const {
    return (scope_.has(other + suffix + ".weight") ? other : name) + suffix + ".weight";
  }

  AlignedBuffer<float> norm_weight(const std::string& name, std::int64_t count) {
    if (!scope_.has(name)) return nullptr;
    return padded_copy(read(name, {count}).values<float>(), count);
  }

  void convolution(const std::string& name, MambaProjections& made) {
    const Tensor weight = read(name + ".weight", {inner_, 1, config_.d_conv});
    made.taps = std::max(config_.d_conv, kLeastTaps);
    made.conv_weight = zero_values(made.taps * out_.stride);
    const std::int64_t front = made.taps - config_.d_conv;
    const auto by_tap = transposed(weight.values<float>(), inner_, config_.d_conv, out_.stride);
    std::copy_n(by_tap.get(), config_.d_conv * out_.stride, made.conv_weight.get() + front * out_.stride);
    made.conv_bias = inner_values(name + ".bias", true);
    if (!made.conv_bias) made.conv_bias = zero_values(out_.stride);
  }

  AlignedBuffer<float> a2(const std::string& name) {
    const Tensor log = read(name, {inner_, config_.d_state});
    return scaled_decay(log.values<float>(), inner_, config_.d_state, out_.stride);
  }

  void out_proj() {
    const Tensor weight = read("out_proj.weight", {config_.dim, inner_});
    std::vector<float> rows(weight.values<float>().begin(), weight.values<float>().end());
    const Tensor gamma = scope_.has("gamma") ? read("gamma", {config_.dim}) : Tensor();
    const float share = config_.divide_out && config_.bidirectional != Bidirectional::kNone ? 0.5F : 1.0F;
    for (std::int64_t row = 0; row < config_.dim; ++row) {
      const float factor = share * (gamma.size() > 0 ? gamma.values<float>()[static_cast<std::size_t>(row)] : 1.0F);
      for (std::int64_t c = 0; c < inner_; ++c) rows[static_cast<std::size_t>(row * inner_ + c)] *= factor;
    }
    out_.out_proj = Linear::pack(rows, {}, inner_, options_);
    if (!scope_.has("out_proj.bias")) return;
    out_.out_bias = padded_copy(read("out_proj.bias", {config_.dim}).values<float>(), config_.dim);
    for (std::int64_t row = 0; row < config_.dim && gamma.size() > 0; ++row) {
      out_.out_bias[static_cast<std::size_t>(row)] *= gamma.values<float>()[static_cast<std::size_t>(row)];
    }
  }

  const WeightScope& scope_;
  const MambaConfig& config_;
  const LayerOptions& options_;
  std::int64_t inner_;
  MambaMixer::Compiled out_;
};

}  // namespace

MambaConfig mamba_config(const WeightScope& scope) {
  const Shape in_proj = shape_of(scope, "in_proj.weight", 2, "[2 expand dim, dim]");
  MambaConfig config{.dim = in_proj[1]};
  if (in_proj[0] % (2 * config.dim) != 0) {
    throw Error(ErrorCode::kShapeMismatch, scope.dict().path() + ": tensor '" + scope.full_name("in_proj.weight") +
                                               "' has shape " + shape_text(in_proj) +
                                               ", expected an even multiple of its columns as rows");
  }
  config.expand = in_proj[0] / (2 * config.dim);
  config.d_state = shape_of(scope, "A_log", 2, "[channels, states]")[1];
  config.d_conv = shape_of(scope, "conv1d.weight", 3, "[channels, 1, taps]")[2];
  config.dt_rank = shape_of(scope, "dt_proj.weight", 2, "[channels, rank]")[1];
  if (scope.has("A_b_log")) {
    config.bidirectional = scope.has("conv1d_b.weight") ? Bidirectional::kV2 : Bidirectional::kV1;
  }
  config.b_c_dt_rms = scope.has("dt_layernorm.weight");
  return config;
}

MambaMixer MambaMixer::load(const WeightScope& scope, const MambaConfig& config, const LayerOptions& options) {
  check(config);
  MambaMixer mixer;
  mixer.compiled_ = std::make_shared<const Compiled>(Loader(scope, config, options).load());
  return mixer;
}

}  // namespace histojet::tokens
