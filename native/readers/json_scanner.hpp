#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "readers/document_source.hpp"

namespace histojet::readers {

/// Reads JSON (RFC 8259) value by value from a document of any size through one buffer of 256 KiB, without a tree:
///
///     for (bool more = scanner.begin_object(); more; more = scanner.next_member()) {
///       if (scanner.key() == "name") … else scanner.skip();
///     }
///
/// Values that are read are checked; values that are skipped only for their brackets and strings, so `NaN` and
/// `Infinity`, which Python writes, may stand there. Duplicate keys are the caller's affair. Every failure is an Error
/// kCorruptFile with the document's name and the place in the unpacked document; a token of the thread's CancelScope
/// is obeyed whenever the buffer is filled.
class JsonScanner {
 public:
  explicit JsonScanner(std::unique_ptr<DocumentSource> source);
  JsonScanner(const JsonScanner&) = delete;
  JsonScanner& operator=(const JsonScanner&) = delete;

  /// The first byte of what comes next, behind white space; 0 at the end of the document.
  char peek() {
    while (true) {
      const auto byte = static_cast<unsigned char>(*at_);
      if (byte > ' ') return *at_;
      if (byte == ' ' || byte == '\n' || byte == '\r' || byte == '\t') {
        ++at_;
      } else if (at_ < end_) {
        fail("a control character stands outside of a text");
      } else if (!refill()) {
        return 0;
      }
    }
  }
  /// Takes `letter` when it comes next.
  bool accept(char letter) {
    if (peek() != letter) return false;
    ++at_;
    return true;
  }

  /// Enters an array; false when it is empty, and then it is left again.
  bool begin_array() { return begin('[', ']'); }
  /// Goes to the next element; false when the array ended.
  bool next_element() { return next(']'); }
  /// Enters an object; false when it is empty. key() must follow, then the value.
  bool begin_object() { return begin('{', '}'); }
  bool next_member() { return next('}'); }
  /// The key of a member, which stays valid until the next call.
  std::string_view key();

  /// A text of at most 64 KiB, decoded; stays valid until the next call.
  std::string_view string();
  /// A number as the nearest double; infinite when it is too large for one.
  double number() {
    if (peek() == 0 || end_ - at_ < kLongestQuickNumber) require(kLongestQuickNumber);
    const char* p = at_;
    const bool negative = *p == '-';
    p += negative ? 1 : 0;
    const DigitRun whole = digit_run(p);
    p += whole.count;
    std::uint64_t digits = whole.value;
    std::size_t decimals = 0;
    bool quick = whole.count > 0 && whole.count < 8;
    if (*p == '.') {
      const DigitRun part = digit_run(++p);
      decimals = part.count;
      p += decimals;
      quick = quick && decimals > 0 && decimals < 8;
      digits = digits * kWholePowers[decimals] + part.value;
    }
    if (!quick || *p == 'e' || *p == 'E' || p >= end_) return long_number();
    at_ = p;
    // Fifteen digits at most: both are exact, so that the quotient is the nearest double.
    const double size = static_cast<double>(digits) / kPowers[decimals];
    return negative ? -size : size;
  }
  /// True when a number comes next, rather than a text, `null`, `NaN` or `-Infinity`.
  bool at_number();

  /// Passes over any value.
  void skip();
  /// Passes over any value and returns its text. @throws Error kCorruptFile when it is longer than `most` bytes.
  std::string raw(std::size_t most);
  /// How many `[` follow one another here; they stay.
  int brackets_ahead();

  /// Place of what comes next in the unpacked document, in bytes.
  std::uint64_t offset() const { return base_ + static_cast<std::uint64_t>(at_ - buffer_.data()); }
  const std::string& name() const { return source_->name(); }
  [[noreturn]] void fail(const std::string& reason) const;

  /// How deep values may nest.
  static constexpr int kDeepest = 256;

 private:
  static constexpr std::ptrdiff_t kLongestQuickNumber = 64;
  static constexpr double kPowers[] = {1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8};
  static constexpr std::uint64_t kWholePowers[] = {1, 10, 100, 1000, 10000, 100000, 1000000, 10000000, 100000000};

  /// The digits at the front of eight letters: how many, and their number.
  struct DigitRun {
    std::size_t count;
    std::uint64_t value;
  };
  /// Without a branch on the count, which no processor could guess. Eight digits count as eight, more are not seen.
  static DigitRun digit_run(const char* letters) {
    static_assert(std::endian::native == std::endian::little);
    std::uint64_t word;
    std::memcpy(&word, letters, 8);
    word ^= 0x3030303030303030;
    const std::uint64_t others = ((word + 0x7676767676767676) | word) & 0x8080808080808080;
    const auto count = static_cast<std::size_t>(std::countr_zero(others)) / 8;
    // Leading zeros take the place of what follows the digits; pairs are joined, then fours, then all eight.
    word = count == 0 ? 0 : word << (64 - 8 * count);
    word = (word * 10 + (word >> 8)) & 0x00ff00ff00ff00ff;
    word = (word * 100 + (word >> 16)) & 0x0000ffff0000ffff;
    return {count, (word * 10000 + (word >> 32)) & 0xffffffff};
  }
  static bool is_digit(char letter) { return letter >= '0' && letter <= '9'; }
  bool begin(char opening, char closing);
  bool next(char closing) {
    const char letter = peek();
    ++at_;
    if (letter == ',') return true;
    if (letter == closing) return false;
    --at_;
    fail_expecting(closing);
  }
  [[noreturn]] void fail_expecting(char closing);
  double long_number();
  void skip_text();
  void skip_nested();
  void skip_plain();
  std::string_view long_string();
  void escape();
  std::uint32_t hex_unit();
  /// Brings at least `bytes` bytes of what comes next into the buffer, or all that are left.
  void require(std::ptrdiff_t bytes);
  /// Brings more bytes into the buffer, keeping what was not read yet; false at the end of the document.
  bool refill();

  std::unique_ptr<DocumentSource> source_;
  std::vector<char> buffer_;  ///< [at_, end_) was not read yet; zeros follow, which stop every loop over letters
  const char* at_;
  const char* end_;
  std::uint64_t base_ = 0;  ///< place of the buffer's beginning in the document
  bool ended_ = false;      ///< the source has no more
  std::string text_;
  std::string* captured_ = nullptr;  ///< takes what leaves the buffer, while raw() runs
  const char* capture_from_ = nullptr;
  std::size_t capture_most_ = 0;
};

}  // namespace histojet::readers
