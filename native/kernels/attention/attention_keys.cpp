#include <algorithm>
#include <cstring>

#include "kernels/attention/attention.hpp"
#include "kernels/attention/attention_parts.hpp"
#include "kernels/conv2d/conv2d_pack.hpp"

namespace histojet::kernels {
namespace {

constexpr std::int64_t kTileElements = 512;
constexpr std::int64_t kStepElements = 32;
constexpr std::int64_t kTileColumns = 16;

constexpr std::int64_t rounded_up(std::int64_t value, std::int64_t granule) {
  return (value + granule - 1) / granule * granule;
}

/// Steps over `elements` values: one product, or three of the halves (high high, low high, high low).
std::vector<TileStep> tile_steps(std::int64_t elements, Storage storage) {
  std::vector<TileStep> steps;
  for (std::int64_t e = 0; e < elements; e += kStepElements) {
    const auto offset = static_cast<std::int32_t>(2 * e);
    steps.push_back({0, offset, 0});
    if (storage == Storage::kSplit) {
      steps.push_back({1, offset, 0});
      steps.push_back({0, offset, 0});
    }
  }
  return steps;
}

std::int64_t products(Storage storage) {
  return storage == Storage::kSplit ? 3 : 1;
}

/// The tiles of one step's products.
Bfloat16* pack_step(const TokensIn& matrix, PackTileArgs tile, Storage storage,
                    KernelTable<PackTileArgs>::Function pack) {
  const std::byte* high = tile.matrix;
  for (std::int64_t product = 0; product < products(storage); ++product) {
    tile.matrix = product == 2 ? high + matrix.tokens.plane_bytes : high;
    pack(tile);
    tile.tile += kTileElements;
  }
  return tile.tile;
}

}  // namespace

AttentionKeys::AttentionKeys(std::int64_t most_keys, std::int64_t dim, Storage storage, Isa isa)
    : dim_(dim), storage_(storage), isa_(isa) {
  const std::int64_t keys = rounded_up(most_keys, kStepElements);
  const std::int64_t wide = rounded_up(dim, kStepElements);
  const std::int64_t value_bytes = storage == Storage::kFloat32 ? 4 : 2 * products(storage);
  keys_ = make_aligned<std::byte>(static_cast<std::size_t>(keys * wide * value_bytes));
  values_ = make_aligned<std::byte>(static_cast<std::size_t>(keys * wide * value_bytes));
  query_steps_ = tile_steps(dim, storage);
  for (std::int64_t count = kStepElements; count <= kBlock; count += kStepElements) {
    weight_steps_.push_back(tile_steps(count, storage));
  }
}

const std::byte* AttentionKeys::keys(std::int64_t first) const {
  if (storage_ == Storage::kFloat32) return keys_.get() + first * dim_ * 4;
  return keys_.get() + first / kTileColumns * static_cast<std::int64_t>(query_steps_.size()) * kTileElements * 2;
}

const std::byte* AttentionKeys::values(std::int64_t first) const {
  return values_.get() + values_offset(first);
}

std::int64_t AttentionKeys::values_offset(std::int64_t first) const {
  return first * dim_ * (storage_ == Storage::kFloat32 ? 4 : 2 * products(storage_));
}

const std::vector<TileStep>& AttentionKeys::weight_steps(std::int64_t padded_keys) const {
  return weight_steps_[static_cast<std::size_t>(padded_keys / kStepElements - 1)];
}

void AttentionKeys::pack(const TokensIn& keys, const TokensIn& values, std::int64_t count) {
  count_ = count;
  if (storage_ == Storage::kFloat32) return pack_floats(keys, values);
  pack_tiles(keys, values);
}

void AttentionKeys::pack_floats(const TokensIn& keys, const TokensIn& values) {
  const std::int64_t panel = conv2d_panel_columns(isa_);
  const std::int64_t padded = padded_channels(count_);
  auto* out = reinterpret_cast<float*>(keys_.get());
  for (std::int64_t first = 0; first < padded; first += panel) {
    const std::int64_t columns = std::min(panel, padded - first);
    for (std::int64_t c = 0; c < columns; ++c) {
      const bool real = first + c < count_;
      const auto* in = reinterpret_cast<const float*>(keys.tokens.pixels + (first + c) * keys.row_bytes);
      for (std::int64_t d = 0; d < dim_; ++d) out[d * columns + c] = real ? in[d] : 0.0f;
    }
    out += columns * dim_;
  }
  out = reinterpret_cast<float*>(values_.get());
  for (std::int64_t first = 0; first < count_; first += kBlock) {
    for (std::int64_t d = 0; d < dim_; d += panel) {
      const std::int64_t columns = std::min(panel, dim_ - d);
      for (std::int64_t k = first; k < std::min(first + kBlock, count_); ++k, out += columns) {
        std::memcpy(out, values.tokens.pixels + k * values.row_bytes + 4 * d, static_cast<std::size_t>(4 * columns));
      }
    }
  }
}

void AttentionKeys::pack_tiles(const TokensIn& keys, const TokensIn& values) {
  const auto pack = kPackTile.pick(isa_);
  auto* out = reinterpret_cast<Bfloat16*>(keys_.get());
  for (std::int64_t k = 0; k < count_; k += kTileColumns) {
    for (std::int64_t d = 0; d < dim_; d += kStepElements) {
      out = pack_step(keys,
                      {.matrix = keys.tokens.pixels + k * keys.row_bytes + 2 * d,
                       .row_bytes = keys.row_bytes,
                       .rows = count_ - k,
                       .columns = dim_ - d,
                       .transposed = true,
                       .tile = out},
                      storage_, pack);
    }
  }
  for (std::int64_t first = 0; first < count_; first += kBlock) {
    out = reinterpret_cast<Bfloat16*>(values_.get() + values_offset(first));
    for (std::int64_t d = 0; d < dim_; d += kTileColumns) {
      for (std::int64_t k = first; k < std::min(first + kBlock, count_); k += kStepElements) {
        out = pack_step(values,
                        {.matrix = values.tokens.pixels + k * values.row_bytes + 2 * d,
                         .row_bytes = values.row_bytes,
                         .rows = count_ - k,
                         .columns = dim_ - d,
                         .transposed = false,
                         .tile = out},
                        storage_, pack);
      }
    }
  }
}

}  // namespace histojet::kernels
