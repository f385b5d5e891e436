#include <cmath>
#include <limits>

#include "kernels/attention/attention_parts.hpp"
#include "kernels/vector/stored.hpp"

namespace histojet::kernels::scalar {
namespace {

constexpr std::int64_t kStepElements = 32;

void softmax_row(const SoftmaxBlockArgs& args, std::int64_t q) {
  const float* scores = args.scores + q * args.scores_row_floats;
  const float* bias = args.bias == nullptr ? nullptr : args.bias + q * args.bias_row_floats;
  const auto score = [&](std::int64_t k) { return args.scale * scores[k] + (bias == nullptr ? 0.0f : bias[k]); };
  float largest = args.largest[q];
  for (std::int64_t k = 0; k < args.keys; ++k) largest = std::max(largest, score(k));
  const float shift = largest == -std::numeric_limits<float>::infinity() ? 0.0f : largest;
  args.factor[q] = std::exp(args.largest[q] - shift);
  args.largest[q] = largest;
  args.sum[q] *= args.factor[q];
  const RowOut weights{args.weights.pixels + q * args.weights_row_bytes, args.weights.plane_bytes};
  for (std::int64_t k = 0; k < (args.keys + kStepElements - 1) / kStepElements * kStepElements; ++k) {
    const float weight = k < args.keys ? std::exp(score(k) - shift) : 0.0f;
    args.sum[q] += weight;
    store(weights, args.storage, k, weight);
  }
}

Bfloat16 word(const std::byte* from) {
  Bfloat16 value;
  std::memcpy(&value, from, sizeof value);
  return value;
}

float product_value(const TileProductArgs& args, std::int64_t r, std::int64_t n) {
  float sum = 0.0f;
  for (std::int64_t s = 0; s < args.step_count; ++s) {
    const TileStep& step = args.steps[s];
    const std::byte* in = args.rows[step.row] + r * args.row_bytes + step.offset;
    const Bfloat16* tile = args.tiles + (n / 16 * args.step_count + s) * 512 + n % 16 * 2;
    float halves[2] = {0.0f, 0.0f};
    for (std::int64_t i = 0; i < kStepElements; ++i) {
      halves[i % 2] += from_bfloat16(word(in + 2 * i)) * from_bfloat16(tile[i / 2 * kStepElements + i % 2]);
    }
    sum += halves[0] + halves[1];
  }
  return sum;
}

}  // namespace

void tile_product(const TileProductArgs& args) {
  for (std::int64_t r = 0; r < args.row_count; ++r) {
    for (std::int64_t n = 0; n < args.columns; ++n) args.out[r * args.out_row_floats + n] = product_value(args, r, n);
  }
}

void softmax_block(const SoftmaxBlockArgs& args) {
  for (std::int64_t q = 0; q < args.queries; ++q) softmax_row(args, q);
}

void merge_block(const MergeBlockArgs& args) {
  for (std::int64_t q = 0; q < args.queries; ++q) {
    const RowOut out{args.out.pixels + q * args.out_row_bytes, args.out.plane_bytes};
    for (std::int64_t d = 0; d < args.dim; ++d) {
      float& sum = args.sums[q * args.dim + d];
      sum = args.part[q * args.dim + d] + (args.first ? 0.0f : sum * args.factor[q]);
      if (args.last) store(out, args.storage, d, args.sum[q] == 0.0f ? 0.0f : sum / args.sum[q]);
    }
  }
}

void pack_tile(const PackTileArgs& args) {
  Bfloat16* out = args.tile;
  for (std::int64_t i = 0; i < 16; ++i) {
    for (std::int64_t column = 0; column < 16; ++column) {
      for (std::int64_t j = 0; j < 2; ++j) {
        const std::int64_t x = args.transposed ? 2 * i + j : column;
        const std::int64_t y = args.transposed ? column : 2 * i + j;
        *out++ = y < args.rows && x < args.columns ? word(args.matrix + y * args.row_bytes + 2 * x) : Bfloat16{0};
      }
    }
  }
}

}  // namespace histojet::kernels::scalar
