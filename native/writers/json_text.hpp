#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string_view>

namespace histojet::writers {

/// Grows JSON text. Numbers and pieces go straight into uninitialised memory that is kept for the next batch: writers
/// make forty numbers per nucleus, and a string that is checked at every letter would cost most of their time.
class JsonText {
 public:
  void clear() { size_ = 0; }
  bool empty() const { return size_ == 0; }
  std::string_view view() const { return {data_.get(), size_}; }

  void put(char letter) { *room(1) = letter, size_ += 1; }
  void put(std::string_view text) {
    std::memcpy(room(text.size()), text.data(), text.size());
    size_ += text.size();
  }
  void integer(std::int64_t value);
  /// `hundredths` / 100 with at most two decimals: no exponent, no trailing zeros ("3", "3.5", "-0.07").
  void hundredths(std::int64_t hundredths);
  /// `[x,y]` of hundredths, then the letter `after`: the bulk of all outlines.
  void point(std::int64_t x, std::int64_t y, char after);
  /// `value` rounded to hundredths; must be writable().
  void decimal(double value);
  /// `value` rounded to four decimals, without trailing zeros; must be writable().
  void four_decimals(double value);
  /// A JSON string with its quotes; control characters, quotes and backslashes are escaped.
  void string(std::string_view value);

 private:
  char* room(std::size_t bytes) {
    if (size_ + bytes > capacity_) grow(bytes);
    return data_.get() + size_;
  }
  /// What room() gave is written up to `end`.
  void advance(const char* end) { size_ = static_cast<std::size_t>(end - data_.get()); }
  void grow(std::size_t bytes);

  std::unique_ptr<char[]> data_;
  std::size_t size_ = 0;
  std::size_t capacity_ = 0;
};

/// True for numbers that a count of hundredths holds exactly enough: below 10^12 in size; false for infinities and NaN.
bool writable(double value);

/// The nearest integer, halves away from zero; |value| below 10^15.
inline std::int64_t nearest_integer(double value) {
  return static_cast<std::int64_t>(value + (value < 0 ? -0.5 : 0.5));
}

}  // namespace histojet::writers
