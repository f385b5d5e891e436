#include "slide/tile_cache.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <stdexcept>
#include <thread>

namespace histojet::slide {
namespace {

std::vector<std::uint8_t> tile_of(std::uint8_t value, std::size_t size = 1000) {
  return std::vector<std::uint8_t>(size, value);
}

TEST(TileCache, KeepsWithinItsBudgetAndForgetsTheOldest) {
  TileCache cache(10000, 5000);  // one shard
  for (std::uint64_t key = 0; key < 50; ++key) {
    cache.get(key, [&] { return tile_of(static_cast<std::uint8_t>(key)); });
    cache.find(0);  // keeps the first one fresh
    EXPECT_LE(cache.bytes(), 10000);
  }
  EXPECT_TRUE(cache.find(0));
  EXPECT_TRUE(cache.find(49));
  EXPECT_FALSE(cache.find(20));
  EXPECT_EQ((*cache.find(49))[3], 49);
}

TEST(TileCache, ASecondRequestDoesNotDecode) {
  TileCache cache(1 << 20, 1000);
  int decoded = 0;
  for (int i = 0; i < 5; ++i) {
    cache.get(7, [&] {
      ++decoded;
      return tile_of(1);
    });
  }
  EXPECT_EQ(decoded, 1);
}

TEST(TileCache, WithoutBudgetNothingIsKept) {
  TileCache cache(0, 1000);
  EXPECT_FALSE(cache.enabled());
  EXPECT_EQ(cache.get(1, [] { return tile_of(5); })->at(0), 5);
  EXPECT_FALSE(cache.find(1));
  EXPECT_EQ(cache.bytes(), 0);
}

TEST(TileCache, OneHugeTileStaysUntilTheNext) {
  TileCache cache(1000, 50000);
  cache.get(1, [] { return tile_of(1, 50000); });
  EXPECT_TRUE(cache.find(1));
  cache.get(2, [] { return tile_of(2, 50000); });
  EXPECT_FALSE(cache.find(1));
}

TEST(TileCache, ThreadsThatWantOneTileShareItsDecoding) {
  TileCache cache(1 << 20, 1000);
  std::atomic<int> decoded = 0;
  std::atomic<int> sum = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&] {
      sum += cache
                 .get(3,
                      [&] {
                        ++decoded;
                        std::this_thread::sleep_for(std::chrono::milliseconds(30));
                        return tile_of(4);
                      })
                 ->at(0);
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(decoded, 1);
  EXPECT_EQ(sum, 32);
}

TEST(TileCache, FailuresReachTheCallerAndAreNotKept) {
  TileCache cache(1 << 20, 1000);
  const auto fail = []() -> std::vector<std::uint8_t> { throw std::runtime_error("damaged"); };
  EXPECT_THROW(cache.get(1, fail), std::runtime_error);
  EXPECT_EQ(cache.get(1, [] { return tile_of(9); })->at(0), 9);
}

}  // namespace
}  // namespace histojet::slide
