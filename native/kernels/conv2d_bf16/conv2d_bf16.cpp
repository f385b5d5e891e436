#include "kernels/conv2d_bf16/conv2d_bf16.hpp"

namespace histojet::kernels {
namespace {

constexpr std::int64_t kBlockPositions = 32;
constexpr std::int64_t kSumsPerBlock = kBlockPositions * 32;
// 16 steps of a column pair are 32 KiB, two thirds of the first-level cache.
constexpr std::int64_t kStepsInCache = 16;
// Below so many positions the weights are not used often enough to pay for moving sums in and out.
constexpr std::int64_t kFewPositions = 4 * kBlockPositions;

std::int64_t blocks(std::int64_t row_count, std::int64_t positions) {
  return row_count * ((positions + kBlockPositions - 1) / kBlockPositions);
}

}  // namespace

const KernelTable<Conv2dBf16Args> kConv2dBf16{.scalar = scalar::conv2d_bf16, .amx = amx::conv2d_bf16};

std::int64_t conv2d_bf16_block(std::int64_t row_count, std::int64_t positions, std::int64_t step_count) {
  const bool whole = step_count <= 2 * kStepsInCache || row_count * positions <= kFewPositions;
  return whole ? step_count : kStepsInCache;
}

std::int64_t conv2d_bf16_sums(std::int64_t row_count, std::int64_t positions, std::int64_t step_count) {
  if (conv2d_bf16_block(row_count, positions, step_count) == step_count) return 0;
  return blocks(row_count, positions) * kSumsPerBlock;
}

}  // namespace histojet::kernels
