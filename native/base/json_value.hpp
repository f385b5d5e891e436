#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/json_reader.hpp"

namespace histojet {

struct JsonMember;

/// A small JSON text as a tree, for settings that people write. Large documents are read with JsonReader.
struct JsonValue {
  JsonReader::Kind kind = JsonReader::Kind::kNull;
  bool boolean = false;
  double number = 0;
  std::string text;                 ///< of a string
  std::vector<JsonMember> members;  ///< of an object, in the text's order
  std::vector<JsonValue> elements;  ///< of an array

  /// The member called `name`, or null.
  const JsonValue* find(std::string_view name) const;
};

struct JsonMember {
  std::string name;
  JsonValue value;
};

/// `where` names the text in messages. @throws Error kCorruptFile (not JSON, a key twice, nested deeper than 8),
/// kInvalidArgument (longer than 64 KiB).
JsonValue parse_json(std::string_view text, const std::string& where);

/// The value as it may stand in a message: numbers and short strings as JSON, of the others what they are.
std::string describe(const JsonValue& value);

/// The number with as many digits as it takes to read it back; integers without a fraction.
std::string json_number(double value);
/// The string with quotes and escapes.
std::string json_string(std::string_view text);

}  // namespace histojet
