#include <cmath>
#include <cstring>

#include "kernels/conv2d_bf16/conv2d_bf16.hpp"

namespace histojet::kernels::scalar {
namespace {

constexpr int kTileColumns = 16;
constexpr int kStepElements = 32;
constexpr std::int64_t kTileElements = kTileColumns * kStepElements;

float element(const std::byte* from, int index) {
  Bfloat16 value;
  std::memcpy(&value, from + 2 * index, sizeof value);
  return from_bfloat16(value);
}

float output_value(const Conv2dBf16Args& args, const std::byte* const* rows, std::int64_t position, std::int64_t n,
                   float addend) {
  const std::int64_t tile_count = weight_tile(args.order, args.step_count);
  const Bfloat16* tiles = args.tiles + n / kTileColumns * tile_count * kTileElements + n % kTileColumns * 2;
  float sum = args.bias[n];
  for (std::int64_t s = 0; s < args.step_count; ++s) {
    const TileStep& step = args.steps[s];
    const Bfloat16* tile = tiles + weight_tile(args.order, s) * kTileElements;
    const std::byte* in = rows[step.row] + step.offset + position * step.stride;
    float even = 0.0f;
    float odd = 0.0f;
    for (int k = 0; k < kStepElements; k += 2) {
      const Bfloat16* weights = tile + k * kTileColumns;
      even += element(in, k) * from_bfloat16(weights[0]);
      odd += element(in, k + 1) * from_bfloat16(weights[1]);
    }
    sum += even + odd;
  }
  const float result = sum + addend;
  return args.relu && result < 0.0f ? 0.0f : result;
}

float addend_value(const Conv2dBf16Args& args, std::int64_t y, std::int64_t position, std::int64_t n) {
  if (args.addend_rows == nullptr) return 0.0f;
  const std::byte* from = args.addend_rows[y] + position * args.out_position_bytes;
  if (args.storage == Storage::kFloat32) {
    float value;
    std::memcpy(&value, from + n * 4, sizeof value);
    return value;
  }
  const float high = element(from, static_cast<int>(n));
  return args.storage == Storage::kSplit ? high + element(from + args.addend_plane_bytes, static_cast<int>(n)) : high;
}

void store(const Conv2dBf16Args& args, std::byte* position, std::int64_t plane_bytes, std::int64_t n, float value) {
  if (args.storage == Storage::kFloat32) {
    std::memcpy(position + n * 4, &value, sizeof value);
    return;
  }
  const SplitFloat split = split_float(value);
  std::memcpy(position + n * 2, &split.high, sizeof split.high);
  if (args.storage == Storage::kSplit) {
    std::memcpy(position + plane_bytes + n * 2, &split.low, sizeof split.low);
  }
}

}  // namespace

void conv2d_bf16(const Conv2dBf16Args& args) {
  for (std::int64_t y = 0; y < args.row_count; ++y) {
    const std::byte* const* rows = args.rows + y * args.rows_per_output;
    for (std::int64_t p = 0; p < args.positions; ++p) {
      const std::int64_t at = p * args.out_position_bytes;
      for (std::int64_t n = 0; n < args.columns; ++n) {
        const float value = output_value(args, rows, p, n, addend_value(args, y, p, n));
        if (args.out_rows != nullptr) store(args, args.out_rows[y] + at, args.out_plane_bytes, n, value);
        if (args.active_rows == nullptr) continue;
        const float active = std::fma(args.scale[n], value, args.shift[n]);
        store(args, args.active_rows[y] + at, args.active_plane_bytes, n, active < 0.0f ? 0.0f : active);
      }
    }
  }
}

}  // namespace histojet::kernels::scalar
