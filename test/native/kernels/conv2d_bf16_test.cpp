#include "kernels/conv2d_bf16/conv2d_bf16.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>

#include "kernels/conv2d_bf16/conv2d_bf16_pack.hpp"
#include "kernels/conv_reference.hpp"

using namespace histojet;
using namespace histojet::kernels;
using histojet::test::DenseMap;
using histojet::test::Noise;

namespace {

constexpr std::int64_t kLead = 8;  // pixels left of column 0, so that rows start on a cache line
constexpr std::int64_t kTail = 24;

/// A map as the tile kernel wants it: zeros around the picture, and NaN where nothing may be read.
class TileMap {
 public:
  TileMap(const DenseMap& map, std::int64_t pixel_bytes, std::int64_t planes, std::int64_t finite_right)
      : pixel_bytes_(pixel_bytes), planes_(planes), height_(map.height) {
    plane_bytes_ = (kLead + map.width + kTail) * pixel_bytes;
    values_ = make_aligned<std::byte>(static_cast<std::size_t>((map.height + 1) * planes * plane_bytes_ + 4096));
    const std::int64_t pixel = pixel_bytes / 2;
    for (std::int64_t y = 0; y <= map.height; ++y) {
      for (std::int64_t x = -kLead; x < map.width + kTail; ++x) {
        for (std::int64_t c = 0; c < pixel; ++c) {
          const bool real = x >= 0 && x < map.width && c < map.channels && y < map.height;
          SplitFloat value = real ? split_float(static_cast<float>(map.padded(y, x, c))) : SplitFloat{0, 0};
          if (x >= map.width + finite_right || x < -3) value = {0x7fc0, 0x7fc0};
          put(y, x, c, 0, value.high);
          if (planes == 2) put(y, x, c, 1, value.low);
        }
      }
    }
  }
  /// Pixel `x` of row y; a row of zeros outside.
  const std::byte* row(std::int64_t y, std::int64_t plane, std::int64_t x) const {
    return values_.get() + at(y < 0 || y >= height_ ? height_ : y, x, 0, plane);
  }

 private:
  std::int64_t at(std::int64_t y, std::int64_t x, std::int64_t c, std::int64_t plane) const {
    return (y * planes_ + plane) * plane_bytes_ + (x + kLead) * pixel_bytes_ + 2 * c;
  }
  void put(std::int64_t y, std::int64_t x, std::int64_t c, std::int64_t plane, Bfloat16 value) {
    std::memcpy(values_.get() + at(y, x, c, plane), &value, sizeof value);
  }

  std::int64_t pixel_bytes_;
  std::int64_t planes_;
  std::int64_t height_;
  std::int64_t plane_bytes_;
  AlignedBuffer<std::byte> values_;
};

struct ConvCase {
  std::int64_t height, width;
  std::vector<TileInput> inputs;  ///< planes are set by the precision
  std::int64_t out, pixel_columns, kernel;
  std::int64_t stride = 1;
  bool relu = false;
};

struct ConvRun {
  std::vector<std::byte> bytes;  ///< everything that the kernel wrote or left alone
  double error = 0;              ///< relative, L2, against double precision
};

constexpr float kGrain = 0.125f;

ConvRun run(const ConvCase& item, bool split, Storage storage, KernelTable<Conv2dBf16Args>::Function kernel,
            float grain = 0) {
  Noise noise(static_cast<std::uint32_t>(item.width * 131 + item.kernel * 17 + item.out), grain);
  const std::int64_t padding = item.kernel / 2;
  std::vector<TileInput> inputs = item.inputs;
  for (TileInput& input : inputs) {
    input.planes = split ? 2 : 1;
    input.stride = item.stride;
  }
  const TileForm form{item.kernel, pixels_per_position(inputs), split};
  std::vector<DenseMap> maps;
  std::vector<DenseMap> used;
  std::vector<TileMap> tile_maps;
  std::int64_t in_channels = 0;
  const std::int64_t out_height = (item.height - 1) / item.stride + 1;
  const std::int64_t out_width = (item.width - 1) / item.stride + 1;
  const std::int64_t positions = (out_width + form.pixels - 1) / form.pixels;
  for (const TileInput& input : inputs) {
    maps.push_back(noise.map(item.height, item.width, input.first_channel + input.channels));
    DenseMap part(item.height, item.width, input.channels);
    for (std::int64_t y = 0; y < item.height; ++y) {
      for (std::int64_t x = 0; x < item.width; ++x) {
        for (std::int64_t c = 0; c < input.channels; ++c)
          part.at(y, x, c) = maps.back().at(y, x, input.first_channel + c);
      }
    }
    used.push_back(std::move(part));
    const std::int64_t last = (positions - 1) * form.pixels * input.stride - padding + pixels_read(input, form);
    tile_maps.emplace_back(maps.back(), input.pixel_bytes, input.planes, last - item.width);
    in_channels += input.channels;
  }
  std::vector<float> weight = noise.vector(item.out * in_channels * item.kernel * item.kernel);
  const std::vector<float> bias = noise.vector(item.out);
  const PackedTiles packed = pack_conv2d_tiles(weight, bias, inputs, form, item.pixel_columns);

  const std::int64_t position_bytes = packed.columns * element_bytes(storage) + 32;
  const std::int64_t plane_bytes = positions * position_bytes + 64;
  const std::int64_t row_bytes = 2 * plane_bytes;
  ConvRun result;
  result.bytes.assign(static_cast<std::size_t>(out_height * row_bytes), std::byte{0x5a});
  auto output = make_aligned<std::byte>(result.bytes.size());
  std::memcpy(output.get(), result.bytes.data(), result.bytes.size());
  std::vector<const std::byte*> rows;
  std::vector<std::byte*> out_rows;
  for (std::int64_t y = 0; y < out_height; ++y) {
    out_rows.push_back(output.get() + y * row_bytes);
    for (const TileMap& map : tile_maps) {
      for (std::int64_t dy = 0; dy < item.kernel; ++dy) {
        for (std::int64_t plane = 0; plane < (split ? 2 : 1); ++plane) {
          rows.push_back(map.row(y * item.stride - padding + dy, plane, -padding));
        }
      }
    }
  }
  const auto step_count = static_cast<std::int64_t>(packed.steps.size());
  std::vector<const std::byte*> pointers(packed.steps.size());
  kernel({.rows = rows.data(),
          .out_rows = out_rows.data(),
          .row_count = out_height,
          .rows_per_output = packed.rows,
          .positions = positions,
          .out_position_bytes = position_bytes,
          .out_plane_bytes = plane_bytes,
          .steps = packed.steps.data(),
          .step_count = step_count,
          .order = packed.order,
          .tiles = packed.tiles.get(),
          .columns = packed.columns,
          .bias = packed.bias.get(),
          .relu = item.relu,
          .storage = storage,
          .stream = item.out == 32,
          .scratch_pointers = pointers.data()});
  std::memcpy(result.bytes.data(), output.get(), result.bytes.size());

  const DenseMap expected = test::reference_conv(used, weight, bias, item.kernel, padding, item.relu);
  double difference = 0;
  double size = 0;
  for (std::int64_t y = 0; y < out_height; ++y) {
    for (std::int64_t x = 0; x < out_width; ++x) {
      const std::byte* position = output.get() + y * row_bytes + x / form.pixels * position_bytes;
      for (std::int64_t n = 0; n < item.pixel_columns; ++n) {
        const std::int64_t column = x % form.pixels * item.pixel_columns + n;
        float value = 0;
        if (storage == Storage::kFloat32) {
          std::memcpy(&value, position + 4 * column, 4);
        } else {
          SplitFloat halves{0, 0};
          std::memcpy(&halves.high, position + 2 * column, 2);
          if (storage == Storage::kSplit) std::memcpy(&halves.low, position + plane_bytes + 2 * column, 2);
          value = joined(halves);
        }
        const double wanted = n < item.out ? expected.padded(y * item.stride, x * item.stride, n) : 0.0;
        difference += (value - wanted) * (value - wanted);
        size += wanted * wanted;
      }
    }
  }
  result.error = std::sqrt(difference / size);
  return result;
}

const std::vector<ConvCase> kCases = {
    {5, 37, {{3, 8}}, 16, 16, 3, 1, true},              // image rows
    {6, 31, {{3, 8}}, 16, 16, 7},                       //
    {4, 61, {{16, 32}}, 16, 16, 3},                     // pairs of pixels
    {3, 70, {{16, 32}}, 16, 16, 7, 1, true},            //
    {3, 129, {{16, 32}}, 32, 32, 1},                    //
    {3, 33, {{16, 32}, {16, 32}}, 16, 16, 3, 1, true},  // two inputs instead of a concatenation
    {2, 33, {{16, 32}, {32, 64}}, 32, 32, 3},           // of different pixels
    {3, 40, {{4, 32}, {2, 32}}, 4, 16, 7, 1, true},     // padded channels
    {2, 29, {{32, 64}}, 32, 32, 7, 1, true},            //
    {2, 40, {{20, 64}}, 16, 16, 1},                     // sixteen columns, the last positions in three tiles
    {2, 150, {{20, 64}}, 16, 16, 3},                    // sixteen columns
    {2, 65, {{64, 128}}, 48, 48, 1, 1, true},           // one pair of column tiles and a single one
    {6, 37, {{128, 256}}, 32, 32, 3},                   // a long walk
    {5, 19, {{64, 128}}, 32, 32, 3, 2},                 // stride
    {6, 22, {{16, 32}}, 16, 16, 3, 2, true},            // of pairs
    {3, 21, {{32, 256, 1, 64}}, 32, 32, 3},             // a group of channels
    {2, 1, {{32, 64}}, 32, 32, 3},                      //
    {1, 1, {{16, 32}}, 2, 16, 1},                       //
    {2, 17, {{512, 1024}}, 32, 32, 1},                  //
};

/// All cases with plain and split operands and every storage of the result.
template <typename Check>
void for_each_form(const Check& check) {
  for (std::size_t i = 0; i < kCases.size(); ++i) {
    for (const bool split : {false, true}) {
      for (const Storage storage : {Storage::kFloat32, Storage::kBfloat16, Storage::kSplit}) {
        SCOPED_TRACE("case " + std::to_string(i) + (split ? " split" : "") + " storage " +
                     std::to_string(static_cast<int>(storage)));
        check(kCases[i], split, storage);
      }
    }
  }
}

}  // namespace

TEST(Conv2dBf16, TheReferenceAgreesWithDoublePrecision) {
  for (std::size_t i = 0; i < kCases.size(); ++i) {
    SCOPED_TRACE("case " + std::to_string(i));
    EXPECT_LT(run(kCases[i], false, Storage::kFloat32, kConv2dBf16.scalar).error, 6e-3);
    EXPECT_LT(run(kCases[i], false, Storage::kBfloat16, kConv2dBf16.scalar).error, 7e-3);
    EXPECT_LT(run(kCases[i], true, Storage::kFloat32, kConv2dBf16.scalar).error, 2e-5);
    EXPECT_LT(run(kCases[i], true, Storage::kSplit, kConv2dBf16.scalar).error, 2e-5);
  }
}

TEST(Conv2dBf16, TileRegistersGiveTheBitsOfTheReference) {
  if (detected_isa() < Isa::kAmx) GTEST_SKIP() << "skipped: no AMX";
  for_each_form([](const ConvCase& item, bool split, Storage storage) {
    EXPECT_TRUE(run(item, split, storage, kConv2dBf16.amx).bytes ==
                run(item, split, storage, kConv2dBf16.scalar).bytes);
  });
}

TEST(Conv2dBf16, PairProductsAgreeWithTheReference) {
  if (detected_isa() < Isa::kAvx512Bf16) GTEST_SKIP() << "skipped: no fast products of bfloat16 pairs";
  for_each_form([](const ConvCase& item, bool split, Storage storage) {
    EXPECT_TRUE(run(item, split, storage, kConv2dBf16.avx512bf16, kGrain).bytes ==
                run(item, split, storage, kConv2dBf16.scalar, kGrain).bytes)
        << "of exact sums";
    EXPECT_LT(run(item, split, storage, kConv2dBf16.avx512bf16).error,
              1.01 * run(item, split, storage, kConv2dBf16.scalar).error + 1e-6);
  });
}

TEST(Conv2dBf16, RoundingCanKeepTheSumsOfWeights) {
  constexpr std::int64_t kChannels = 64;
  constexpr std::int64_t kColumns = 32;
  constexpr std::int64_t kLength = kChannels * 9;
  Noise noise(5);
  std::vector<float> weight = noise.vector(kColumns * kLength);
  std::fill_n(weight.begin(), kLength, 0.0f);
  weight[kLength] = std::numeric_limits<float>::infinity();
  const std::vector<float> bias = noise.vector(kColumns);
  const TileInput input{.channels = kChannels, .pixel_bytes = 2 * kChannels};
  // Steps: [dy][dx][line of 32 channels], tiles: [column / 16][step][pair of channels][column][2].
  const auto packed_weight = [](const PackedTiles& packed, std::int64_t n, std::int64_t i) {
    const std::int64_t tap = i % 9;
    const std::int64_t channel = i / 9;
    const std::int64_t tile = n / 16 * packed.tile_count() + tap * 2 + channel / 32;
    return from_bfloat16(
        packed.tiles[static_cast<std::size_t>(tile * 512 + channel % 32 / 2 * 32 + n % 16 * 2 + channel % 2)]);
  };
  const PackedTiles nearest = pack_conv2d_tiles(weight, bias, {&input, 1}, {.kernel = 3}, kColumns);
  const PackedTiles kept = pack_conv2d_tiles(weight, bias, {&input, 1}, {.kernel = 3, .keep_sums = true}, kColumns);
  double lost = 0;
  std::int64_t changed = 0;
  for (std::int64_t n = 0; n < kColumns; ++n) {
    double missing = 0;
    double before = 0;
    for (std::int64_t i = 0; i < kLength; ++i) {
      const float value = weight[static_cast<std::size_t>(n * kLength + i)];
      const float rounded = packed_weight(kept, n, i);
      const float plain = packed_weight(nearest, n, i);
      ASSERT_EQ(plain, from_bfloat16(to_bfloat16(value))) << "the test reads the wrong weight";
      if (n < 2) {
        ASSERT_EQ(rounded, plain) << "zeros, and a row that is not finite";
        continue;
      }
      EXPECT_LE(std::abs(rounded - value), std::abs(value) * 0x1p-7) << "not a neighbour of " << value;
      missing += static_cast<double>(value) - rounded;
      before += static_cast<double>(value) - plain;
      changed += rounded != plain;
    }
    EXPECT_LE(std::abs(missing), 0x1p-9) << "half the coarsest step, column " << n;
    lost += std::abs(before);
  }
  EXPECT_GT(lost / kColumns, 1e-2) << "there was nothing to mend";
  EXPECT_GT(changed, kColumns);
  EXPECT_LT(changed, kColumns * kLength / 20);
}

TEST(Conv2dBf16, SplitFloatsKeepSixteenBits) {
  Noise noise(3);
  for (int i = 0; i < 1000; ++i) {
    const float value = noise.next() * 1000;
    EXPECT_NEAR(joined(split_float(value)), value, std::abs(value) * 0x1p-16);
  }
  EXPECT_TRUE(std::isnan(from_bfloat16(to_bfloat16(std::numeric_limits<float>::quiet_NaN()))));
  EXPECT_TRUE(std::isinf(from_bfloat16(to_bfloat16(std::numeric_limits<float>::infinity()))));
}
