#include "tensor/tensor.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "base/error.hpp"

using namespace histojet;

TEST(Tensor, ShapesThatOverflowAreRefused) {
  EXPECT_THROW(element_count({1LL << 40, 1LL << 40}), Error);
  EXPECT_THROW(element_count({-1, 2}), Error);
  EXPECT_EQ(element_count({}), 1);
  EXPECT_EQ(element_count({3, 0, 5}), 0);
}

TEST(Tensor, FromF32ChecksTheCount) {
  const float values[] = {1, 2, 3};
  EXPECT_THROW(Tensor::from_f32(values, {2, 2}), Error);
  EXPECT_EQ(Tensor::from_f32(values, {3}).values<float>()[2], 3.0f);
}

TEST(DType, SmallFloatsConvertExactly) {
  EXPECT_EQ(half_to_float(0x3c00), 1.0f);
  EXPECT_EQ(half_to_float(0xc000), -2.0f);
  EXPECT_EQ(half_to_float(0x0001), std::ldexp(1.0f, -24));
  EXPECT_TRUE(std::isinf(half_to_float(0x7c00)));
  EXPECT_TRUE(std::isnan(half_to_float(0x7e00)));
  EXPECT_EQ(bfloat16_to_float(0x3f80), 1.0f);
  EXPECT_EQ(float8_e4m3_to_float(0x38), 1.0f);
  EXPECT_EQ(float8_e4m3_to_float(0x7e), 448.0f);
  EXPECT_TRUE(std::isnan(float8_e4m3_to_float(0x7f)));
  EXPECT_EQ(float8_e5m2_to_float(0x3c), 1.0f);
}

TEST(Tensor, HalfTensorBecomesFloat) {
  Tensor half(DType::kF16, {2});
  half.values<std::uint16_t>()[1] = 0x4200;
  const Tensor full = half.to_f32();
  EXPECT_EQ(full.dtype(), DType::kF32);
  EXPECT_EQ(full.values<float>()[1], 3.0f);
}
