#include "models/session_pool.hpp"

#include <gtest/gtest.h>

using namespace histojet;
using namespace histojet::models;

namespace {

/// Its sessions are counted and take a byte per pixel.
class Counted final : public NucleiNetwork {
 public:
  class Pixels final : public Session {
   public:
    Pixels(std::int64_t bytes, int& alive) : bytes_(bytes), alive_(alive) { ++alive_; }
    ~Pixels() override { --alive_; }
    std::int64_t memory_bytes() const override { return bytes_; }

   private:
    std::int64_t bytes_;
    int& alive_;
  };

  const NetworkInfo& info() const override { return info_; }
  std::string describe(std::int64_t, std::int64_t) const override { return {}; }
  std::unique_ptr<Session> make_session(std::int64_t height, std::int64_t width) const override {
    return std::make_unique<Pixels>(height * width, alive);
  }
  std::int64_t session_bytes(std::int64_t height, std::int64_t width) const override { return height * width; }
  void predict(Session&, ImageView, Maps&, int, const CancelToken&) const override {}

  mutable int alive = 0;

 private:
  NetworkInfo info_;
};

}  // namespace

TEST(SessionPool, WhatWasGivenBackIsTakenAgain) {
  const auto network = std::make_shared<Counted>();
  SessionPool pool(network);
  auto first = pool.take(8, 8);
  auto second = pool.take(8, 8);
  EXPECT_EQ(network->alive, 2) << "a session in use is nobody else's";
  const auto* known = first.get();
  pool.give_back(8, 8, std::move(first));
  EXPECT_EQ(pool.take(8, 8).get(), known);
  pool.give_back(8, 8, std::move(second));
  pool.clear();
  EXPECT_EQ(network->alive, 0);
}

TEST(SessionPool, ASessionOfAnotherSizeMakesRoom) {
  const auto network = std::make_shared<Counted>();
  SessionPool pool(network);
  pool.give_back(8, 8, pool.take(8, 8));
  const auto other = pool.take(8, 16);
  EXPECT_EQ(other->memory_bytes(), 128);
  EXPECT_EQ(network->alive, 1);
}

TEST(SessionPool, KeepsNoMoreThanItMay) {
  const auto network = std::make_shared<Counted>();
  SessionPool pool(network, 100);
  auto first = pool.take(8, 8);
  auto second = pool.take(8, 8);
  pool.give_back(8, 8, std::move(first));
  pool.give_back(8, 8, std::move(second));
  EXPECT_EQ(network->alive, 1);
  pool.give_back(20, 20, pool.take(20, 20));
  EXPECT_EQ(network->alive, 0) << "it had to make room for one that is too large to be kept";
}
