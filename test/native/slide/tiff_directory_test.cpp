#include "slide/tiff_directory.hpp"

#include <gtest/gtest.h>

#include "base/error.hpp"
#include "tiff_builder.hpp"

namespace histojet::slide {
namespace {

using test::TiffBuilder;

TiffBuilder::Fields some_fields() {
  return {{tag::kImageWidth, TiffBuilder::shorts({300})},
          {tag::kImageLength, TiffBuilder::longs({70000})},
          {tag::kBitsPerSample, TiffBuilder::shorts({8, 8, 8})},
          {tag::kImageDescription, TiffBuilder::text("a long description\nof two lines")},
          {tag::kXResolution, TiffBuilder::rational(20000, 3)},
          {tag::kYResolution, TiffBuilder::rational(1, 0)},
          {tag::kSoftware, TiffBuilder::text("me")}};
}

std::shared_ptr<const TiffFile> parse(const TiffBuilder& builder) {
  return std::make_shared<const TiffFile>(memory_source(builder.bytes(), "x.tif"));
}

class TiffVariants : public testing::TestWithParam<std::pair<bool, bool>> {};

TEST_P(TiffVariants, ReadsEveryKindOfField) {
  TiffBuilder builder(GetParam().first, GetParam().second);
  builder.directory(some_fields());
  builder.directory({{tag::kImageWidth, TiffBuilder::longs({5})}});
  const auto file = parse(builder);
  ASSERT_EQ(file->directories().size(), 2U);
  EXPECT_TRUE(file->warnings().empty());
  const TiffDirectory& first = file->directories()[0];
  EXPECT_EQ(first.integer(tag::kImageWidth), 300U);
  EXPECT_EQ(first.integer(tag::kImageLength), 70000U);
  EXPECT_EQ(first.integers(tag::kBitsPerSample, 3), (std::vector<std::uint64_t>{8, 8, 8}));
  EXPECT_EQ(first.text(tag::kImageDescription), "a long description\nof two lines");
  EXPECT_EQ(first.text(tag::kSoftware), "me");
  EXPECT_DOUBLE_EQ(first.number(tag::kXResolution).value(), 20000.0 / 3);
  EXPECT_FALSE(first.number(tag::kYResolution));
  EXPECT_FALSE(first.text(tag::kMake));
  EXPECT_FALSE(first.integer(tag::kTileWidth));
  EXPECT_EQ(first.integer(tag::kCompression, 1), 1U);
  EXPECT_EQ(file->directories()[1].integer(tag::kImageWidth), 5U);
}

INSTANTIATE_TEST_SUITE_P(All, TiffVariants,
                         testing::Values(std::pair{false, false}, std::pair{true, false}, std::pair{false, true},
                                         std::pair{true, true}));

TEST(TiffDirectory, WrongTypesAndShortArraysAreTyped) {
  TiffBuilder builder;
  builder.directory(some_fields());
  const auto file = parse(builder);
  const TiffDirectory& first = file->directories()[0];
  EXPECT_THROW(first.integer(tag::kSoftware), Error);
  EXPECT_THROW(first.integers(tag::kBitsPerSample, 4), Error);
  EXPECT_THROW(first.integers(tag::kTileOffsets, 1), Error);
  EXPECT_FALSE(first.text(tag::kImageWidth));
}

TEST(TiffDirectory, LoopsEndWithAWarning) {
  TiffBuilder builder;
  const std::uint64_t first = builder.directory(some_fields());
  builder.directory(some_fields());
  builder.link_to(first);
  const auto file = parse(builder);
  EXPECT_EQ(file->directories().size(), 2U);
  ASSERT_EQ(file->warnings().size(), 1U);
  EXPECT_NE(file->warnings()[0].find("returns"), std::string::npos);
}

TEST(TiffDirectory, ADamagedChainKeepsWhatWasRead) {
  TiffBuilder builder;
  builder.directory(some_fields());
  builder.link_to(1 << 20);
  EXPECT_EQ(parse(builder)->directories().size(), 1U);
  EXPECT_EQ(parse(builder)->warnings().size(), 1U);
}

TEST(TiffDirectory, SubDirectoriesAreListed) {
  TiffBuilder builder;
  const std::uint64_t child = builder.directory({{tag::kImageWidth, TiffBuilder::longs({7})}}, false);
  auto fields = some_fields();
  fields[tag::kSubIfds] = TiffBuilder::longs({child, child, 1 << 20});
  builder.directory(fields);
  const auto file = parse(builder);
  ASSERT_EQ(file->sub_directories().size(), 1U);
  EXPECT_EQ(file->sub_directories()[0].integer(tag::kImageWidth), 7U);
  EXPECT_EQ(file->warnings().size(), 1U);
}

TEST(TiffDirectory, HeadersThatLieAreRefused) {
  const auto code_of = [](std::vector<std::uint8_t> bytes) {
    try {
      TiffFile file(memory_source(std::move(bytes), "x.tif"));
    } catch (const Error& error) {
      return error.code();
    }
    return ErrorCode::kInternal;
  };
  EXPECT_EQ(code_of({'I', 'I', 42, 0, 0, 0, 0, 0}), ErrorCode::kCorruptFile);
  EXPECT_EQ(code_of({'I', 'I', 42, 0, 8, 0, 0, 0, 0, 0, 0, 0, 0, 0}), ErrorCode::kCorruptFile);
  EXPECT_EQ(code_of({'I', 'I', 43, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}), ErrorCode::kCorruptFile);
  EXPECT_EQ(code_of({'I', 'I', 43, 0, 8, 0}), ErrorCode::kCorruptFile);
}

TEST(TiffDirectory, OverlappingDirectoriesCannotEatMemory) {
  // Each directory claims thousands of fields of the same bytes; only a cap on all of them together helps.
  std::vector<std::uint8_t> bytes = {'I', 'I', 42, 0, 8, 0, 0, 0};
  bytes.resize(900000, 0);
  for (std::size_t at = 8; at + 4 < 60000; at += 2) {
    bytes[at] = 0x00;
    bytes[at + 1] = 0xF0;
  }
  TiffFile file(memory_source(bytes, "x.tif"));
  EXPECT_LT(file.directories().size(), 20U);
}

}  // namespace
}  // namespace histojet::slide
