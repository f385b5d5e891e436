#include "readers/geojson_reader.hpp"

#include "fixtures.hpp"
#include "reading.hpp"

namespace {

using namespace histojet;
using namespace histojet::test;
using nuclei::NucleusList;
using readers::open_geojson;

std::string ring(int x, bool closed = true) {
  const std::string a = std::to_string(x), b = std::to_string(x + 4);
  return "[[" + a + ",0],[" + b + ",0],[" + b + ",3.25]" + (closed ? ",[" + a + ",0]]" : "]");
}

std::string feature(int x, const std::string& classification = "null") {
  return R"({"type":"Feature","id":"a\"[{","geometry":{"type":"Polygon","coordinates":[)" + ring(x) +
         R"(]},"properties":{"classification":)" + classification + R"(,"features":[{"not":"a feature"}]}})";
}

NucleusList read(const std::string& text) {
  return read_joined(*open_geojson(text_source(text)));
}

std::vector<float> lefts(const NucleusList& list) {
  std::vector<float> values;
  for (std::size_t i = 0; i < list.size(); ++i) values.push_back(list.boxes[4 * i]);
  return values;
}

std::string failure(const std::string& text, ErrorCode code = ErrorCode::kCorruptFile) {
  return message_of(code, [&] { read(text); });
}

}  // namespace

TEST(GeoJsonReader, AllFormsOfDocuments) {
  const std::string a = feature(0), b = feature(10), c = feature(20);
  const std::string documents[] = {
      R"({"type":"FeatureCollection","note":{"features":[1]},"list":[[1]],"features":[)" + a + "," + b + "," + c +
          R"(],"after":[{}]})",
      R"({ "features" : [ )" + a + " ,\n" + b + " , " + c + R"( ] , "type" : "FeatureCollection" })",
      "[" + a + "," + b + "," + c + "]",
      "[" + a + R"(,{"type":"FeatureCollection","features":[)" + b + "," + c + "]}]",
      a + "\n" + b + "\n" + c + "\n",
      "\xef\xbb\xbf[" + a + "," + b + "," + c + "]",
      R"({"type":"FeatureCollection","features":[)" + a + R"(]}{"type":"FeatureCollection","features":[)" + b + "," +
          c + "]}",
      "[" + a + R"(,{"type":"Polygon","coordinates":[)" + ring(10) + R"(]},{"coordinates":[)" + ring(20) +
          R"(],"type":"Polygon"}])",
  };
  for (const std::string& text : documents) {
    for (const std::string& bytes : {text, gzip(text), gzip(text.substr(0, 50)) + gzip(text.substr(50), 0)}) {
      const NucleusList list = read(bytes);
      EXPECT_EQ(lefts(list), (std::vector<float>{0, 10, 20})) << text;
      EXPECT_EQ(list.areas, (std::vector<float>{6.5, 6.5, 6.5}));
      EXPECT_FALSE(list.typed());
      EXPECT_EQ(list.contour_starts, (std::vector<std::uint64_t>{0, 3, 6, 9}));
    }
  }
  for (const char* empty : {"[]", R"({"type":"FeatureCollection","features":[]})", "[ ]\n"}) {
    EXPECT_EQ(read(empty).size(), 0u);
  }
}

TEST(GeoJsonReader, OnlyOuterRingsOfPolygonsCount) {
  const std::string polygon = "[" + ring(0) + "," + ring(1) + "]";
  const std::string geometries[] = {
      R"({"type":"MultiPolygon","coordinates":[)" + polygon + ",[" + ring(10, false) + "]]}",
      R"({"coordinates":[[)" + ring(20) + R"(]],"type":"MultiPolygon"})",
      R"({"type":"Point","coordinates":[1,2]})",
      R"({"coordinates":[)" + ring(30) + R"(],"type":"MultiLineString"})",
      R"({"coordinates":[[1,2],[3,4],[5,6]],"type":"LineString"})",
      R"({"type":"Polygon","coordinates":null})",
      R"({"type":"Polygon","coordinates":[[[0,0],[1,1]]]})",
      R"({"type":"Polygon","coordinates":[[[40,0,7],[41,0,7,8],[41,1]]],"isEllipse":false})",
      R"({"type":"MultiPolygon","coordinates":[5,[]]})",
      "null",
  };
  std::string text = "[";
  for (const std::string& geometry : geometries) {
    text += (text.size() > 1 ? "," : "") + (R"({"properties":null,"geometry":)" + geometry + R"(,"type":"Feature"})");
  }
  EXPECT_EQ(lefts(read(text + "]")), (std::vector<float>{0, 10, 20, 40}));
}

TEST(GeoJsonReader, ClassesOfAllWriters) {
  const std::string text = "[" + feature(0, R"({"name":"Tumor","color":[200,0,1]})") + "," +
                           feature(1, R"({"name":"Tumor","color":[1,1,1]})") + "," + feature(2, R"("Stroma")") + "," +
                           feature(3, R"({"names":["Tumor","Positive"],"color":[1,2,3,255]})") + "," + feature(4) +
                           "," + feature(5, R"({"name":"Hover","colorRGB":-65536})") + "," + feature(6, "{}") + "," +
                           feature(7, R"({"name":"T\u0075mor"})") + "]";
  const auto reader = open_geojson(text_source(text));
  const NucleusList list = read_joined(*reader);
  EXPECT_EQ(list.types, (std::vector<std::uint8_t>{1, 1, 2, 3, 0, 4, 0, 1}));
  ASSERT_EQ(reader->classes().size(), 5u);
  const auto named = [&](std::size_t i) { return reader->classes()[i].name; };
  EXPECT_EQ(named(0) + named(1) + named(2) + named(3) + named(4), "unclassifiedTumorStromaTumor: PositiveHover");
  EXPECT_EQ(reader->classes()[1].color, (std::array<std::uint8_t, 3>{200, 0, 1}));
  EXPECT_EQ(reader->classes()[3].color, (std::array<std::uint8_t, 3>{1, 2, 3}));
  EXPECT_EQ(reader->classes()[4].color, (std::array<std::uint8_t, 3>{255, 0, 0}));
}

TEST(GeoJsonReader, TypesAreForFilesOfSeveralClasses) {
  const auto document = [](std::size_t nuclei, const std::string& last) {
    std::string text = "[";
    for (std::size_t i = 0; i < nuclei; ++i) text += feature(static_cast<int>(i), R"({"name":"Nucleus"})") + ",";
    return text + feature(1, last) + "]";
  };
  // Another class decides for the lists before it.
  EXPECT_FALSE(read(document(9000, R"("Nucleus")")).typed());
  const auto late = open_geojson(text_source(document(9000, R"("Tumor")")));
  const NucleusList list = read_joined(*late);
  ASSERT_TRUE(list.typed());
  EXPECT_EQ(list.types[0], 1);
  EXPECT_EQ(list.types[9000], 2);
  // Beyond the lists that can wait nothing is lost either.
  const auto large = open_geojson(text_source(gzip(document(70000, R"("Tumor")"), 1)));
  const NucleusList all = read_joined(*large);
  ASSERT_TRUE(all.typed());
  EXPECT_EQ(all.types[70000], 2);
}

TEST(GeoJsonReader, TheProvenanceGivesResolutionAndNumbers) {
  const std::string block =
      R"({"software":"histojet","slide":{"mpp":[0.5,0.5]},"classes":[{"name":"none","color":[0,0,0]},)"
      R"({"name":"A","color":[1,2,3]},{"name":"B","color":[4,5,6]}]})";
  const std::string text = R"({"type":"FeatureCollection","histojet":)" + block + R"(,"features":[)" +
                           feature(0, R"({"name":"B"})") + "," + feature(1, R"({"name":"A"})") + "," +
                           feature(2, R"({"name":"C"})") + "]}";
  const auto reader = open_geojson(text_source(text));
  EXPECT_EQ(reader->provenance(), block);
  EXPECT_EQ(reader->format(), "geojson");
  EXPECT_EQ(reader->classes().size(), 3u);
  const NucleusList list = read_joined(*reader);
  EXPECT_EQ(list.types, (std::vector<std::uint8_t>{2, 1, 3}));
  EXPECT_EQ(list.areas[0], 6.5f * 0.25f);
  EXPECT_EQ(reader->classes()[1].color, (std::array<std::uint8_t, 3>{1, 2, 3}));
  EXPECT_EQ(reader->classes()[3].name, "C");
  // A block that is not ours does no harm.
  const NucleusList odd = read(R"({"histojet":{"slide":7,"classes":{}},"features":[)" + feature(3) + "]}");
  EXPECT_EQ(odd.areas[0], 6.5f);
}

TEST(GeoJsonReader, WhatQuPathWritesBesides) {
  const std::string text =
      R"([{"type":"Feature","id":"x","geometry":{"type":"Polygon","coordinates":[)" + ring(0) +
      R"(]},"nucleusGeometry":{"type":"Polygon","coordinates":[)" + ring(1) +
      R"(]},"properties":{"objectType":"cell","metadata":{"a":"1"},"metadata":{"b":"2"},)"
      R"("measurements":{"x":"NaN","y":NaN,"z":-Infinity},"isLocked":false,"childObjects":[{"type":"Feature"}]}}])";
  EXPECT_EQ(lefts(read(text)), (std::vector<float>{0}));
}

TEST(GeoJsonReader, BatchesAreBounded) {
  std::string text = "[" + feature(0);
  for (int i = 1; i < 10000; ++i) text += "," + feature(i);
  const auto reader = open_geojson(text_source(text + "]"));
  std::size_t count = 0;
  for (const NucleusList& list : read_all(*reader)) {
    EXPECT_LE(list.size(), 4096u);
    for (std::size_t i = 0; i < list.size(); ++i) ASSERT_EQ(list.boxes[4 * i], static_cast<float>(count++));
  }
  EXPECT_EQ(count, 10000u);
  EXPECT_FALSE(reader->next({}).has_value());
}

TEST(GeoJsonReader, DamageIsNamedWithItsPlace) {
  const std::string text = R"({"type":"FeatureCollection","features":[)" + feature(0) + "," + feature(1) + "]}";
  EXPECT_NE(failure(text.substr(0, text.size() - 20)).find("test.json: the JSON document ends too early"),
            std::string::npos);
  EXPECT_NE(failure(text.substr(0, text.size() - 2)).find("ends too early"), std::string::npos);
  EXPECT_NE(failure("").find("ends too early"), std::string::npos);
  EXPECT_NE(failure("nothing here").find("expected GeoJSON"), std::string::npos);
  EXPECT_NE(failure(R"([{"type":"Feature",}])").find("expected a key"), std::string::npos);
  EXPECT_NE(failure("[1, 2]").find("expected GeoJSON features"), std::string::npos);
  EXPECT_NE(failure(R"([{"type":"Cat"}])").find("expected GeoJSON features"), std::string::npos);
  EXPECT_NE(failure("[]]").find("expected GeoJSON features"), std::string::npos);
  const std::string geometries = R"({"type":"GeometryCollection","geometries":[]})";
  EXPECT_NE(failure("[" + geometries + "]", ErrorCode::kUnsupportedFormat).find("GeometryCollection"),
            std::string::npos);
  EXPECT_NE(failure(R"({"type":"Feature","geometry":)" + geometries + "}", ErrorCode::kUnsupportedFormat)
                .find("feature 0 is a GeometryCollection"),
            std::string::npos);
  for (const char* position : {"[1]", "[]", "[1,null]", "[1,NaN]", "[1e999,0]", "[1e300,0]", "5", "[[1,2],3]"}) {
    const std::string polygon = std::string(R"({"type":"Polygon","coordinates":[[[0,0],)") + position + ",[2,2]]]}";
    EXPECT_NE(failure(polygon).find("feature 0 has a position that is no pair of finite numbers (at byte"),
              std::string::npos)
        << position;
  }
  const std::string packed = gzip(text);
  EXPECT_NE(failure(packed.substr(0, 60)).find("gzip stream is damaged"), std::string::npos);
  std::string deep;
  for (int i = 0; i < 100; ++i) deep += R"({"type":"FeatureCollection","features":[)";
  EXPECT_NE(failure(deep).find("nested too deep"), std::string::npos);
}

TEST(GeoJsonReader, ClassesAreBytes) {
  std::string text = "[" + feature(0);
  for (int i = 1; i <= 300; ++i) text += "," + feature(i, "\"class " + std::to_string(i) + "\"");
  EXPECT_NE(failure(text + "]", ErrorCode::kUnsupportedFormat).find("more than 255 classes"), std::string::npos);
}

TEST(GeoJsonReader, AReaderThatFailedStaysClosed) {
  const auto reader = open_geojson(text_source("[" + feature(0) + ",{}]"));
  message_of(ErrorCode::kCorruptFile, [&] { reader->next({}); });
  message_of(ErrorCode::kDisposed, [&] { reader->next({}); });
  CancelSource source;
  source.cancel();
  EXPECT_THROW(open_geojson(text_source("[" + feature(0) + "]"))->next(source.token()), Cancelled);
}

TEST(GeoJsonReader, IsRecognisedByContent) {
  const TextFile plain("plain.txt", feature(0)), packed("packed.json", gzip("\n[" + feature(0) + "]"));
  for (const TextFile* file : {&plain, &packed}) {
    const auto reader = readers::NucleusReader::open(file->path());
    EXPECT_EQ(reader->format(), "geojson");
    EXPECT_EQ(read_joined(*reader).size(), 1u);
  }
  const TextFile text("text.geojson", "no nuclei"), empty("empty.geojson", "");
  EXPECT_NE(message_of(ErrorCode::kUnsupportedFormat, [&] { readers::NucleusReader::open(text.path()); })
                .find("hovernet-json, geojson"),
            std::string::npos);
  message_of(ErrorCode::kUnsupportedFormat, [&] { readers::NucleusReader::open(empty.path()); });
  message_of(ErrorCode::kInvalidArgument, [&] { readers::NucleusReader::open(plain.path(), "cat"); });
  message_of(ErrorCode::kInvalidArgument, [&] { readers::NucleusReader::open(""); });
  message_of(ErrorCode::kIo, [&] { readers::NucleusReader::open(plain.path() + ".none"); });
}
