#include <gtest/gtest.h>

#include <cmath>
#include <cstring>

#include "kernels/conv2d_bf16/conv2d_bf16_pack.hpp"
#include "kernels/conv_reference.hpp"

using namespace histojet;
using namespace histojet::kernels;
using histojet::test::Noise;

namespace {

constexpr std::int64_t kRows = 2;

/// A 1 x 1 convolution of 64 channels whose results are stored as they are, activated, or both.
struct ActiveCase {
  std::int64_t width;
  std::int64_t columns;
  bool split;
  bool adds;
  Storage storage;
};

/// Rows of values in a storage, with space around each position that nobody may touch.
class Rows {
 public:
  Rows(const ActiveCase& item, std::int64_t gap)
      : storage_(item.storage),
        position_bytes_(item.columns * element_bytes(item.storage) + gap),
        plane_bytes_(item.width * position_bytes_ + 64),
        bytes_(static_cast<std::size_t>(kRows * 2 * plane_bytes_)),
        memory_(make_aligned<std::byte>(bytes_)) {
    std::memset(memory_.get(), 0x5a, bytes_);
  }
  std::byte* row(std::int64_t y) const { return memory_.get() + y * 2 * plane_bytes_; }
  std::int64_t position_bytes() const { return position_bytes_; }
  std::int64_t plane_bytes() const { return plane_bytes_; }
  std::vector<std::byte> bytes() const { return {memory_.get(), memory_.get() + bytes_}; }

  void set(std::int64_t y, std::int64_t x, std::int64_t n, float value) {
    std::byte* at = row(y) + x * position_bytes_ + n * element_bytes(storage_);
    if (storage_ == Storage::kFloat32) {
      std::memcpy(at, &value, sizeof value);
      return;
    }
    const SplitFloat halves = split_float(value);
    std::memcpy(at, &halves.high, 2);
    if (storage_ == Storage::kSplit) std::memcpy(at + plane_bytes_, &halves.low, 2);
  }
  float get(std::int64_t y, std::int64_t x, std::int64_t n) const {
    const std::byte* at = row(y) + x * position_bytes_ + n * element_bytes(storage_);
    float value;
    if (storage_ == Storage::kFloat32) {
      std::memcpy(&value, at, sizeof value);
      return value;
    }
    SplitFloat halves{0, 0};
    std::memcpy(&halves.high, at, 2);
    if (storage_ == Storage::kSplit) std::memcpy(&halves.low, at + plane_bytes_, 2);
    return joined(halves);
  }

 private:
  Storage storage_;
  std::int64_t position_bytes_;
  std::int64_t plane_bytes_;
  std::size_t bytes_;
  AlignedBuffer<std::byte> memory_;
};

struct Results {
  Rows out;
  Rows active;
  std::vector<float> scale;
  std::vector<float> shift;
};

enum class Wanted { kSum, kActive, kBoth };

Results run(const ActiveCase& item, Wanted wanted, KernelTable<Conv2dBf16Args>::Function kernel, float grain = 0) {
  Noise noise(static_cast<std::uint32_t>(item.width * 31 + item.columns), grain);
  const TileInput input{.channels = 64, .pixel_bytes = 128, .planes = item.split ? 2 : 1};
  const std::vector<float> weight = noise.vector(item.columns * 64);
  const PackedTiles packed = pack_conv2d_tiles(weight, noise.vector(item.columns), {&input, 1},
                                               {.kernel = 1, .split_weights = item.split}, item.columns);
  const std::int64_t in_bytes = (item.width + 32) * 128;
  auto in = make_aligned<std::byte>(static_cast<std::size_t>(kRows * 2 * in_bytes));
  for (std::int64_t i = 0; i < kRows * in_bytes; ++i) {
    const Bfloat16 value = to_bfloat16(noise.next());
    std::memcpy(in.get() + 2 * i, &value, 2);
  }
  Results results{Rows(item, 64), Rows(item, 64), {}, {}};
  Rows addend(item, 64);
  auto scale = make_aligned<float>(static_cast<std::size_t>(item.columns));
  auto shift = make_aligned<float>(static_cast<std::size_t>(item.columns));
  for (std::int64_t n = 0; n < item.columns; ++n) {
    results.scale.push_back(scale[static_cast<std::size_t>(n)] = 1 + noise.next());
    results.shift.push_back(shift[static_cast<std::size_t>(n)] = 2 * noise.next());
  }
  std::vector<const std::byte*> rows, addend_rows;
  std::vector<std::byte*> out_rows, active_rows;
  for (std::int64_t y = 0; y < kRows; ++y) {
    for (int plane = 0; plane < (item.split ? 2 : 1); ++plane) rows.push_back(in.get() + (2 * y + plane) * in_bytes);
    out_rows.push_back(results.out.row(y));
    active_rows.push_back(results.active.row(y));
    addend_rows.push_back(addend.row(y));
    for (std::int64_t x = 0; x < item.width; ++x) {
      for (std::int64_t n = 0; n < item.columns; ++n) addend.set(y, x, n, 5 * noise.next());
    }
  }
  const bool active = wanted != Wanted::kSum;
  std::vector<const std::byte*> pointers(packed.steps.size());
  kernel({.rows = rows.data(),
          .out_rows = wanted == Wanted::kActive ? nullptr : out_rows.data(),
          .row_count = kRows,
          .rows_per_output = packed.rows,
          .positions = item.width,
          .out_position_bytes = results.out.position_bytes(),
          .out_plane_bytes = results.out.plane_bytes(),
          .steps = packed.steps.data(),
          .step_count = static_cast<std::int64_t>(packed.steps.size()),
          .order = packed.order,
          .tiles = packed.tiles.get(),
          .columns = packed.columns,
          .bias = packed.bias.get(),
          .relu = false,
          .storage = item.storage,
          .stream = item.width % 3 == 0,
          .addend_rows = item.adds ? addend_rows.data() : nullptr,
          .addend_plane_bytes = addend.plane_bytes(),
          .scratch_pointers = pointers.data(),
          .active_rows = active ? active_rows.data() : nullptr,
          .active_plane_bytes = results.active.plane_bytes(),
          .active_stream = item.width % 5 == 0,
          .scale = active ? scale.get() : nullptr,
          .shift = active ? shift.get() : nullptr});
  return results;
}

std::vector<ActiveCase> all_cases() {
  std::vector<ActiveCase> cases;
  for (const Storage storage : {Storage::kFloat32, Storage::kBfloat16, Storage::kSplit}) {
    for (const bool split : {false, true}) {
      for (const bool adds : {false, true}) {
        for (const auto& [width, columns] : {std::pair{37, 96}, {1, 16}, {16, 48}, {75, 32}, {33, 64}}) {
          cases.push_back({width, columns, split, adds, storage});
        }
      }
    }
  }
  return cases;
}

}  // namespace

TEST(Conv2dBf16Active, TheReferenceActivatesWhatWasNotRounded) {
  for (const ActiveCase& item : all_cases()) {
    SCOPED_TRACE(std::to_string(item.width) + " x " + std::to_string(item.columns));
    const Results both = run(item, Wanted::kBoth, kConv2dBf16.scalar);
    const Results sum = run(item, Wanted::kSum, kConv2dBf16.scalar);
    const Results alone = run(item, Wanted::kActive, kConv2dBf16.scalar);
    EXPECT_TRUE(both.out.bytes() == sum.out.bytes());
    EXPECT_TRUE(both.active.bytes() == alone.active.bytes());
    EXPECT_TRUE(alone.out.bytes() == Rows(item, 64).bytes()) << "nothing is stored where nothing is wanted";
    if (item.storage != Storage::kFloat32) continue;
    Rows expected(item, 64);
    for (std::int64_t y = 0; y < kRows; ++y) {
      for (std::int64_t x = 0; x < item.width; ++x) {
        for (std::int64_t n = 0; n < item.columns; ++n) {
          const auto i = static_cast<std::size_t>(n);
          const float value = std::fma(both.scale[i], both.out.get(y, x, n), both.shift[i]);
          expected.set(y, x, n, value < 0 ? 0 : value);
        }
      }
    }
    EXPECT_TRUE(both.active.bytes() == expected.bytes());
    if (item.adds) continue;  // the addend has the storage of the result
    const Results rounded =
        run({item.width, item.columns, item.split, false, Storage::kBfloat16}, Wanted::kActive, kConv2dBf16.scalar);
    for (std::int64_t n = 0; n < item.columns; ++n) {
      EXPECT_EQ(rounded.active.get(1, 0, n), from_bfloat16(to_bfloat16(both.active.get(1, 0, n))));
    }
  }
}

TEST(Conv2dBf16Active, VectorVariantsGiveTheBitsOfTheReference) {
  if (detected_isa() < Isa::kAvx512Bf16) GTEST_SKIP() << "skipped: neither AMX nor fast products of bfloat16 pairs";
  for (const ActiveCase& item : all_cases()) {
    for (const Wanted wanted : {Wanted::kSum, Wanted::kActive, Wanted::kBoth}) {
      SCOPED_TRACE(std::to_string(item.width) + " x " + std::to_string(item.columns) + " storage " +
                   std::to_string(static_cast<int>(item.storage)) + " results " +
                   std::to_string(static_cast<int>(wanted)));
      const auto expect_same = [&](KernelTable<Conv2dBf16Args>::Function kernel, float grain) {
        const Results found = run(item, wanted, kernel, grain);
        const Results reference = run(item, wanted, kConv2dBf16.scalar, grain);
        EXPECT_TRUE(found.out.bytes() == reference.out.bytes());
        EXPECT_TRUE(found.active.bytes() == reference.active.bytes());
      };
      // Sums of pairs have an order of their own; of multiples of an eighth they are exact.
      expect_same(kConv2dBf16.avx512bf16, 0.125f);
      if (detected_isa() >= Isa::kAmx) expect_same(kConv2dBf16.amx, 0);
    }
  }
}
