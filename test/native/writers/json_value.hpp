#pragma once

#include <cctype>
#include <charconv>
#include <map>
#include <stdexcept>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace histojet::test {

/// A strict JSON reader (RFC 8259) for checking what writers write; duplicate keys are errors.
struct Json {
  using Array = std::vector<Json>;
  using Object = std::map<std::string, Json>;
  std::variant<std::nullptr_t, bool, double, std::string, Array, Object> value;
  std::string literal;  ///< a number as it was written

  static Json parse(std::string_view text);
  const Json& operator[](const std::string& key) const { return std::get<Object>(value).at(key); }
  const Json& operator[](std::size_t index) const { return std::get<Array>(value).at(index); }
  bool has(const std::string& key) const { return std::get<Object>(value).contains(key); }
  std::size_t size() const { return std::get<Array>(value).size(); }
  double number() const { return std::get<double>(value); }
  const std::string& text() const { return std::get<std::string>(value); }
  bool null() const { return std::holds_alternative<std::nullptr_t>(value); }
};

class JsonParser {
 public:
  explicit JsonParser(std::string_view text) : text_(text) {}

  Json document() {
    Json result = value();
    skip();
    if (at_ != text_.size()) fail("text after the document");
    return result;
  }

 private:
  [[noreturn]] void fail(const std::string& what) const {
    throw std::runtime_error("JSON: " + what + " at byte " + std::to_string(at_));
  }
  void skip() {
    while (at_ < text_.size() && std::string_view(" \t\r\n").find(text_[at_]) != std::string_view::npos) ++at_;
  }
  char peek() {
    skip();
    return at_ < text_.size() ? text_[at_] : '\0';
  }
  void expect(char letter) {
    if (peek() != letter) fail(std::string("expected ") + letter);
    ++at_;
  }
  bool word(std::string_view name) {
    if (!text_.substr(at_).starts_with(name)) return false;
    at_ += name.size();
    return true;
  }

  Json value() {
    switch (peek()) {
      case '{':
        return {object(), ""};
      case '[':
        return {array(), ""};
      case '"':
        return {string(), ""};
      default:
        break;
    }
    if (word("null")) return {nullptr, ""};
    if (word("true")) return {true, ""};
    if (word("false")) return {false, ""};
    return number();
  }

  Json number() {
    const std::size_t start = at_;
    const auto digits = [&] {
      const std::size_t from = at_;
      while (at_ < text_.size() && std::isdigit(static_cast<unsigned char>(text_[at_]))) ++at_;
      if (at_ == from) fail("expected a digit");
      return at_ - from;
    };
    if (text_[at_] == '-') ++at_;
    const bool zero = at_ < text_.size() && text_[at_] == '0';
    if (digits() > 1 && zero) fail("leading zero");
    if (at_ < text_.size() && text_[at_] == '.') ++at_, digits();
    const std::string literal(text_.substr(start, at_ - start));
    double parsed = 0;
    std::from_chars(literal.data(), literal.data() + literal.size(), parsed);
    return {parsed, literal};
  }

  std::string string() {
    expect('"');
    std::string result;
    for (;; ++at_) {
      if (at_ >= text_.size()) fail("open string");
      const char letter = text_[at_];
      if (letter == '"') break;
      if (static_cast<unsigned char>(letter) < 0x20) fail("control character");
      if (letter != '\\') {
        result += letter;
        continue;
      }
      const char escaped = text_.at(++at_);
      if (escaped == 'u') {
        result += static_cast<char>(std::stoi(std::string(text_.substr(at_ + 1, 4)), nullptr, 16));
        at_ += 4;
      } else if (escaped == '"' || escaped == '\\') {
        result += escaped;
      } else {
        fail("escape that our writers do not use");
      }
    }
    ++at_;
    return result;
  }

  Json::Array array() {
    Json::Array result;
    expect('[');
    if (peek() == ']') return ++at_, result;
    for (;;) {
      result.push_back(value());
      if (peek() == ']') return ++at_, result;
      expect(',');
    }
  }

  Json::Object object() {
    Json::Object result;
    expect('{');
    if (peek() == '}') return ++at_, result;
    for (;;) {
      skip();
      std::string key = string();
      expect(':');
      if (!result.emplace(std::move(key), value()).second) fail("duplicate key");
      if (peek() == '}') return ++at_, result;
      expect(',');
    }
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

inline Json Json::parse(std::string_view text) {
  return JsonParser(text).document();
}

}  // namespace histojet::test
