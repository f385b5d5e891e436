#include "writers/json_text.hpp"

#include <gtest/gtest.h>

#include <cstdio>
#include <limits>
#include <string>

using namespace histojet::writers;

namespace {

template <typename Put>
std::string text_of(Put put) {
  JsonText text;
  put(text);
  return std::string(text.view());
}

/// hundredths by the C library, its trailing zeros taken off.
std::string plain_hundredths(std::int64_t value) {
  char buffer[48];
  const std::uint64_t size = value < 0 ? 0 - static_cast<std::uint64_t>(value) : static_cast<std::uint64_t>(value);
  std::snprintf(buffer, sizeof buffer, "%s%llu.%02llu", value < 0 ? "-" : "",
                static_cast<unsigned long long>(size / 100), static_cast<unsigned long long>(size % 100));
  std::string text = buffer;
  while (text.back() == '0') text.pop_back();
  if (text.back() == '.') text.pop_back();
  return text;
}

/// Numbers of every length, their neighbours and some in between, of both signs.
template <typename Visit>
void visit_numbers(std::int64_t largest, Visit visit) {
  for (std::int64_t power = 1; power <= largest / 10; power *= 10) {
    for (std::int64_t digit = 1; digit < 10; ++digit) {
      for (const std::int64_t apart : {-101, -100, -1, 0, 1, 25, 99, 1234567}) {
        visit(digit * power + apart);
        visit(-digit * power - apart);
      }
    }
  }
}

}  // namespace

TEST(JsonText, WritesWholeNumbers) {
  visit_numbers(1'000'000'000'000'000'000, [](std::int64_t value) {
    ASSERT_EQ(text_of([&](JsonText& text) { text.integer(value); }), std::to_string(value));
  });
  for (const std::int64_t value :
       {std::int64_t{0}, std::numeric_limits<std::int64_t>::min(), std::numeric_limits<std::int64_t>::max()}) {
    EXPECT_EQ(text_of([&](JsonText& text) { text.integer(value); }), std::to_string(value));
  }
}

TEST(JsonText, WritesEveryNumberOfFiveDigits) {
  for (std::int64_t value = -99'999; value <= 99'999; ++value) {
    ASSERT_EQ(text_of([&](JsonText& text) { text.integer(value); }), std::to_string(value));
    ASSERT_EQ(text_of([&](JsonText& text) { text.hundredths(value); }), plain_hundredths(value));
  }
}

TEST(JsonText, WritesHundredthsWithoutTrailingZeros) {
  EXPECT_EQ(text_of([](JsonText& text) { text.hundredths(300); }), "3");
  EXPECT_EQ(text_of([](JsonText& text) { text.hundredths(350); }), "3.5");
  EXPECT_EQ(text_of([](JsonText& text) { text.hundredths(-7); }), "-0.07");
  visit_numbers(100'000'000'000'000'000, [](std::int64_t value) {
    ASSERT_EQ(text_of([&](JsonText& text) { text.hundredths(value); }), plain_hundredths(value));
  });
}

TEST(JsonText, WritesPoints) {
  EXPECT_EQ(text_of([](JsonText& text) { text.point(1234550, -80, ','); }), "[12345.5,-0.8],");
  visit_numbers(100'000'000'000'000'000, [](std::int64_t value) {
    ASSERT_EQ(text_of([&](JsonText& text) { text.point(value, -value, ']'); }),
              '[' + plain_hundredths(value) + ',' + plain_hundredths(-value) + "]]");
  });
}

TEST(JsonText, RoundsToFourDecimals) {
  EXPECT_EQ(text_of([](JsonText& text) { text.four_decimals(0); }), "0");
  EXPECT_EQ(text_of([](JsonText& text) { text.four_decimals(-0.00004); }), "0");
  EXPECT_EQ(text_of([](JsonText& text) { text.four_decimals(0.00005); }), "0.0001");
  EXPECT_EQ(text_of([](JsonText& text) { text.four_decimals(-12.5); }), "-12.5");
  EXPECT_EQ(text_of([](JsonText& text) { text.four_decimals(3.0405); }), "3.0405");
  EXPECT_EQ(text_of([](JsonText& text) { text.four_decimals(999999999.99); }), "999999999.99");
}
