#include "base/byte_pool.hpp"

#include <gtest/gtest.h>

using namespace histojet;

TEST(BytePool, GivesTheSameMemoryAgain) {
  std::vector<std::uint8_t> bytes = take_bytes(1 << 20);
  const std::uint8_t* place = bytes.data();
  give_bytes(std::move(bytes));
  const std::vector<std::uint8_t> again = take_bytes((1 << 20) - 5);
  EXPECT_EQ(again.data(), place);
  EXPECT_EQ(again.size(), (1u << 20) - 5);
}

TEST(BytePool, KeepsLittle) {
  for (int i = 0; i < 40; ++i) give_bytes(std::vector<std::uint8_t>(8 << 20));
  give_bytes(std::vector<std::uint8_t>(100 << 20));
  give_bytes(std::vector<std::uint8_t>(10));
  EXPECT_EQ(take_bytes(0).size(), 0u);
  EXPECT_EQ(take_bytes(10).size(), 10u);
  EXPECT_LE(take_bytes(1 << 20).capacity(), 2u << 20) << "a large buffer is not spent on a small result";
}
