#include "kernels/convert_row/convert_row.hpp"

#include <gtest/gtest.h>

#include <limits>

#include "kernels/conv_reference.hpp"
#include "kernels/stored_row.hpp"

using namespace histojet;
using namespace histojet::kernels;
using histojet::test::available_isas;
using histojet::test::Noise;
using histojet::test::StoredRow;

namespace {

std::vector<float> values(std::int64_t count) {
  const float inf = std::numeric_limits<float>::infinity();
  Noise noise(static_cast<std::uint32_t>(count));
  std::vector<float> values = noise.vector(count);
  const std::vector<float> special = {0.0f,     -0.0f,       inf,         -inf,  std::nanf(""), 3.4e38f,
                                      -3.4e38f, 1.00390625f, 1.01171875f, 1e30f, -1e-30f};
  for (std::size_t i = 0; i < special.size() && i < values.size(); ++i) values[i * 5 % values.size()] = special[i];
  return values;
}

}  // namespace

TEST(NarrowRow, EveryVariantGivesTheBitsOfTheReference) {
  for (const Storage storage : {Storage::kBfloat16, Storage::kSplit}) {
    for (const std::int64_t count : {16, 48, 64, 208}) {
      const std::vector<float> in = values(count);
      const StoredRow wanted(storage, in);
      for (const Isa isa : available_isas()) {
        StoredRow out(storage, count);
        kNarrowRow.pick(isa)({in.data(), out.pixels(), out.plane_bytes(), count, storage});
        EXPECT_TRUE(out.bytes() == wanted.bytes()) << isa_name(isa) << " count " << count;
      }
    }
  }
}

TEST(WidenRow, EveryVariantGivesTheExactSum) {
  for (const Storage storage : {Storage::kBfloat16, Storage::kSplit}) {
    for (const std::int64_t count : {16, 48, 64, 208}) {
      const StoredRow in(storage, values(count));
      for (const Isa isa : available_isas()) {
        StoredRow out(Storage::kFloat32, count);
        kWidenRow.pick(isa)({in.pixels(), in.plane_bytes(), reinterpret_cast<float*>(out.pixels()), count, storage});
        EXPECT_TRUE(out.is_poison_intact());
        for (std::int64_t i = 0; i < count; ++i) {
          const float wanted = in.value(i);
          const float got = out.value(i);
          if (std::isnan(wanted)) {
            EXPECT_TRUE(std::isnan(got));
          } else {
            EXPECT_EQ(std::bit_cast<std::uint32_t>(got), std::bit_cast<std::uint32_t>(wanted)) << isa_name(isa) << i;
          }
        }
      }
    }
  }
}

TEST(ImageToBfloat16, GivesEachByteExactlyAndAFourthChannelOfZeros) {
  for (const std::int64_t width : {1, 2, 3, 4, 5, 7, 8, 9, 12, 15, 86}) {
    // The bytes end with the vector, so that a sanitizer sees each one read too many.
    std::vector<std::uint8_t> in(static_cast<std::size_t>(3 * width));
    for (std::size_t i = 0; i < in.size(); ++i) in[i] = static_cast<std::uint8_t>(255 - i);
    for (const Isa isa : available_isas()) {
      StoredRow out(Storage::kBfloat16, 4 * width);
      kImageToBfloat16.pick(isa)({in.data(), out.pixels(), width});
      EXPECT_TRUE(out.is_poison_intact()) << isa_name(isa) << " width " << width;
      for (std::int64_t x = 0; x < width; ++x) {
        for (std::int64_t c = 0; c < 3; ++c) {
          EXPECT_EQ(out.value(4 * x + c), in[static_cast<std::size_t>(3 * x + c)]) << isa_name(isa);
        }
        EXPECT_EQ(out.value(4 * x + 3), 0.0f);
      }
    }
  }
}
