#include "readers/wkb.hpp"

#include <gtest/gtest.h>

#include <limits>

#include "base/error.hpp"
#include "readers/wkb_bytes.hpp"

using namespace histojet;
using namespace histojet::readers;
using namespace histojet::test;

namespace {

nuclei::NucleusList read(const std::vector<std::uint8_t>& bytes) {
  OutlineCollector outlines;
  const std::size_t added = append_wkb(bytes, outlines, "it");
  EXPECT_EQ(added, outlines.size());
  outlines.give_type(0);
  return outlines.take();
}

ErrorCode failure(const std::vector<std::uint8_t>& bytes, const std::string& words) {
  OutlineCollector outlines;
  try {
    append_wkb(bytes, outlines, "case.db: annotation 7");
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("case.db: annotation 7"), std::string::npos) << error.what();
    EXPECT_NE(std::string(error.what()).find(words), std::string::npos) << error.what();
    return error.code();
  }
  ADD_FAILURE() << "no error about " << words;
  return ErrorCode::kInternal;
}

TEST(Wkb, ReadsPolygonsOfBothByteOrdersWithoutTheirHoles) {
  for (const bool big : {false, true}) {
    const auto list = read(WkbBytes(big).polygon({square(10.25, 20, 8), square(12, 22, 2)}).bytes());
    ASSERT_EQ(list.size(), 1u);
    EXPECT_EQ(std::vector<float>(list.contour(0).begin(), list.contour(0).end()),
              (std::vector<float>{10.25, 20, 18.25, 20, 18.25, 28, 10.25, 28}));
    EXPECT_FLOAT_EQ(list.areas[0], 64);
    EXPECT_FLOAT_EQ(list.centroids[0], 14.25);
  }
}

TEST(Wkb, MakesANucleusOfEachPartWhateverItsByteOrder) {
  std::vector<std::uint8_t> bytes = WkbBytes().kind(6).put(std::uint32_t{2}).bytes();
  const auto little = WkbBytes().polygon({square(0, 0, 4)}).bytes();
  const auto big = WkbBytes(true).polygon({square(100, 0, 6)}).bytes();
  bytes.insert(bytes.end(), little.begin(), little.end());
  bytes.insert(bytes.end(), big.begin(), big.end());
  const auto list = read(bytes);
  ASSERT_EQ(list.size(), 2u);
  EXPECT_FLOAT_EQ(list.areas[1], 36);
  EXPECT_FLOAT_EQ(list.centroids[2], 103);
}

TEST(Wkb, PassesOverPointsLinesAndWhatEnclosesNothing) {
  EXPECT_EQ(read(WkbBytes().kind(1).put(1.0).put(2.0).bytes()).size(), 0u);
  EXPECT_EQ(read(WkbBytes().kind(2).ring({{0, 0}, {1, 1}}).bytes()).size(), 0u);
  EXPECT_EQ(read(WkbBytes().kind(3).put(std::uint32_t{0}).bytes()).size(), 0u);
  EXPECT_EQ(read(WkbBytes().polygon({{{0, 0}, {1, 1}}}).bytes()).size(), 0u);
}

TEST(Wkb, RefusesOtherGeometryByName) {
  EXPECT_EQ(failure(WkbBytes().kind(7).put(std::uint32_t{0}).bytes(), "geometry collection"),
            ErrorCode::kUnsupportedFormat);
  EXPECT_EQ(failure(WkbBytes().kind(1003).put(std::uint32_t{0}).bytes(), "Z or M"), ErrorCode::kUnsupportedFormat);
  EXPECT_EQ(failure(WkbBytes().kind(0x20000003).put(std::uint32_t{0}).bytes(), "reference system"),
            ErrorCode::kUnsupportedFormat);
  EXPECT_EQ(failure(WkbBytes().kind(10).bytes(), "kind 10"), ErrorCode::kUnsupportedFormat);
}

TEST(Wkb, RefusesDamage) {
  const auto whole = WkbBytes().polygon({square(0, 0, 4)}).bytes();
  for (std::size_t length = 0; length < whole.size(); ++length) {
    EXPECT_EQ(failure({whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(length)}, "cut"),
              ErrorCode::kCorruptFile);
  }
  auto longer = whole;
  longer.push_back(0);
  EXPECT_EQ(failure(longer, "1 bytes follow"), ErrorCode::kCorruptFile);
  EXPECT_EQ(failure({2, 0, 0, 0, 0}, "byte order 2"), ErrorCode::kCorruptFile);
  EXPECT_EQ(failure(WkbBytes().kind(3).put(std::uint32_t{1}).put(0xffffffffu).bytes(), "4294967295 points is cut"),
            ErrorCode::kCorruptFile);
  const double nan = std::numeric_limits<double>::quiet_NaN();
  EXPECT_EQ(failure(WkbBytes().polygon({{{0, 0}, {nan, 1}, {1, 1}}}).bytes(), "point 1 of its outline"),
            ErrorCode::kCorruptFile);
  EXPECT_EQ(failure(WkbBytes().kind(6).put(std::uint32_t{1}).kind(1).put(1.0).put(1.0).bytes(), "something else"),
            ErrorCode::kCorruptFile);
}

}  // namespace
