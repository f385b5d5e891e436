#include "base/executor.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

using histojet::Executor;

TEST(Executor, RunsEveryIndexOnce) {
  std::vector<std::atomic<int>> hits(1000);
  Executor::instance().parallel_for(1000, 0, [&](std::int64_t i) { ++hits[i]; });
  for (const auto& hit : hits) EXPECT_EQ(hit, 1);
}

TEST(Executor, NestedLoopsFinish) {
  std::atomic<int> sum{0};
  Executor::instance().parallel_for(
      8, 0, [&](std::int64_t) { Executor::instance().parallel_for(8, 0, [&](std::int64_t) { ++sum; }); });
  EXPECT_EQ(sum, 64);
}

TEST(Executor, FirstExceptionReachesTheCallerAndTheRestIsSkipped) {
  std::atomic<int> started{0};
  EXPECT_THROW(Executor::instance().parallel_for(100000, 0,
                                                 [&](std::int64_t i) {
                                                   ++started;
                                                   if (i == 3) throw std::runtime_error("three");
                                                   // The first throw of a process takes longer than all the others'
                                                   // work.
                                                   if (i > 1000)
                                                     std::this_thread::sleep_for(std::chrono::milliseconds(1));
                                                 }),
               std::runtime_error);
  EXPECT_LT(started, 100000);
}

TEST(Executor, OfSeveralExceptionsThatOfTheLowestIndexReachesTheCaller) {
  for (int round = 0; round < 200; ++round) {
    try {
      Executor::instance().parallel_for(64, 0, [](std::int64_t i) {
        // The lower one takes longer, so that the higher one is usually thrown first.
        if (i == 3) std::this_thread::sleep_for(std::chrono::microseconds(200));
        if (i >= 3) throw std::runtime_error(std::to_string(i));
      });
      FAIL() << "nothing was thrown";
    } catch (const std::runtime_error& error) {
      ASSERT_STREQ(error.what(), "3");
    }
  }
}

TEST(Executor, OneThreadKeepsTheOrder) {
  std::vector<std::int64_t> order;
  Executor::instance().parallel_for(100, 1, [&](std::int64_t i) { order.push_back(i); });
  for (std::int64_t i = 0; i < 100; ++i) EXPECT_EQ(order[i], i);
}
