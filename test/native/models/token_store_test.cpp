#include "models/pixel_mamba/token_store.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <numeric>
#include <vector>

#include "base/error.hpp"

namespace histojet::models {
namespace {

constexpr std::int64_t kDim = 5;
constexpr std::int64_t kTokens = 40000;

std::vector<float> numbers() {
  std::vector<float> values(kTokens * kDim);
  std::iota(values.begin(), values.end(), 1.0F);
  return values;
}

/// Writes in odd pieces from wide rows and reads in others into wide rows.
void expect_kept(TokenStore& store) {
  const std::vector<float> values = numbers();
  std::vector<float> wide(17000 * 8, -1.0F);
  for (std::int64_t first = kTokens - 16999; first > -16999; first -= 16999) {
    const std::int64_t begin = std::max<std::int64_t>(first, 0), count = first + 16999 - begin;
    for (std::int64_t i = 0; i < count * kDim; ++i) wide[i / kDim * 8 + i % kDim] = values[begin * kDim + i];
    store.write(begin, count, wide.data(), 8);
  }
  std::vector<float> all(kTokens * kDim);
  store.read(0, kTokens, all.data(), kDim);
  EXPECT_EQ(all, values);
  std::vector<float> few(3 * 7, -1.0F);
  store.read(11111, 3, few.data(), 7);
  EXPECT_EQ(few[7], values[11112 * kDim]);
  EXPECT_EQ(few[12], -1.0F) << "what lies between rows is not touched";
}

TEST(TokenStore, KeepsTokensInMemoryInAFileAndInBoth) {
  for (const std::int64_t bytes : {std::int64_t{1} << 30, std::int64_t{0}, std::int64_t{12345} * kDim * 4 + 3}) {
    StoreBudget budget{.free_bytes = bytes};
    {
      TokenStore store(kTokens, kDim, budget);
      expect_kept(store);
      EXPECT_EQ(budget.spilled_bytes, std::max<std::int64_t>(0, kTokens - bytes / (4 * kDim)) * 4 * kDim);
    }
    EXPECT_EQ(budget.free_bytes, bytes) << "memory comes back";
  }
}

TEST(TokenStore, TheFileHasNoName) {
  const auto folder = std::filesystem::temp_directory_path() / "histojet-token-store-test";
  std::filesystem::create_directory(folder);
  StoreBudget budget{.free_bytes = 0, .folder = folder.string()};
  TokenStore store(kTokens, kDim, budget);
  expect_kept(store);
  EXPECT_TRUE(std::filesystem::is_empty(folder));
  std::filesystem::remove(folder);
}

TEST(TokenStore, FailuresAreTyped) {
  StoreBudget budget{.free_bytes = 0, .folder = "/nowhere/at/all"};
  try {
    TokenStore store(1, 1, budget);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kIo);
  }
  EXPECT_THROW(TokenStore(std::int64_t{1} << 60, 1 << 10, budget), Error);
  EXPECT_EQ(budget.free_bytes, 0);
}

}  // namespace
}  // namespace histojet::models
