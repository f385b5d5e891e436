#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace histojet {

/// Strict JSON (RFC 8259) read value by value, without building a tree: exact 64-bit integers, no duplicate keys at any
/// level, no nesting deeper than `max_depth`, no control characters or lone surrogates in strings. Every failure is an
/// Error kCorruptFile with the file's name and the byte offset.
class JsonReader {
 public:
  enum class Kind { kObject, kArray, kString, kNumber, kBool, kNull };

  /// `text` must outlive the reader; `base_offset` is its position in the file, for messages.
  JsonReader(std::string_view text, std::string file, std::uint64_t base_offset, std::size_t max_depth = 8);

  /// What the next value is; consumes white space only.
  Kind peek();
  /// Enters an object; `what` names it in messages.
  void begin_object(std::string_view what);
  /// Reads the next key, or leaves the object and returns false. The value must be read or skipped before the next
  /// call.
  bool next_member(std::string& key);
  void begin_array(std::string_view what);
  /// True when an element follows, else leaves the array.
  bool next_element();
  std::string string(std::string_view what);
  /// A non-negative integer below 2^64 written without sign, fraction or exponent.
  std::uint64_t unsigned_integer(std::string_view what);
  /// Any finite number, as the nearest double.
  double number(std::string_view what);
  bool boolean(std::string_view what);
  /// Reads any value and forgets it; checked like the others.
  void skip();
  /// Only white space may be left.
  void finish();

  [[noreturn]] void fail(const std::string& reason) const;

 private:
  struct Level {
    bool is_object;
    bool empty = true;
    std::vector<std::string> keys;
  };
  void skip_space();
  void open(bool is_object, std::string_view what);
  bool next(char closing);
  void literal(std::string_view word);
  void skip_number();
  std::string raw_string();
  void escape(std::string& out);
  std::uint32_t hex_unit();
  char current() const { return at_ < text_.size() ? text_[at_] : '\0'; }

  std::string_view text_;
  std::string file_;
  std::uint64_t base_offset_;
  std::size_t max_depth_;
  std::size_t at_ = 0;
  std::vector<Level> levels_;
};

}  // namespace histojet
