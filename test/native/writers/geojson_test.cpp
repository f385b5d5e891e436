#include <gtest/gtest.h>

#include <limits>
#include <set>

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

void expect_valid_rings(const Json& features) {
  for (std::size_t i = 0; i < features.size(); ++i) {
    const Json& ring = features[i]["geometry"]["coordinates"][0];
    ASSERT_GE(ring.size(), 4u);
    double twice_area = 0;
    for (std::size_t k = 0; k + 1 < ring.size(); ++k) {
      const double ax = ring[k][0].number(), ay = ring[k][1].number();
      const double bx = ring[k + 1][0].number(), by = ring[k + 1][1].number();
      EXPECT_FALSE(ax == bx && ay == by) << "repeated point";
      twice_area += ax * by - bx * ay;
      const std::string& literal = ring[k][0].literal;
      const std::size_t dot = literal.find('.');
      EXPECT_TRUE(dot == std::string::npos || (literal.size() - dot <= 3 && literal.back() != '0')) << literal;
    }
    EXPECT_GT(twice_area, 0);
    EXPECT_EQ(ring[0][0].literal, ring[ring.size() - 1][0].literal) << "open ring";
    EXPECT_EQ(ring[0][1].literal, ring[ring.size() - 1][1].literal) << "open ring";
  }
}

}  // namespace

TEST(GeoJson, WritesWhatQuPathReads) {
  const Scratch file("rules.geojson");
  NucleusList list;
  add_nucleus(list, {10, 20, 10, 30, 20, 30, 20, 20}, 15, 25, 6.25f);
  list.types = {1};
  list.type_probabilities = {0.973f};
  const std::string text = write_all({.path = file.path(),
                                      .bounds_x = 4,
                                      .bounds_y = 8,
                                      .mpp = 0.25,
                                      .fingerprint = "sha256:a",
                                      .weights_hash = "sha256:b",
                                      .provenance = R"({"software":"histojet","version":"1"})",
                                      .classes = {{"Other", {0, 0, 0}}, {"Neo \"plastic\"", {255, 0, 10}}}},
                                     {list});
  const Json json = Json::parse(text);
  EXPECT_EQ(json["type"].text(), "FeatureCollection");
  EXPECT_EQ(json["histojet"]["software"].text(), "histojet");
  EXPECT_EQ(json["histojet"]["origin"].text(), "bounds");
  EXPECT_EQ(json["histojet"]["offset"][1].number(), 8);
  const Json& feature = json["features"][0];
  EXPECT_EQ(feature["type"].text(), "Feature");
  EXPECT_EQ(feature["id"].text().size(), 36u);
  EXPECT_EQ(feature["id"].text()[14], '5');
  EXPECT_EQ(feature["geometry"]["type"].text(), "Polygon");
  EXPECT_EQ(feature["properties"]["objectType"].text(), "detection");
  EXPECT_EQ(feature["properties"]["classification"]["name"].text(), "Neo \"plastic\"");
  EXPECT_EQ(feature["properties"]["classification"]["color"][2].number(), 10);
  const Json& measurements = feature["properties"]["measurements"];
  EXPECT_EQ(measurements["Class probability"].literal, "0.97");
  EXPECT_EQ(measurements["Nucleus: Area µm^2"].literal, "6.25");
  EXPECT_EQ(measurements["Nucleus: Perimeter µm"].literal, "10");
  EXPECT_EQ(measurements["Nucleus: Circularity"].literal, "0.79");
  EXPECT_NE(text.find("[[[6,12],[16,12],[16,22],[6,22],[6,12]]]"), std::string::npos) << text;
  expect_valid_rings(json["features"]);
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 3) << "one feature per line";
}

TEST(GeoJson, Level0OriginKeepsCoordinatesAndIds) {
  const Scratch a("level0.geojson");
  const Scratch b("bounds.geojson");
  const auto batch = circles(3, 1000);
  WriterOptions options{.path = a.path(), .origin = writers::Origin::kLevel0, .bounds_x = 900, .bounds_y = 100};
  const Json level0 = Json::parse(write_all(options, {batch}));
  options.path = b.path();
  options.origin.reset();
  const Json bounds = Json::parse(write_all(options, {batch}));
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(level0["features"][i]["id"].text(), bounds["features"][i]["id"].text());
    const auto x = [&](const Json& json) { return json["features"][i]["geometry"]["coordinates"][0][0][0].number(); };
    EXPECT_NEAR(x(level0) - x(bounds), 900, 0.011);
  }
}

TEST(GeoJson, WithoutMppMeasuresArePixels) {
  const Scratch file("px.geojson");
  const Json json = Json::parse(write_all({.path = file.path()}, {circles(1, 50)}));
  const Json& properties = json["features"][0]["properties"];
  EXPECT_TRUE(properties["measurements"].has("Nucleus: Area px^2"));
  EXPECT_TRUE(properties["measurements"].has("Nucleus: Perimeter px"));
  EXPECT_FALSE(properties["measurements"].has("Class probability"));
  EXPECT_EQ(properties["classification"]["name"].text(), "Nucleus");
  EXPECT_NEAR(properties["measurements"]["Nucleus: Circularity"].number(), 0.99, 0.011);
}

TEST(GeoJson, RingsThatCollapseAreMendedOrLeftOut) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const float infinite = std::numeric_limits<float>::infinity();
  const Scratch file("collapse.geojson");
  NucleusList list;
  add_nucleus(list, {1, 1, 1.001f, 1.002f, 5, 1, 5, 5, 5, 5.003f, 1, 1}, 3, 2, 8);  // near-equal and closing points
  add_nucleus(list, {1, 1, 5, 1, 9, 1, 5, 1, 5, 5}, 3, 2, 8);                       // a spike out to 9
  add_nucleus(list, {2, 2, 4, 2}, 3, 2, 1);
  add_nucleus(list, {2, 2, 2.004f, 2, 2, 2.003f}, 2, 2, 1);
  add_nucleus(list, {2, 2, 4, 4, 6, 6}, 4, 4, 1);
  add_nucleus(list, {2, 2, nan, 4, 6, 8}, 4, 4, 1);
  add_nucleus(list, {2, 2, 4, 2, 6, 8}, infinite, 4, 1);
  add_nucleus(list, {}, 4, 4, 1);
  add_nucleus(list, {7, 7, 9, 7, 9, 9}, 8, 8, nan);
  const auto writer = NucleusWriter::create({.path = file.path()});
  writer->write(list);
  EXPECT_EQ(writer->count(), 3);
  writer->close();
  const Json json = Json::parse(read_text(file.path()));
  ASSERT_EQ(json["features"].size(), 3u);
  expect_valid_rings(json["features"]);
  EXPECT_EQ(json["features"][0]["geometry"]["coordinates"][0].size(), 4u);
  EXPECT_EQ(json["features"][1]["geometry"]["coordinates"][0].size(), 4u);
  EXPECT_EQ(json["features"][2]["properties"]["measurements"]["Nucleus: Area px^2"].literal, "0");
}

TEST(GeoJson, EqualRunsGiveEqualBytesAndIdsAreUnique) {
  const Scratch a("one.geojson.gz");
  const Scratch b("two.geojson.gz");
  NucleusList twins = circles(2, 10);
  twins.append(circles(2, 10), 0);  // same place: told apart by rank
  const auto run = [&](const Scratch& file) {
    return write_all({.path = file.path(), .mpp = 0.25, .fingerprint = "f", .weights_hash = "w"},
                     {twins, circles(2, 10), circles(40, 900)});
  };
  const std::string first = run(a);
  EXPECT_EQ(first, run(b));
  const Json json = Json::parse(gunzip(first));
  std::set<std::string> ids;
  for (std::size_t i = 0; i < json["features"].size(); ++i) ids.insert(json["features"][i]["id"].text());
  EXPECT_EQ(ids.size(), 45u);
}

TEST(GeoJson, EmptyResultIsAValidDocument) {
  for (const char* name : {"empty.geojson", "empty.geojson.gz"}) {
    const Scratch file(name);
    std::string text = write_all({.path = file.path()}, {NucleusList{}});
    if (text[0] == '\x1f') text = gunzip(text);
    EXPECT_EQ(Json::parse(text)["features"].size(), 0u);
  }
}

TEST(GeoJson, ThePartIsWholeAfterEveryBatch) {
  for (const char* name : {"part.geojson", "part.geojson.gz"}) {
    const Scratch file(name);
    const bool compressed = std::string(name).ends_with("gz");
    std::size_t written = 0;
    {
      const auto writer = NucleusWriter::create({.path = file.path()});
      for (int batch = 0; batch < 24; ++batch) {
        writer->write(circles(1 + batch % 9, 100.0 * batch));
        written += 1 + batch % 9;
        std::string text = read_text(file.part());
        if (compressed) text = gunzip(text);
        const Json json = Json::parse(text);
        EXPECT_GE(json["features"].size() + (compressed ? 16 * 9 : 0), written);
        EXPECT_LE(json["features"].size(), written);
      }
      EXPECT_EQ(writer->count(), static_cast<std::int64_t>(written));
      EXPECT_FALSE(std::filesystem::exists(file.path()));
    }
    std::string text = read_text(file.part());
    if (compressed) text = gunzip(text);
    EXPECT_EQ(Json::parse(text)["features"].size(), written) << "a writer that is dropped leaves everything";
  }
}

TEST(GeoJson, BigBatchesAreCutIntoMembers) {
  const Scratch file("big.geojson.gz");
  const std::string bytes = write_all({.path = file.path(), .mpp = 0.5}, {circles(6000, 0), circles(6000, 7)});
  const Json json = Json::parse(gunzip(bytes));
  EXPECT_EQ(json["features"].size(), 12000u);
  expect_valid_rings(json["features"]);
}

TEST(GeoJson, AFullDiskIsReported) {
  if (!std::filesystem::exists("/dev/full")) GTEST_SKIP() << "no /dev/full";
  const Scratch file("full.geojson");
  std::filesystem::create_symlink("/dev/full", file.part());
  try {
    NucleusWriter::create({.path = file.path()});
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kIo);
  }
}
