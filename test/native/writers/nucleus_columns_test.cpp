#include "writers/nucleus_columns.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>

#include "base/error.hpp"
#include "writers/writing.hpp"

using namespace histojet;
using namespace histojet::test;
using namespace histojet::writers;

namespace {

/// Value `i` of the column that begins `offset` bytes behind the begin.
template <class Value>
Value at(const NucleusColumns& columns, std::size_t offset, std::size_t i) {
  Value value;
  const std::size_t place = offset + i * sizeof(Value);
  if (place + sizeof(Value) > columns.bytes.size()) throw std::runtime_error("columns end early");
  std::memcpy(&value, columns.bytes.data() + place, sizeof(Value));
  return value;
}

TEST(NucleusColumns, LieOneAfterTheOther) {
  nuclei::NucleusList batch = circles(3, 100);
  add_nucleus(batch, {0, 0, 5, 0, 9, 0}, 4, 0, 0);  // no area: left out
  add_nucleus(batch, {10, 10, 20, 10, 20, 20}, 16, 13, 50);
  batch.types = {0, 1, 5, 0, 1};
  batch.type_probabilities = {0.5, 1, std::nanf(""), 1, 0.25};
  NucleusColumnEncoder encoder({.origin = Origin::kBounds,
                                .bounds_x = 10,
                                .bounds_y = 5,
                                .mpp = 0.25,
                                .fingerprint = "f",
                                .classes = {{"a", {1, 2, 3}}, {"b", {4, 5, 6}}}});
  const NucleusColumns columns = encoder.encode(batch, 0);
  ASSERT_EQ(columns.rows, 4u);
  EXPECT_EQ(columns.next, 5u);
  const std::size_t n = 4;
  EXPECT_EQ(at<float>(columns, 0, 3), 6);
  EXPECT_EQ(at<float>(columns, 4 * n, 3), 8);
  EXPECT_EQ(at<float>(columns, 8 * n, 0), 0.5);
  EXPECT_TRUE(std::isnan(at<float>(columns, 8 * n, 2)));
  EXPECT_EQ(at<float>(columns, 12 * n, 3), 50);
  const std::vector<float> box{0, 5, 10, 15};
  for (std::size_t side = 0; side < 4; ++side) EXPECT_EQ(at<float>(columns, 16 * n, 12 + side), box[side]);
  EXPECT_EQ(at<std::uint32_t>(columns, 32 * n, 2), 5u);
  EXPECT_EQ(at<std::uint32_t>(columns, 32 * n, 3), 1u);
  const auto begin = at<std::uint32_t>(columns, 36 * n, 2);
  const auto end = at<std::uint32_t>(columns, 36 * n, 3);
  EXPECT_EQ(end - begin, 13u + 4 * 16);
  EXPECT_EQ(columns.bytes.size(), 56 * n + end);
  EXPECT_EQ(at<double>(columns, 56 * n + begin + 13, 0), 0);
  EXPECT_EQ(columns.classes, encoder.classes_json());
  EXPECT_EQ(columns.classes,
            R"([{"id":0,"name":"a","color":[1,2,3]},{"id":1,"name":"b","color":[4,5,6]},)"
            R"({"id":2,"name":"Class 2","color":[128,128,128]},{"id":3,"name":"Class 3","color":[128,128,128]},)"
            R"({"id":4,"name":"Class 4","color":[128,128,128]},{"id":5,"name":"Class 5","color":[128,128,128]}])");
  EXPECT_TRUE(encoder.metric());
  EXPECT_EQ(encoder.provenance(), R"({"origin":"bounds","offset":[10,5]})");
}

TEST(NucleusColumns, HaveTheIdsOfTheOtherFormats) {
  const nuclei::NucleusList batch = circles(50, 100);
  const WriterOptions options{.fingerprint = "f", .weights_hash = "w"};
  NucleusIdentity identity(options.fingerprint, options.weights_hash);
  NucleusColumnEncoder encoder(options);
  const NucleusColumns columns = encoder.encode(batch, 0);
  ASSERT_EQ(columns.rows, 50u);
  for (std::size_t i = 0; i < 50; ++i) {
    std::string digits;
    for (std::size_t k = 0; k < 16; ++k) {
      char text[3];
      std::snprintf(text, sizeof(text), "%02x", at<std::uint8_t>(columns, 40 * 50, 16 * i + k));
      digits += text;
    }
    std::string expected = identity.next_id(batch.centroids[2 * i], batch.centroids[2 * i + 1]);
    std::erase(expected, '-');
    EXPECT_EQ(digits, expected);
  }
}

TEST(NucleusColumns, ComeInSlicesOfBoundedSize) {
  const nuclei::NucleusList batch = circles(10'000, 100);
  NucleusColumnEncoder encoder({});
  std::size_t rows = 0, first = 0, slices = 0;
  while (first < batch.size()) {
    const NucleusColumns columns = encoder.encode(batch, first);
    EXPECT_GT(columns.next, first);
    EXPECT_LE(columns.rows, 4096u);
    EXPECT_LT(columns.bytes.size(), std::size_t{1} << 20);
    first = columns.next;
    rows += columns.rows;
    ++slices;
  }
  EXPECT_EQ(rows, 10'000u);
  EXPECT_GT(slices, 2u);
  EXPECT_EQ(encoder.encode(batch, batch.size()).rows, 0u);
}

TEST(NucleusColumns, RefuseAProvenanceThatIsNone) {
  EXPECT_THROW(NucleusColumnEncoder({.provenance = "text"}), Error);
}

}  // namespace
