#include "readers/hovernet_json_reader.hpp"

#include "fixtures.hpp"
#include "reading.hpp"

namespace {

using namespace histojet;
using namespace histojet::test;
using nuclei::NucleusList;
using readers::open_hovernet_json;

std::string nucleus(int id, int x, const std::string& type, const std::string& probability = "0.5") {
  const std::string a = std::to_string(x), b = std::to_string(x + 4);
  return "\"" + std::to_string(id) + R"(": {"bbox": [[0, 0], [1, 1]], "centroid": [NaN, 2.5], "contour": [[)" + a +
         ", 0], [" + b + ", 0], [" + b + ", 3]], \"type_prob\": " + probability + ", \"type\": " + type + "}";
}

std::string document(const std::string& nuclei) {
  return R"({"mag": 40, "nuc": {)" + nuclei + "}}";
}

std::string failure(const std::string& text) {
  return message_of(ErrorCode::kCorruptFile, [&] { read_joined(*open_hovernet_json(text_source(text))); });
}

}  // namespace

TEST(HoverNetJsonReader, ReadsContoursTypesAndProbabilities) {
  const std::string text = document(nucleus(1, 0, "1") + ", " + nucleus(7, 10, "null", "0.25"));
  for (const std::string& bytes : {text, gzip(text)}) {
    const auto reader = open_hovernet_json(text_source(bytes));
    EXPECT_EQ(reader->magnification(), 40);
    EXPECT_EQ(reader->format(), "hovernet-json");
    EXPECT_TRUE(reader->classes().empty());
    const NucleusList list = read_joined(*reader);
    ASSERT_EQ(list.size(), 2u);
    EXPECT_EQ(list.types, (std::vector<std::uint8_t>{1, 0}));
    EXPECT_EQ(list.type_probabilities, (std::vector<float>{0.5f, 0.25f}));
    EXPECT_EQ(list.areas, (std::vector<float>{6, 6}));
    EXPECT_EQ(list.contour(1)[0], 10.5f);
    EXPECT_EQ(list.contour(1)[5], 3.5f);
  }
  const NucleusList untyped = read_joined(*open_hovernet_json(text_source(document(nucleus(1, 0, "null", "null")))));
  EXPECT_FALSE(untyped.typed());
  EXPECT_TRUE(untyped.type_probabilities.empty());
  EXPECT_EQ(read_joined(*open_hovernet_json(text_source(document("")))).size(), 0u);
}

TEST(HoverNetJsonReader, TheHeadTellsWhatIsKnown) {
  const std::string block = R"({"slide":{},"classes":[{"name":"a"},{"name":"b","color":[1,2,3]}]})";
  const auto reader = open_hovernet_json(text_source(R"({"mag":null,"histojet":)" + block + R"(,"x":[1],"nuc":{)" +
                                                     nucleus(1, 0, "1") + R"(},"after":{"nuc":{}}})"));
  EXPECT_FALSE(reader->magnification().has_value());
  EXPECT_EQ(reader->provenance(), block);
  ASSERT_EQ(reader->classes().size(), 2u);
  EXPECT_EQ(reader->classes()[1].name, "b");
  EXPECT_EQ(read_joined(*reader).size(), 1u);
}

TEST(HoverNetJsonReader, DamageIsNamed) {
  EXPECT_NE(failure("").find("expected a HoVer-Net document"), std::string::npos);
  EXPECT_NE(failure("[]").find("expected a HoVer-Net document"), std::string::npos);
  EXPECT_NE(failure(R"({"mag":40})").find("without an object \"nuc\""), std::string::npos);
  EXPECT_NE(failure(document(nucleus(1, 0, "1")) + "{}").find("second document"), std::string::npos);
  EXPECT_NE(failure(document(nucleus(1, 0, "256"))).find("type from 0 to 255"), std::string::npos);
  EXPECT_NE(failure(document(nucleus(1, 0, "1.5"))).find("type from 0 to 255"), std::string::npos);
  EXPECT_NE(failure(document(nucleus(1, 0, "null") + "," + nucleus(2, 0, "1"))).find("nucleus '2': has a type"),
            std::string::npos);
  EXPECT_NE(failure(document(R"("5": {"contour": [[0,0],[1,1]]})")).find("nucleus '5': expected a contour of at least"),
            std::string::npos);
  EXPECT_NE(failure(document(R"("5": {"contour": [[0,0],[1,1],[2]]})")).find("no pair of finite numbers"),
            std::string::npos);
  EXPECT_NE(failure(document(R"("5": {"contour": [[0,0],[1,1,1],[2,2]]})")).find("no pair of finite numbers"),
            std::string::npos);
  EXPECT_NE(failure(document(R"("5": {})")).find("got none"), std::string::npos);
  EXPECT_NE(failure(document(R"("5": 3)")).find("expected an object"), std::string::npos);
  const std::string text = document(nucleus(1, 0, "1"));
  for (std::size_t size = 1; size < text.size(); size += 7) failure(text.substr(0, size));
}

TEST(HoverNetJsonReader, IsRecognisedByContent) {
  const std::string text = R"({"histojet":{"type":"x","features":[]},"nuc":{)" + nucleus(1, 0, "1") + "}}";
  for (const std::string& bytes : {text, gzip(text)}) {
    const TextFile file("hover.json", bytes);
    EXPECT_EQ(readers::NucleusReader::open(file.path())->format(), "hovernet-json");
  }
  const TextFile other("other.json", R"({"type":"FeatureCollection","features":[],"nuc":{}})");
  EXPECT_EQ(readers::NucleusReader::open(other.path())->format(), "geojson");
}

TEST(HoverNetJsonReader, ReadsTheReferencesFiles) {
  HISTOJET_NEEDS_SHARED_FIXTURES();
  const auto reader = readers::NucleusReader::open(shared_fixture("hover/s1024_hovernet.json.gz"));
  EXPECT_EQ(reader->format(), "hovernet-json");
  EXPECT_EQ(read_joined(*reader).size(), 332u);
}
