#include "kernels/add_rows/add_rows.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "available_isas.hpp"

namespace histojet::kernels {
namespace {

std::vector<float> numbers(std::size_t count, float phase) {
  std::vector<float> values(count);
  for (std::size_t i = 0; i < count; ++i) values[i] = std::sin(phase + 0.37F * static_cast<float>(i));
  return values;
}

TEST(AddRows, RowsLieAnyDistanceApartInEitherDirection) {
  constexpr std::int64_t kRows = 5, kInStep = 48, kOutStep = 50;
  for (const Isa isa : test::available_isas()) {
    for (const std::int64_t count : {1, 7, 8, 16, 33, 47}) {
      for (const std::int64_t sign : {1, -1}) {
        const std::vector<float> in = numbers(kRows * kInStep, 1);
        const std::vector<float> before = numbers(kRows * kOutStep, 2);
        std::vector<float> out = before;
        const std::int64_t first = sign > 0 ? 0 : (kRows - 1) * kOutStep;
        kAddRow.pick(isa)({.in = in.data(),
                           .out = out.data() + first,
                           .count = count,
                           .weight = 0.75F,
                           .rows = kRows,
                           .in_step = kInStep,
                           .out_step = sign * kOutStep});
        std::vector<float> expected = before;
        for (std::int64_t row = 0; row < kRows; ++row) {
          for (std::int64_t i = 0; i < count; ++i) {
            float& sum = expected[static_cast<std::size_t>(first + sign * row * kOutStep + i)];
            sum = std::fma(0.75F, in[static_cast<std::size_t>(row * kInStep + i)], sum);
          }
        }
        EXPECT_EQ(out, expected) << isa_name(isa) << " " << count;
      }
    }
  }
}

}  // namespace
}  // namespace histojet::kernels
