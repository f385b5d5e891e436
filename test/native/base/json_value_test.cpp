#include "base/json_value.hpp"

#include <gtest/gtest.h>

#include "base/error.hpp"

namespace histojet {
namespace {

TEST(JsonValue, ATextBecomesATree) {
  const JsonValue value = parse_json(R"({"a": [1, -2.5, true, null, "x\n"], "b": {"c": false}})", "it");
  ASSERT_NE(value.find("a"), nullptr);
  EXPECT_EQ(value.find("z"), nullptr);
  const auto& elements = value.find("a")->elements;
  ASSERT_EQ(elements.size(), 5U);
  EXPECT_EQ(elements[1].number, -2.5);
  EXPECT_TRUE(elements[2].boolean);
  EXPECT_EQ(elements[3].kind, JsonReader::Kind::kNull);
  EXPECT_EQ(elements[4].text, "x\n");
  EXPECT_FALSE(value.find("b")->find("c")->boolean);
}

TEST(JsonValue, WhatIsNoJsonIsRefusedWithItsPlace) {
  for (const char* text : {"", "{", "[1,]", "{\"a\": 1, \"a\": 2}", "true false", "tru", "[1e999]", "nul"}) {
    EXPECT_THROW(parse_json(text, "it"), Error) << text;
  }
  EXPECT_THROW(parse_json(std::string(100000, '['), "it"), Error);
  EXPECT_THROW(parse_json(std::string(100, '[') + std::string(100, ']'), "it"), Error);
}

TEST(JsonValue, NumbersAndStringsReadBack) {
  for (const double number : {0.0, 1.0, -3.0, 0.1, 1e-7, 2.5e300, 9007199254740991.0, 123456.789}) {
    EXPECT_EQ(parse_json(json_number(number), "it").number, number);
  }
  EXPECT_EQ(json_number(3), "3");
  EXPECT_EQ(json_number(0.05), "0.05");
  const std::string text = "\"quoted\" \\ \x01 \n ä";
  EXPECT_EQ(parse_json(json_string(text), "it").text, text);
}

TEST(JsonValue, MessagesShowWhatWasFound) {
  EXPECT_EQ(describe(parse_json("[1, 2]", "it")), "an array of 2");
  EXPECT_EQ(describe(parse_json("{}", "it")), "an object");
  EXPECT_EQ(describe(parse_json("\"wide\"", "it")), "\"wide\"");
  EXPECT_EQ(describe(parse_json("4.5", "it")), "4.5");
  EXPECT_EQ(describe(parse_json("\"" + std::string(200, 'x') + "\"", "it")), "a long string");
}

}  // namespace
}  // namespace histojet
