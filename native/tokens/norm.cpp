#include "tokens/norm.hpp"

#include "kernels/conv2d/conv2d_pack.hpp"
#include "kernels/layer_norm/layer_norm.hpp"
#include "kernels/rms_norm/rms_norm.hpp"
#include "tokens/load_parts.hpp"

namespace histojet::tokens {

using kernels::Storage;

Norm Norm::load(const weights::WeightScope& scope, std::int64_t dim, NormKind kind, const LayerOptions& options,
                float epsilon) {
  Norm norm;
  norm.dim_ = dim;
  norm.kind_ = kind;
  norm.epsilon_ = epsilon;
  norm.isa_ = options.isa;
  const std::int64_t padded = kernels::padded_channels(dim);
  norm.weight_ = padded_copy(scope.f32("weight", {dim}).values<float>(), padded);
  if (kind == NormKind::kLayer) norm.bias_ = padded_copy(scope.f32("bias", {dim}).values<float>(), padded);
  return norm;
}

NormKind Norm::stored_kind(const weights::WeightScope& scope) {
  return scope.has("bias") ? NormKind::kLayer : NormKind::kRms;
}

void Norm::run(const RowBuffer& rows, RowBuffer& to, std::int64_t first, std::int64_t count) const {
  run_rows(rows.in(first), rows.row_bytes(), to.out(first), to.row_bytes(), to.storage(), count);
}

void Norm::run_from(const float* in, std::int64_t in_step, RowBuffer& to, std::int64_t first,
                    std::int64_t count) const {
  run_rows({reinterpret_cast<const std::byte*>(in), 0}, in_step * static_cast<std::int64_t>(sizeof(float)),
           to.out(first), to.row_bytes(), to.storage(), count);
}

void Norm::run_floats(const float* in, std::int64_t in_step, float* out, std::int64_t out_step,
                      std::int64_t count) const {
  const auto bytes = [](std::int64_t floats) { return floats * static_cast<std::int64_t>(sizeof(float)); };
  run_rows({reinterpret_cast<const std::byte*>(in), 0}, bytes(in_step), {reinterpret_cast<std::byte*>(out), 0},
           bytes(out_step), Storage::kFloat32, count);
}

void Norm::run_tokens(const TokensIn& in, const TokensOut& out, std::int64_t count) const {
  RowBuffer row;
  row.reshape(1, dim_);
  for (std::int64_t t = 0; t < count; ++t) {
    float* token = out.token(t);
    if (token == nullptr) continue;
    store_rows(in, t, dim_, isa_, row, 0, 1);
    run(row, row, 0, 1);
    std::copy_n(row.row(0), dim_, token);
  }
}

void Norm::run_rows(kernels::RowIn in, std::int64_t in_row_bytes, kernels::RowOut out, std::int64_t out_row_bytes,
                    Storage out_storage, std::int64_t count) const {
  if (kind_ == NormKind::kRms) {
    return kernels::kRmsNorm.pick(isa_)({.in = in,
                                         .out = out,
                                         .in_row_bytes = in_row_bytes,
                                         .out_row_bytes = out_row_bytes,
                                         .rows = count,
                                         .channels = dim_,
                                         .gamma = weight_.get(),
                                         .epsilon = epsilon_,
                                         .in_storage = Storage::kFloat32,
                                         .out_storage = out_storage});
  }
  kernels::kLayerNorm.pick(isa_)({.in = in,
                                  .out = out,
                                  .in_row_bytes = in_row_bytes,
                                  .out_row_bytes = out_row_bytes,
                                  .rows = count,
                                  .channels = dim_,
                                  .gamma = weight_.get(),
                                  .beta = bias_.get(),
                                  .epsilon = epsilon_,
                                  .in_storage = Storage::kFloat32,
                                  .out_storage = out_storage});
}

}  // namespace histojet::tokens
