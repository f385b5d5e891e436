#include <gtest/gtest.h>
#include <sqlite3.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <sstream>

#include "base/error.hpp"
#include "writers/dicom_value.hpp"
#include "writers/json_value.hpp"
#include "writers/measurement_columns.hpp"
#include "writers/nucleus_columns.hpp"
#include "writers/writing.hpp"

using namespace histojet;
using namespace histojet::test;
using nuclei::NucleusList;
using writers::NucleusWriter;
using writers::WriterOptions;

namespace {

const float kNan = std::numeric_limits<float>::quiet_NaN();

/// Three circles of two types; the second lacks its solidity.
NucleusList measured() {
  NucleusList list = circles(3, 100);
  list.types = {1, 0, 1};
  list.measurements = {{"perimeter_um", {31.25f, 12.00004f, 7.5f}},
                       {"solidity", {0.98768f, kNan, 1}},
                       {"eosin_od_mean", {-0.00312f, 0.5f, 0}}};
  return list;
}

/// The same without measurements, or with others.
NucleusList plain() {
  NucleusList list = circles(3, 900);
  list.types = {1, 0, 1};
  return list;
}
NucleusList otherwise() {
  NucleusList list = plain();
  list.measurements = {{"perimeter_um", {1, 2, 3}}, {"solidity", {1, 1, 1}}};
  return list;
}

std::vector<std::string> split(const std::string& line) {
  std::vector<std::string> fields;
  std::istringstream stream(line);
  for (std::string field; std::getline(stream, field, ',');) fields.push_back(field);
  return fields;
}

}  // namespace

TEST(Measured, GeoJsonNamesThemAsQuPathDoes) {
  const Scratch file("measured.geojson");
  const Json data = Json::parse(write_all({.path = file.path(), .mpp = 0.25}, {measured(), NucleusList{}, measured()}));
  ASSERT_EQ(data["features"].size(), 6u);
  const Json& first = data["features"][0]["properties"]["measurements"];
  EXPECT_EQ(first["Nucleus: Perimeter µm"].literal, "31.25");
  EXPECT_EQ(first["Nucleus: Solidity"].literal, "0.9877");
  EXPECT_EQ(first["Nucleus: Eosin OD mean"].literal, "-0.0031");
  EXPECT_TRUE(first.has("Nucleus: Area µm^2"));
  EXPECT_FALSE(first.has("Nucleus: Circularity")) << "what was not measured is not made up";
  const Json& second = data["features"][1]["properties"]["measurements"];
  EXPECT_FALSE(second.has("Nucleus: Solidity")) << "NaN";
  EXPECT_EQ(second["Nucleus: Perimeter µm"].literal, "12");
  EXPECT_EQ(data["features"][2]["properties"]["measurements"]["Nucleus: Eosin OD mean"].literal, "0");
}

TEST(Measured, CsvHasAColumnForEach) {
  const Scratch file("measured.csv");
  std::istringstream text(write_all({.path = file.path(), .mpp = 0.25}, {NucleusList{}, measured()}));
  std::string line;
  std::getline(text, line);
  EXPECT_EQ(line, "id,x,y,class,probability,area_um2,x0,y0,x1,y1,perimeter_um,solidity,eosin_od_mean,contour");
  const std::vector<std::vector<std::string>> expected{
      {"31.25", "0.9877", "-0.0031"}, {"12", "", "0.5"}, {"7.5", "1", "0"}};
  for (const auto& values : expected) {
    ASSERT_TRUE(std::getline(text, line));
    const auto fields = split(line);
    EXPECT_EQ(std::vector<std::string>(fields.begin() + 10, fields.begin() + 13), values);
    EXPECT_TRUE(fields[13].starts_with("\"POLYGON (("));
  }
  EXPECT_FALSE(std::getline(text, line));
}

TEST(Measured, AnnotationStorePutsThemIntoTheProperties) {
  const Scratch file("measured.db");
  write_all({.path = file.path(), .mpp = 0.25}, {measured()});
  sqlite3* handle = nullptr;
  ASSERT_EQ(sqlite3_open(file.path().c_str(), &handle), SQLITE_OK);
  sqlite3_stmt* statement = nullptr;
  ASSERT_EQ(sqlite3_prepare_v2(handle, "SELECT properties FROM annotations ORDER BY id", -1, &statement, nullptr),
            SQLITE_OK);
  std::vector<Json> rows;
  while (sqlite3_step(statement) == SQLITE_ROW) {
    rows.push_back(Json::parse(reinterpret_cast<const char*>(sqlite3_column_text(statement, 0))));
  }
  sqlite3_finalize(statement);
  sqlite3_close(handle);
  ASSERT_EQ(rows.size(), 3u);
  EXPECT_EQ(rows[0]["perimeter_um"].literal, "31.25");
  EXPECT_EQ(rows[0]["solidity"].literal, "0.9877");
  EXPECT_NEAR(rows[0]["area_um2"].number(), std::acos(-1) * 36 / 16, 1e-3);
  EXPECT_FALSE(rows[1].has("solidity"));
}

TEST(Measured, DicomHasAnItemForEachInEveryGroup) {
  const Scratch file("measured.dcm");
  const auto data = DicomParser::file(
      write_all({.path = file.path(), .mpp = 0.25, .classes = {{"none", {0, 0, 0}}, {"some", {9, 9, 9}}}},
                {measured(), measured()}));
  const auto& groups = data.at(0x006a0002).items;
  ASSERT_EQ(groups.size(), 2u);
  const auto items = [&](std::size_t group) { return groups[group].at(0x00660121).items; };
  const auto code = [](const DicomValue& sequence) {
    return sequence.items.at(0).at(0x00080100).text() + " " + sequence.items.at(0).at(0x00080102).text();
  };
  const auto values = [](const DicomValue::Dataset& item) {
    return item.at(0x00660132).items.at(0).at(0x00660125).numbers<float>();
  };
  ASSERT_EQ(items(1).size(), 4u);
  const auto perimeter = items(1)[1], solidity = items(0)[2], eosin = items(1)[3];
  EXPECT_EQ(code(items(1)[0].at(0x0040a043)), "42798000 SCT");
  EXPECT_EQ(code(perimeter.at(0x0040a043)), "131191004 SCT");
  EXPECT_EQ(code(perimeter.at(0x004008ea)), "um UCUM");
  EXPECT_EQ(values(perimeter), (std::vector<float>{31.25f, 7.5f, 31.25f, 7.5f}));
  EXPECT_EQ(code(eosin.at(0x0040a043)), "EOSIN_MEAN 99HISTOJET");
  EXPECT_EQ(code(eosin.at(0x004008ea)), "1 UCUM");
  // The group of the second circle has no solidity at all, the other has all of its own.
  EXPECT_TRUE(values(solidity).empty());
  EXPECT_TRUE(solidity.at(0x00660132).items.at(0).at(0x006a0011).numbers<std::uint32_t>().empty());
  EXPECT_FALSE(items(1)[2].at(0x00660132).items.at(0).contains(0x006a0011));
}

TEST(Measured, DicomTellsWhichPolygonsHaveAValue) {
  const Scratch file("some.dcm");
  NucleusList list = circles(20'000, 100);  // more rows than one piece of the spooled file
  list.measurements.resize(3);
  for (std::size_t m = 0; m < 3; ++m) list.measurements[m].name = "m" + std::to_string(m);
  for (std::size_t i = 0; i < list.size(); ++i) {
    for (std::size_t m = 0; m < 3; ++m) {
      list.measurements[m].values.push_back(m == 1 && i % 3 == 0 ? kNan : static_cast<float>(3 * i + m));
    }
  }
  const auto data = DicomParser::file(write_all({.path = file.path()}, {list}));
  const auto& items = data.at(0x006a0002).items.at(0).at(0x00660121).items;
  ASSERT_EQ(items.size(), 3u) << "no area without mpp";
  EXPECT_EQ(items[2].at(0x0040a043).items.at(0).at(0x00080102).text(), "99HISTOJET");
  const auto& some = items[1].at(0x00660132).items.at(0);
  const auto values = some.at(0x00660125).numbers<float>();
  const auto index = some.at(0x006a0011).numbers<std::uint32_t>();
  ASSERT_EQ(values.size(), index.size());
  ASSERT_EQ(values.size(), 20'000u - 6'667u);
  for (std::size_t i = 0; i < values.size(); ++i) {
    ASSERT_NE((index[i] - 1) % 3, 0u);
    ASSERT_EQ(values[i], static_cast<float>(3 * (index[i] - 1) + 1));
  }
  const auto all = items[2].at(0x00660132).items.at(0).at(0x00660125).numbers<float>();
  ASSERT_EQ(all.size(), 20'000u);
  EXPECT_EQ(all[19'999], 3.0f * 19'999 + 2);
}

TEST(Measured, ColumnsFollowTheIds) {
  const NucleusList list = measured();
  writers::NucleusColumnEncoder encoder({.mpp = 0.25});
  const writers::NucleusColumns columns = encoder.encode(list, 0);
  EXPECT_EQ(columns.measurements, (std::vector<std::string>{"perimeter_um", "solidity", "eosin_od_mean"}));
  std::vector<float> values(9);
  ASSERT_GT(columns.bytes.size(), 3 * (56 + 12u));
  std::memcpy(values.data(), columns.bytes.data() + 3 * 56, 36);
  EXPECT_EQ(values[0], 31.25f);
  EXPECT_TRUE(std::isnan(values[4]));
  EXPECT_EQ(values[8], 0);
  EXPECT_THROW(encoder.encode(plain(), 0), Error);
}

TEST(Measured, TheFirstNucleiDecide) {
  for (const char* name : {"a.geojson", "a.geojson.gz", "a.csv", "a.db", "a.dcm"}) {
    for (const bool measured_first : {true, false}) {
      for (const NucleusList& later : {measured_first ? plain() : measured(), otherwise()}) {
        const Scratch file(std::string("decide-") + name);
        const auto writer = NucleusWriter::create({.path = file.path()});
        writer->write({});
        writer->write(measured_first ? measured() : plain());
        try {
          writer->write(later);
          ADD_FAILURE() << name;
        } catch (const Error& error) {
          EXPECT_EQ(error.code(), ErrorCode::kInvalidArgument);
          EXPECT_NE(std::string(error.what()).find("solidity"), std::string::npos) << error.what();
        }
        writer->write(measured_first ? measured() : plain());
        writer->close();
        EXPECT_EQ(writer->count(), 6) << name;
      }
    }
  }
}

TEST(Measured, HoverNetJsonHasNoRoomForThem) {
  const Scratch a("measured.json"), b("bare.json");
  NucleusList bare = measured();
  bare.measurements.clear();
  EXPECT_EQ(write_all({.path = a.path()}, {measured()}), write_all({.path = b.path()}, {bare}));
}

TEST(Measured, FourDecimals) {
  const auto text = [](double value) {
    writers::JsonText json;
    json.four_decimals(value);
    return std::string(json.view());
  };
  EXPECT_EQ(text(0), "0");
  EXPECT_EQ(text(-0.00004), "0");
  EXPECT_EQ(text(0.00005), "0.0001");
  EXPECT_EQ(text(1.5), "1.5");
  EXPECT_EQ(text(-12.3456), "-12.3456");
  EXPECT_EQ(text(7.1), "7.1");
  EXPECT_EQ(text(100), "100");
  EXPECT_EQ(text(0.9999999), "1");
  EXPECT_EQ(text(999'999'999'999.0), "999999999999");
  EXPECT_EQ(text(3.0207), "3.0207");
}
