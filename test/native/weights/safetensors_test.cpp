// Safetensors headers assembled by the tests: rules that the fixtures do not reach.
#include <gtest/gtest.h>

#include "base/error.hpp"
#include "base/json_reader.hpp"
#include "base/text.hpp"
#include "checkpoint_writer.hpp"
#include "weights/crc32.hpp"
#include "weights/state_dict.hpp"

using namespace histojet;
using namespace histojet::test;
using histojet::JsonReader;
using histojet::weights::StateDict;

namespace {

std::string safetensors(const std::string& header, const std::string& data = "") {
  return raw(static_cast<std::uint64_t>(header.size())) + header + data;
}

std::string error_of(const std::string& bytes) {
  const TemporaryFile file(bytes, "m.safetensors");
  try {
    StateDict::open(file.path());
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kCorruptFile);
    return error.what();
  }
  return "accepted";
}

std::string skip_error(const std::string& json) {
  try {
    JsonReader reader(json, "f", 0);
    reader.skip();
    reader.finish();
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

}  // namespace

TEST(JsonReader, AcceptsWhatTheStandardAllows) {
  for (const char* text :
       {"0", "-0.5e+10", "[1, [2, {}], \"\\u00e9\\ud83d\\ude00\\n\"]", " { \"a\" : null , \"b\":[ ] } ", "true"}) {
    EXPECT_EQ(skip_error(text), "") << text;
  }
}

TEST(JsonReader, RefusesEverythingElse) {
  for (const char* text : {"",
                           "01",
                           "1.",
                           ".5",
                           "1e",
                           "+1",
                           "-",
                           "nul",
                           "NaN",
                           "[1,]",
                           "[,1]",
                           "{\"a\"}",
                           "{\"a\":1,}",
                           "{a:1}",
                           "\"\\x\"",
                           "\"\\ud800\"",
                           "\"\\udc00\\ud800\"",
                           "\"\\ud800\\u0041\"",
                           "\"\n\"",
                           "\"",
                           "[1 2]",
                           "{\"a\":1 \"b\":2}",
                           "[[[[[[[[[1]]]]]]]]]",
                           "{\"a\":{\"b\":1,\"b\":2}}",
                           "1 1",
                           "'a'",
                           "[1}",
                           "{\"a\":1]",
                           "\"\xc0\x80\"",
                           "\"\xed\xa0\x80\"",
                           "\"\xf4\x90\x80\x80\"",
                           "\"\xe2\x82\"",
                           "/**/1"}) {
    EXPECT_NE(skip_error(text), "") << text;
  }
}

TEST(JsonReader, IntegersAreExact) {
  JsonReader reader("[18446744073709551615, 9007199254740993]", "f", 0);
  reader.begin_array("a");
  EXPECT_TRUE(reader.next_element());
  EXPECT_EQ(reader.unsigned_integer("a"), 18446744073709551615ull);
  EXPECT_TRUE(reader.next_element());
  EXPECT_EQ(reader.unsigned_integer("a"), 9007199254740993ull);
  EXPECT_FALSE(reader.next_element());
  JsonReader large("18446744073709551616", "f", 0);
  EXPECT_THROW(large.unsigned_integer("a"), Error);
}

TEST(Safetensors, TypesWithoutCounterpartAreListedButNotRead) {
  const TemporaryFile file(safetensors(R"({"c":{"dtype":"C64","shape":[1],"data_offsets":[0,8]},)"
                                       R"("f":{"dtype":"F4","shape":[2],"data_offsets":[8,9]},)"
                                       R"("x":{"dtype":"U8","shape":[1],"data_offsets":[9,10],"extra":[{}]}})",
                                       "0123456789"),
                           "m.safetensors");
  const auto dict = StateDict::open(file.path());
  EXPECT_EQ(dict->names(), std::vector<std::string>{"x"});
  EXPECT_EQ(dict->get("x").values<std::uint8_t>()[0], '9');
  EXPECT_EQ(dict->metadata().at("histojet.unreadable_tensors"), "c (C64), f (F4)");
  try {
    dict->get("c");
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kUnsupportedFormat);
    EXPECT_NE(std::string(error.what()).find("C64"), std::string::npos);
  }
}

TEST(Safetensors, MessagesTellWhereAndWhy) {
  const std::string overlap = error_of(safetensors(R"({"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},)"
                                                   R"("b":{"dtype":"U8","shape":[4],"data_offsets":[2,6]}})",
                                                   "012345"));
  EXPECT_NE(overlap.find("tensor 'b' lies at 2 to 6"), std::string::npos) << overlap;
  EXPECT_NE(error_of(safetensors(R"({"a":{"shape":[],"data_offsets":[0,0]}})")).find("lacks its dtype"),
            std::string::npos);
  EXPECT_NE(
      error_of(safetensors(R"({"a":{"dtype":"U8","dtype":"U8","shape":[0],"data_offsets":[0,0]}})")).find("twice"),
      std::string::npos);
}

TEST(Safetensors, WrapperPrefixIsStrippedOnlyIfAllShareIt) {
  const auto entry = [](const std::string& name, int at) {
    return "\"" + name + R"(":{"dtype":"U8","shape":[1],"data_offsets":[)" + std::to_string(at) + "," +
           std::to_string(at + 1) + "]}";
  };
  const TemporaryFile all(safetensors("{" + entry("module.a", 0) + "," + entry("module.b", 1) + "}", "01"),
                          "m.safetensors");
  EXPECT_EQ(StateDict::open(all.path())->names(), (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(StateDict::open(all.path())->metadata().at("histojet.stripped_prefix"), "module.");
  const TemporaryFile some(safetensors("{" + entry("module.a", 0) + "," + entry("b", 1) + "}", "01"), "m.safetensors");
  EXPECT_EQ(StateDict::open(some.path())->names(), (std::vector<std::string>{"b", "module.a"}));
}

TEST(Safetensors, ShardsLosetheWrapperPrefixTogether) {
  const std::string one = R"({"module.a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}})";
  const std::string two =
      R"({"b":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"c":{"dtype":"U8","shape":[1],"data_offsets":[1,2]}})";
  const TemporaryFile index(R"({"weight_map":{"module.a":"1.safetensors","b":"2.safetensors"}})",
                            "model.safetensors.index.json");
  const auto folder = std::filesystem::path(index.path()).parent_path();
  std::ofstream(folder / "1.safetensors", std::ios::binary) << safetensors(one, "A");
  std::ofstream(folder / "2.safetensors", std::ios::binary) << safetensors(two, "BC");
  const auto dict = StateDict::open(folder.string());
  EXPECT_EQ(dict->names(), (std::vector<std::string>{"b", "module.a"}));
  EXPECT_EQ(dict->get("module.a").values<std::uint8_t>()[0], 'A');
  EXPECT_EQ(dict->metadata().at("histojet.unlisted_tensors"), "c");
}

TEST(Folders, SayWhatTheyLack) {
  const TemporaryFile file("x", "notes.txt");
  try {
    StateDict::open(std::filesystem::path(file.path()).parent_path().string());
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kUnsupportedFormat);
  }
  EXPECT_THROW(StateDict::open("/nonexistent/model.safetensors"), Error);
}

TEST(Text, ClosestNameAndQuoting) {
  using namespace histojet::weights;
  EXPECT_EQ(closest_name("conv1.weigth", {"conv1.bias", "conv1.weight", "conv2.weight"}), "conv1.weight");
  EXPECT_EQ(closest_name("abc", {"xyzuvw", "qqqqqqqq"}), "");
  EXPECT_EQ(quote("a\n\xffü"), "'a\\x0a\\xffü'");
  EXPECT_LT(quote(std::string(1000, 'x')).size(), 130u);
}

TEST(Crc32, AgreesWithTheBitwiseDefinition) {
  std::string text;
  for (int i = 0; i < 300; ++i) {
    const std::span<const std::uint8_t> bytes(reinterpret_cast<const std::uint8_t*>(text.data()), text.size());
    EXPECT_EQ(histojet::weights::crc32(0, bytes), slow_crc32(text));
    const auto first = histojet::weights::crc32(0, bytes.first(text.size() / 3));
    EXPECT_EQ(histojet::weights::crc32(first, bytes.subspan(text.size() / 3)), slow_crc32(text));
    text += static_cast<char>(i * 37 + 11);
  }
}
