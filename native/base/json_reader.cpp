#include "base/json_reader.hpp"

#include <algorithm>
#include <charconv>

#include "base/text.hpp"

namespace histojet {
namespace {

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

void append_utf8(std::string& out, std::uint32_t code) {
  const auto tail = [&](int shift) { out += static_cast<char>(0x80 | ((code >> shift) & 0x3f)); };
  if (code < 0x80) {
    out += static_cast<char>(code);
  } else if (code < 0x800) {
    out += static_cast<char>(0xc0 | (code >> 6));
    tail(0);
  } else if (code < 0x10000) {
    out += static_cast<char>(0xe0 | (code >> 12));
    tail(6);
    tail(0);
  } else {
    out += static_cast<char>(0xf0 | (code >> 18));
    tail(12);
    tail(6);
    tail(0);
  }
}

}  // namespace

JsonReader::JsonReader(std::string_view text, std::string file, std::uint64_t base_offset, std::size_t max_depth)
    : text_(text), file_(std::move(file)), base_offset_(base_offset), max_depth_(max_depth) {
  if (!is_utf8(text_)) fail("the JSON text is not valid UTF-8");
}

void JsonReader::fail(const std::string& reason) const {
  corrupt_at(file_, base_offset_ + at_, reason);
}

void JsonReader::skip_space() {
  while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\t' || text_[at_] == '\n' || text_[at_] == '\r')) {
    ++at_;
  }
}

JsonReader::Kind JsonReader::peek() {
  skip_space();
  if (at_ >= text_.size()) fail("the JSON text ends where a value is expected");
  switch (text_[at_]) {
    case '{':
      return Kind::kObject;
    case '[':
      return Kind::kArray;
    case '"':
      return Kind::kString;
    case 't':
    case 'f':
      return Kind::kBool;
    case 'n':
      return Kind::kNull;
    default:
      break;
  }
  if (text_[at_] == '-' || is_digit(text_[at_])) return Kind::kNumber;
  fail("expected a JSON value, found " + quote(text_.substr(at_, 1)));
}

void JsonReader::open(bool is_object, std::string_view what) {
  if (peek() != (is_object ? Kind::kObject : Kind::kArray)) {
    fail("expected " + std::string(is_object ? "an object" : "an array") + " for " + std::string(what));
  }
  if (levels_.size() >= max_depth_) {
    fail("the JSON text is nested deeper than " + std::to_string(max_depth_) + " levels");
  }
  ++at_;
  levels_.push_back({is_object, true, {}});
}

void JsonReader::begin_object(std::string_view what) {
  open(true, what);
}
void JsonReader::begin_array(std::string_view what) {
  open(false, what);
}

bool JsonReader::next(char closing) {
  skip_space();
  Level& level = levels_.back();
  if (current() == closing) {
    ++at_;
    std::sort(level.keys.begin(), level.keys.end());
    const auto twice = std::adjacent_find(level.keys.begin(), level.keys.end());
    if (twice != level.keys.end()) fail("the key " + quote(*twice) + " occurs twice in one object");
    levels_.pop_back();
    return false;
  }
  if (!level.empty) {
    if (current() != ',') fail("expected ',' or '" + std::string(1, closing) + "' in the JSON text");
    ++at_;
    skip_space();
  }
  level.empty = false;
  return true;
}

bool JsonReader::next_member(std::string& key) {
  if (!next('}')) return false;
  if (current() != '"') fail("expected a key in double quotes");
  key = raw_string();
  levels_.back().keys.push_back(key);
  skip_space();
  if (current() != ':') fail("expected ':' after the key " + quote(key));
  ++at_;
  return true;
}

bool JsonReader::next_element() {
  return next(']');
}

std::string JsonReader::string(std::string_view what) {
  if (peek() != Kind::kString) fail("expected a string for " + std::string(what));
  return raw_string();
}

std::uint64_t JsonReader::unsigned_integer(std::string_view what) {
  const std::string expected = "expected a non-negative integer for " + std::string(what);
  if (peek() != Kind::kNumber) fail(expected);
  const std::size_t start = at_;
  skip_number();
  const std::string_view digits = text_.substr(start, at_ - start);
  std::uint64_t value = 0;
  for (const char digit : digits) {
    const bool fits = is_digit(digit) && !__builtin_mul_overflow(value, std::uint64_t{10}, &value) &&
                      !__builtin_add_overflow(value, static_cast<std::uint64_t>(digit - '0'), &value);
    if (!fits) fail(expected + " below 2^64, found " + quote(digits));
  }
  return value;
}

double JsonReader::number(std::string_view what) {
  const std::string expected = "expected a number for " + std::string(what);
  if (peek() != Kind::kNumber) fail(expected);
  const std::size_t start = at_;
  skip_number();
  const std::string_view digits = text_.substr(start, at_ - start);
  double value = 0;
  const auto [end, status] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (status != std::errc() || end != digits.data() + digits.size()) fail(expected + ", found " + quote(digits));
  return value;
}

bool JsonReader::boolean(std::string_view what) {
  if (peek() != Kind::kBool) fail("expected true or false for " + std::string(what));
  const bool value = current() == 't';
  literal(value ? "true" : "false");
  return value;
}

void JsonReader::skip_number() {
  const auto digits = [&] {
    if (!is_digit(current())) fail("malformed number in the JSON text");
    while (is_digit(current())) ++at_;
  };
  if (current() == '-') ++at_;
  if (current() == '0') {
    ++at_;
  } else {
    digits();
  }
  if (is_digit(current())) fail("a number in the JSON text has a leading zero");
  if (current() == '.') {
    ++at_;
    digits();
  }
  if (current() == 'e' || current() == 'E') {
    ++at_;
    if (current() == '+' || current() == '-') ++at_;
    digits();
  }
}

std::uint32_t JsonReader::hex_unit() {
  std::uint32_t value = 0;
  for (int i = 0; i < 4; ++i, ++at_) {
    const char c = current();
    const int digit = is_digit(c)              ? c - '0'
                      : (c >= 'a' && c <= 'f') ? c - 'a' + 10
                      : (c >= 'A' && c <= 'F') ? c - 'A' + 10
                                               : -1;
    if (digit < 0) fail("malformed \\u escape in a JSON string");
    value = value * 16 + static_cast<std::uint32_t>(digit);
  }
  return value;
}

void JsonReader::escape(std::string& out) {
  const char kind = current();
  ++at_;
  switch (kind) {
    case '"':
    case '\\':
    case '/':
      out += kind;
      return;
    case 'b':
      out += '\b';
      return;
    case 'f':
      out += '\f';
      return;
    case 'n':
      out += '\n';
      return;
    case 'r':
      out += '\r';
      return;
    case 't':
      out += '\t';
      return;
    case 'u':
      break;
    default:
      fail("unknown escape in a JSON string");
  }
  std::uint32_t code = hex_unit();
  if (code >= 0xd800 && code < 0xdc00 && text_.substr(at_, 2) == "\\u") {
    at_ += 2;
    const std::uint32_t low = hex_unit();
    if (low < 0xdc00 || low > 0xdfff) fail("a JSON string holds half of a surrogate pair");
    code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
  }
  if (code >= 0xd800 && code < 0xe000) fail("a JSON string holds half of a surrogate pair");
  append_utf8(out, code);
}

std::string JsonReader::raw_string() {
  ++at_;
  std::string out;
  for (;;) {
    if (at_ >= text_.size()) fail("a JSON string has no end");
    const char c = text_[at_];
    if (static_cast<std::uint8_t>(c) < 0x20) fail("a JSON string holds a control character");
    ++at_;
    if (c == '"') return out;
    if (c == '\\') {
      escape(out);
    } else {
      out += c;
    }
  }
}

void JsonReader::literal(std::string_view word) {
  if (text_.substr(at_, word.size()) != word) fail("expected '" + std::string(word) + "' in the JSON text");
  at_ += word.size();
}

void JsonReader::skip() {
  std::string key;
  switch (peek()) {
    case Kind::kObject:
      begin_object("a value");
      while (next_member(key)) skip();
      return;
    case Kind::kArray:
      begin_array("a value");
      while (next_element()) skip();
      return;
    case Kind::kString:
      raw_string();
      return;
    case Kind::kNumber:
      skip_number();
      return;
    case Kind::kBool:
      literal(current() == 't' ? "true" : "false");
      return;
    case Kind::kNull:
      literal("null");
      return;
  }
}

void JsonReader::finish() {
  skip_space();
  if (at_ != text_.size()) fail("something follows the JSON value");
}

}  // namespace histojet
