#include "base/json_value.hpp"

#include <array>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <utility>

#include "base/error.hpp"

namespace histojet {
namespace {

constexpr std::size_t kLongestText = 64 << 10;
constexpr std::size_t kLongestQuote = 60;

JsonValue read_value(JsonReader& reader) {
  JsonValue value;
  value.kind = reader.peek();
  switch (value.kind) {
    case JsonReader::Kind::kObject: {
      reader.begin_object("a value");
      for (std::string key; reader.next_member(key);) {
        std::string name = key;
        value.members.push_back({std::move(name), read_value(reader)});
      }
      break;
    }
    case JsonReader::Kind::kArray:
      reader.begin_array("a value");
      while (reader.next_element()) value.elements.push_back(read_value(reader));
      break;
    case JsonReader::Kind::kString:
      value.text = reader.string("a value");
      break;
    case JsonReader::Kind::kNumber:
      value.number = reader.number("a value");
      break;
    case JsonReader::Kind::kBool:
      value.boolean = reader.boolean("a value");
      break;
    case JsonReader::Kind::kNull:
      reader.skip();
      break;
  }
  return value;
}

}  // namespace

const JsonValue* JsonValue::find(std::string_view name) const {
  for (const auto& [key, value] : members) {
    if (key == name) return &value;
  }
  return nullptr;
}

JsonValue parse_json(std::string_view text, const std::string& where) {
  if (text.size() > kLongestText) {
    throw Error(ErrorCode::kInvalidArgument,
                where + ": expected at most 65536 bytes of JSON, got " + std::to_string(text.size()));
  }
  JsonReader reader(text, where, 0);
  JsonValue value = read_value(reader);
  reader.finish();
  return value;
}

std::string describe(const JsonValue& value) {
  switch (value.kind) {
    case JsonReader::Kind::kObject:
      return "an object";
    case JsonReader::Kind::kArray:
      return "an array of " + std::to_string(value.elements.size());
    case JsonReader::Kind::kString:
      return value.text.size() <= kLongestQuote ? json_string(value.text) : "a long string";
    case JsonReader::Kind::kNumber:
      return json_number(value.number);
    case JsonReader::Kind::kBool:
      return value.boolean ? "true" : "false";
    case JsonReader::Kind::kNull:
      return "null";
  }
  return "nothing";
}

std::string json_number(double value) {
  std::array<char, 32> digits;
  if (value == std::floor(value) && std::abs(value) < 0x1p53) {
    const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), static_cast<std::int64_t>(value)).ptr;
    return {digits.data(), end};
  }
  return {digits.data(), std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr};
}

std::string json_string(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    const auto byte = static_cast<std::uint8_t>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (byte < 0x20) {
      constexpr const char* kHex = "0123456789abcdef";
      out += std::string("\\u00") + kHex[byte >> 4] + kHex[byte & 15];
    } else {
      out += c;
    }
  }
  return out + '"';
}

}  // namespace histojet
