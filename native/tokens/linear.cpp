#include "tokens/linear.hpp"

#include <algorithm>

#include "tokens/load_parts.hpp"

namespace histojet::tokens {

using kernels::Storage;

kernels::GemmScratch& LinearScratch::of(const kernels::GemmWeights& weights) {
  const auto found = std::ranges::find_if(
      entries_, [&](const Entry& entry) { return entry.depth == weights.depth && entry.storage == weights.storage; });
  if (found != entries_.end()) return found->scratch;
  entries_.push_back({weights.depth, weights.storage, kernels::GemmScratch(weights)});
  return entries_.back().scratch;
}

Linear Linear::load(const weights::WeightScope& scope, std::int64_t in, std::int64_t out, Bias bias,
                    const LayerOptions& options) {
  const Tensor weight = scope.f32("weight", matrix_shape(scope, "weight", out, in));
  const bool biased = bias == Bias::kRequired || (bias == Bias::kAsStored && scope.has("bias"));
  const Tensor shift = biased ? scope.f32("bias", {out}) : Tensor();
  return pack(weight.values<float>(), shift.values<float>(), in, options);
}

Linear Linear::pack(std::span<const float> weight, std::span<const float> bias, std::int64_t in,
                    const LayerOptions& options) {
  Linear layer;
  layer.out_ = static_cast<std::int64_t>(weight.size()) / in;
  layer.parameters_ = static_cast<std::int64_t>(weight.size() + bias.size());
  layer.weights_ = kernels::pack_gemm(weight, bias, in, operand_storage(options, in), options.isa);
  return layer;
}

void Linear::run(const RowBuffer& in, std::int64_t first, std::int64_t count, float* out, std::int64_t out_step,
                 LinearScratch& scratch, kernels::Activation activation, std::int64_t columns) const {
  run_rows(in.in(first), in.row_bytes(), count, out, out_step, scratch, activation, columns);
}

void Linear::run_floats(const float* in, std::int64_t in_step, std::int64_t count, float* out, std::int64_t out_step,
                        LinearScratch& scratch, kernels::Activation activation) const {
  run_rows({reinterpret_cast<const std::byte*>(in), 0}, in_step * static_cast<std::int64_t>(sizeof(float)), count, out,
           out_step, scratch, activation, 0);
}

void Linear::run_rows(kernels::RowIn in, std::int64_t in_row_bytes, std::int64_t count, float* out,
                      std::int64_t out_step, LinearScratch& scratch, kernels::Activation activation,
                      std::int64_t columns) const {
  kernels::gemm({.a = in,
                 .a_row_bytes = in_row_bytes,
                 .out = {reinterpret_cast<std::byte*>(out), 0},
                 .out_row_bytes = out_step * static_cast<std::int64_t>(sizeof(float)),
                 .rows = count,
                 .weights = &weights_,
                 .activation = activation,
                 .out_storage = Storage::kFloat32,
                 .columns = columns,
                 .scratch = &scratch.of(weights_)});
}

}  // namespace histojet::tokens
