#pragma once

#include <concepts>
#include <cstdlib>
#include <map>
#include <stdexcept>
#include <string>
#include <vector>

#include "npz.hpp"

namespace histojet::test {

/// A JSON value of a trusted test file. Missing members and elements throw.
struct Json {
  enum class Kind { kNull, kBool, kNumber, kText, kList, kObject };
  Kind kind = Kind::kNull;
  double number = 0;  ///< of a bool: 0 or 1
  std::string text;
  std::vector<Json> list;
  std::map<std::string, Json> object;

  const Json& operator[](const std::string& key) const { return object.at(key); }
  const Json& operator[](const char* key) const { return object.at(key); }
  template <std::integral Index>
  const Json& operator[](Index i) const {
    return list.at(static_cast<std::size_t>(i));
  }
  std::size_t size() const { return kind == Kind::kObject ? object.size() : list.size(); }
  bool null() const { return kind == Kind::kNull; }
};

class JsonParser {
 public:
  explicit JsonParser(const std::string& text) : text_(text) {}

  Json parse() {
    skip_space();
    Json value;
    const char c = text_.at(at_);
    if (c == '{') {
      value.kind = Json::Kind::kObject;
      each('}', [&] {
        const std::string key = parse().text;
        expect(':');
        value.object[key] = parse();
      });
    } else if (c == '[') {
      value.kind = Json::Kind::kList;
      each(']', [&] { value.list.push_back(parse()); });
    } else if (c == '"') {
      value.kind = Json::Kind::kText;
      const std::size_t end = text_.find('"', at_ + 1);
      value.text = text_.substr(at_ + 1, end - at_ - 1);
      at_ = end + 1;
    } else if (c == 'n' || c == 't' || c == 'f') {
      value.kind = c == 'n' ? Json::Kind::kNull : Json::Kind::kBool;
      value.number = c == 't' ? 1 : 0;
      at_ += c == 'f' ? 5 : 4;
    } else {
      value.kind = Json::Kind::kNumber;
      char* end = nullptr;
      value.number = std::strtod(text_.c_str() + at_, &end);
      const auto after = static_cast<std::size_t>(end - text_.c_str());
      if (after == at_) throw std::runtime_error("json: unexpected character");
      at_ = after;
    }
    return value;
  }

 private:
  void skip_space() {
    while (at_ < text_.size() && std::string(" \n\r\t").find(text_[at_]) != std::string::npos) ++at_;
  }
  void expect(char c) {
    skip_space();
    if (text_.at(at_++) != c) throw std::runtime_error(std::string("json: expected ") + c);
  }
  template <class Visit>
  void each(char close, Visit visit) {
    ++at_;
    skip_space();
    if (text_.at(at_) == close) {
      ++at_;
      return;
    }
    while (true) {
      visit();
      skip_space();
      if (text_.at(at_) == close) {
        ++at_;
        return;
      }
      expect(',');
    }
  }

  const std::string& text_;
  std::size_t at_ = 0;
};

/// A .json or .json.gz file.
inline Json read_json(const std::string& path) {
  const std::vector<std::uint8_t> bytes = file_bytes(path);
  const std::string text = path.ends_with(".gz") ? read_gzip_text(path) : std::string(bytes.begin(), bytes.end());
  return JsonParser(text).parse();
}

}  // namespace histojet::test
