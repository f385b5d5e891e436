#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "writers/json_value.hpp"
#include "writers/nucleus_writer.hpp"
#include "writers/writing.hpp"

using namespace histojet;
using namespace histojet::test;
using nuclei::NucleusList;
using writers::NucleusWriter;
using writers::WriterOptions;

namespace {

using Row = std::vector<std::string>;

/// RFC 4180: fields between commas, quoted ones with doubled quotes; the last line ends in a line end too.
std::vector<Row> parse_csv(const std::string& text) {
  std::vector<Row> rows;
  Row row;
  std::string field;
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (text[at] == '"') {
      EXPECT_TRUE(field.empty()) << "a quote inside a plain field";
      for (++at; at < text.size() && (text[at] != '"' || (at + 1 < text.size() && text[at + 1] == '"')); ++at) {
        if (text[at] == '"') ++at;
        field += text[at];
      }
      EXPECT_TRUE(at + 1 < text.size() && (text[at + 1] == ',' || text[at + 1] == '\n')) << "text after a quoted field";
    } else if (text[at] == ',' || text[at] == '\n') {
      row.push_back(std::move(field));
      field.clear();
      if (text[at] == '\n') rows.push_back(std::move(row)), row.clear();
    } else {
      field += text[at];
    }
  }
  EXPECT_TRUE(row.empty() && field.empty()) << "the last line is not whole";
  return rows;
}

}  // namespace

TEST(Csv, OneLinePerNucleus) {
  const Scratch file("lines.csv");
  NucleusList list;
  add_nucleus(list, {10, 20.5f, 10, 30, 20, 30, 20, 20.5f}, 15, 25.25f, 6.25f);
  list.types = {1};
  list.type_probabilities = {0.973f};
  const std::string text = write_all({.path = file.path(),
                                      .mpp = 0.25,
                                      .provenance = "{\"a\":1}",
                                      .classes = {{"Other", {}}, {"Tumor", {255, 0, 10}}}},
                                     {list});
  const std::string::size_type line = text.find('\n') + 1;
  EXPECT_EQ(text.substr(0, line), "id,x,y,class,probability,area_um2,x0,y0,x1,y1,contour\n");
  EXPECT_EQ(text[line + 14], '5') << "a UUID of version 5";
  EXPECT_EQ(text.substr(line + 36),
            ",15,25.25,Tumor,0.97,6.25,10,20.5,20,30,"
            "\"POLYGON ((10 20.5, 20 20.5, 20 30, 10 30, 10 20.5))\"\n");
}

TEST(Csv, ClassNamesAreQuoted) {
  const Scratch file("quotes.csv");
  const std::vector<std::string> names{"plain", "a,b", "say \"no\"", "two\r\nlines", " edge ", "", "µ"};
  WriterOptions options{.path = file.path()};
  NucleusList list = circles(8, 50);
  for (std::uint8_t type = 0; type < 8; ++type) list.types.push_back(type);
  for (const std::string& name : names) options.classes.push_back({name, {1, 2, 3}});
  const auto rows = parse_csv(write_all(options, {list}));
  ASSERT_EQ(rows.size(), 9u);
  for (std::size_t i = 0; i < names.size(); ++i) EXPECT_EQ(rows[i + 1][3], names[i]);
  EXPECT_EQ(rows[8][3], "Class 7") << "a type beyond the table";
  for (const Row& row : rows) EXPECT_EQ(row.size(), 11u);
}

TEST(Csv, WithoutTypesOrResolution) {
  const Scratch file("bare.csv");
  const auto rows = parse_csv(write_all({.path = file.path()}, {circles(2, 50)}));
  ASSERT_EQ(rows.size(), 3u);
  EXPECT_EQ(rows[0][5], "area_px2");
  EXPECT_EQ(rows[1][3], "Nucleus");
  EXPECT_EQ(rows[1][4], "");
}

TEST(Csv, EmptyResultHasTheNames) {
  const Scratch file("empty.csv");
  EXPECT_EQ(parse_csv(write_all({.path = file.path()}, {NucleusList{}})).size(), 1u);
}

TEST(Csv, OriginMovesCoordinatesAndKeepsIds) {
  const Scratch a("level0.csv");
  const Scratch b("bounds.csv");
  const auto batch = circles(3, 1000);
  WriterOptions options{.path = a.path(), .bounds_x = 900, .bounds_y = 100};
  const auto level0 = parse_csv(write_all(options, {batch}));
  options.path = b.path();
  options.origin = writers::Origin::kBounds;
  const auto bounds = parse_csv(write_all(options, {batch}));
  ASSERT_EQ(level0.size(), 4u);
  for (std::size_t i = 1; i < 4; ++i) {
    EXPECT_EQ(level0[i][0], bounds[i][0]);
    for (const int column : {1, 6, 8}) {
      EXPECT_NEAR(std::stod(level0[i][column]) - std::stod(bounds[i][column]), 900, 0.011);
    }
    for (const int column : {2, 7, 9}) {
      EXPECT_NEAR(std::stod(level0[i][column]) - std::stod(bounds[i][column]), 100, 0.011);
    }
  }
  EXPECT_NEAR(std::stod(level0[1][1]), 1000, 0.011) << "level 0 is the default";
}

TEST(Csv, LeavesOutWhatGeoJsonLeavesOut) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  NucleusList list = circles(2, 30);
  add_nucleus(list, {2, 2, 4, 2}, 3, 2, 1);
  add_nucleus(list, {2, 2, nan, 4, 6, 8}, 4, 4, 1);
  add_nucleus(list, {2, 2, 4, 2, 6, 8}, nan, 4, 1);
  add_nucleus(list, {7, 7, 9, 7, 9, 9}, 8, 8, nan);
  const Scratch a("same.csv");
  const Scratch b("same.geojson");
  const auto rows = parse_csv(write_all({.path = a.path()}, {list}));
  const Json json = Json::parse(write_all({.path = b.path()}, {list}));
  ASSERT_EQ(rows.size(), 4u);
  ASSERT_EQ(json["features"].size(), 3u);
  for (std::size_t i = 0; i < 3; ++i) EXPECT_EQ(rows[i + 1][0], json["features"][i]["id"].text());
  EXPECT_EQ(rows[3][5], "0") << "an area that is no number";
}

TEST(Csv, ThePartHoldsWholeLinesAfterEveryBatch) {
  const Scratch file("part.csv");
  std::size_t written = 0;
  {
    const auto writer = NucleusWriter::create({.path = file.path()});
    for (int batch = 0; batch < 9; ++batch) {
      writer->write(circles(1 + batch, 100.0 * batch));
      written += 1 + batch;
      EXPECT_EQ(parse_csv(read_text(file.part())).size(), written + 1);
    }
    EXPECT_EQ(writer->count(), static_cast<std::int64_t>(written));
  }
  EXPECT_FALSE(std::filesystem::exists(file.path()));
  EXPECT_EQ(parse_csv(read_text(file.part())).size(), written + 1);
}

TEST(Csv, EqualRunsGiveEqualBytes) {
  const Scratch a("one.csv");
  const Scratch b("two.csv");
  const auto run = [&](const Scratch& file) {
    return write_all({.path = file.path(), .mpp = 0.25, .fingerprint = "f"}, {circles(200, 10), circles(7, 10)});
  };
  EXPECT_EQ(run(a), run(b));
}

TEST(Csv, FailuresAreReported) {
  EXPECT_EQ(refusal({.path = "/nonexistent-folder/x.csv"}), ErrorCode::kIo);
  const Scratch folder("folder.csv");
  std::filesystem::create_directory(folder.path());
  EXPECT_EQ(refusal({.path = folder.path()}), ErrorCode::kIo);
  if (!std::filesystem::exists("/dev/full")) GTEST_SKIP() << "no /dev/full";
  const Scratch full("full.csv");
  std::filesystem::create_symlink("/dev/full", full.part());
  EXPECT_EQ(refusal({.path = full.path()}), ErrorCode::kIo);
}
