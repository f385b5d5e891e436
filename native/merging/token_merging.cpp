#include "merging/token_merging.hpp"

#include <algorithm>
#include <string>

#include "base/error.hpp"

namespace histojet::merging {
namespace {

bool is_floating(DType dtype) {
  return dtype >= DType::kF16;
}

Tensor checked_tokens(const char* name, const Tensor& tensor, std::int64_t batch, std::int64_t tokens) {
  const Shape& shape = tensor.shape();
  if (shape.size() != 3 || shape[0] != batch || shape[1] != tokens) {
    throw Error(ErrorCode::kShapeMismatch, std::string(name) + " has shape " + shape_text(shape) + ", expected [" +
                                               std::to_string(batch) + ", " + std::to_string(tokens) + ", channels]");
  }
  return token_values(name, tensor);
}

}  // namespace

TokenMerging::TokenMerging(MergeMap map, const TokenState& before)
    : map_(std::make_shared<const MergeMap>(std::move(map))),
      sizes_before_(std::make_shared<const std::vector<float>>(before.sizes)),
      state_(std::make_shared<const TokenState>(before.after(*map_))) {}

Tensor TokenMerging::merge(const Tensor& x, MergeMode mode, const Run& run) const {
  const Tensor values = checked_tokens("x", x, map_->batch(), map_->tokens());
  const std::int64_t channels = values.shape()[2];
  Tensor out(DType::kF32, {map_->batch(), map_->merged_tokens(), channels});
  map_->merge(values.values<float>().data(), channels, mode, sizes_before_->data(), out.values<float>().data(), run);
  return out;
}

Tensor TokenMerging::unmerge(const Tensor& y, const Run& run) const {
  const Tensor values = checked_tokens("x", y, map_->batch(), map_->merged_tokens());
  const std::int64_t channels = values.shape()[2];
  Tensor out(DType::kF32, {map_->batch(), map_->kept_tokens(), channels});
  map_->unmerge(values.values<float>().data(), channels, out.values<float>().data(), run);
  return out;
}

Tensor TokenMerging::dense_source() const {
  Tensor out(DType::kF32, {state_->batch, state_->tokens, state_->original_tokens});
  state_->write_dense_source(out.values<float>().data());
  return out;
}

Tensor token_values(const char* name, const Tensor& tensor) {
  if (tensor.shape().size() != 3) {
    throw Error(ErrorCode::kShapeMismatch, std::string(name) + " has shape " + shape_text(tensor.shape()) +
                                               ", expected [batch, tokens, channels]");
  }
  if (!is_floating(tensor.dtype())) {
    throw Error(ErrorCode::kInvalidArgument,
                std::string(name) + ": expected floating-point values, got " + std::string(dtype_name(tensor.dtype())));
  }
  return tensor.to_f32();
}

Metric metric_of(const Tensor& values) {
  return {.values = values.values<float>().data(),
          .batch = values.shape()[0],
          .tokens = values.shape()[1],
          .channels = values.shape()[2]};
}

}  // namespace histojet::merging
