#include "tokens/layer_options.hpp"

namespace histojet::tokens {
namespace {

constexpr std::int64_t kLeastDepth = 32;

}  // namespace

Precision used_precision(const LayerOptions& options) {
  return engine::offered_precision(options.precision, options.isa);
}

kernels::Storage operand_storage(const LayerOptions& options, std::int64_t depth) {
  const Precision precision = used_precision(options);
  if (precision == Precision::kFloat32 || depth < kLeastDepth) return kernels::Storage::kFloat32;
  return precision == Precision::kHigh ? kernels::Storage::kSplit : kernels::Storage::kBfloat16;
}

}  // namespace histojet::tokens
