#include "readers/json_scanner.hpp"

#include <emmintrin.h>

#include <algorithm>
#include <bit>
#include <charconv>
#include <cstring>
#include <limits>
#include <utility>

#include "base/cancel.hpp"
#include "base/text.hpp"

namespace histojet::readers {
namespace {

constexpr std::size_t kBufferBytes = 256 << 10;
constexpr std::size_t kPadding = 64;
constexpr std::size_t kLongestString = 64 << 10;
/// Numbers are never that long; more digits are no number but an attack.
constexpr std::ptrdiff_t kLongestNumber = 4096;

/// The letters that `wanted` says of sixteen letters at a time; the zeros behind the buffer always end the search.
template <class Wanted>
const char* find(const char* p, Wanted wanted) {
  while (true) {
    const __m128i letters = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
    const auto found = static_cast<unsigned>(_mm_movemask_epi8(wanted(letters)));
    if (found != 0) return p + std::countr_zero(found);
    p += 16;
  }
}

__m128i is(__m128i letters, char letter) {
  return _mm_cmpeq_epi8(letters, _mm_set1_epi8(letter));
}

__m128i is_control(__m128i letters) {
  return is(_mm_max_epu8(letters, _mm_set1_epi8(0x1f)), 0x1f);
}

/// The next letter of a text that is a quote, a backslash or a control character.
const char* find_special(const char* p) {
  return find(p, [](__m128i letters) {
    return _mm_or_si128(_mm_or_si128(is(letters, '"'), is(letters, '\\')), is_control(letters));
  });
}

/// The next quote, bracket or control character outside of texts.
const char* find_structure(const char* p) {
  return find(p, [](__m128i letters) {
    const __m128i folded = _mm_or_si128(letters, _mm_set1_epi8(0x20));  // brackets become braces
    const __m128i brackets = _mm_or_si128(is(folded, '{'), is(folded, '}'));
    return _mm_or_si128(_mm_or_si128(brackets, is(letters, '"')), is_control(letters));
  });
}

void append_utf8(std::string& text, std::uint32_t code) {
  if (code < 0x80) {
    text += static_cast<char>(code);
  } else if (code < 0x800) {
    text += static_cast<char>(0xc0 | code >> 6);
    text += static_cast<char>(0x80 | (code & 0x3f));
  } else if (code < 0x10000) {
    text += static_cast<char>(0xe0 | code >> 12);
    text += static_cast<char>(0x80 | (code >> 6 & 0x3f));
    text += static_cast<char>(0x80 | (code & 0x3f));
  } else {
    text += static_cast<char>(0xf0 | code >> 18);
    text += static_cast<char>(0x80 | (code >> 12 & 0x3f));
    text += static_cast<char>(0x80 | (code >> 6 & 0x3f));
    text += static_cast<char>(0x80 | (code & 0x3f));
  }
}

}  // namespace

JsonScanner::JsonScanner(std::unique_ptr<DocumentSource> source)
    : source_(std::move(source)), buffer_(kBufferBytes + kPadding), at_(buffer_.data()), end_(buffer_.data()) {
  require(3);
  if (end_ - at_ >= 3 && std::memcmp(at_, "\xef\xbb\xbf", 3) == 0) at_ += 3;
}

void JsonScanner::fail(const std::string& reason) const {
  corrupt_at(name(), offset(), reason);
}

void JsonScanner::fail_expecting(char closing) {
  if (peek() == 0) fail("the JSON document ends too early");
  fail(std::string("no valid JSON: expected a comma or ") + closing + ", got " + quote(std::string_view(at_, 1)));
}

bool JsonScanner::refill() {
  if (ended_) return false;
  CancelScope::current().throw_if_cancelled();
  const auto kept = static_cast<std::size_t>(end_ - at_);
  if (captured_ != nullptr) {
    captured_->append(capture_from_, at_);
    if (captured_->size() > capture_most_) fail("a value is longer than " + std::to_string(capture_most_) + " bytes");
    capture_from_ = buffer_.data();
  }
  base_ += static_cast<std::uint64_t>(at_ - buffer_.data());
  std::memmove(buffer_.data(), at_, kept);
  at_ = buffer_.data();
  end_ = at_ + kept;
  std::size_t filled = kept;
  while (filled < kBufferBytes) {
    const std::size_t count =
        source_->read({reinterpret_cast<std::uint8_t*>(buffer_.data()) + filled, kBufferBytes - filled});
    ended_ = count == 0;
    filled += count;
    if (ended_) break;
  }
  end_ = at_ + filled;
  std::memset(buffer_.data() + filled, 0, kPadding);
  return filled > kept;
}

void JsonScanner::require(std::ptrdiff_t bytes) {
  if (end_ - at_ < bytes) refill();
}

bool JsonScanner::begin(char opening, char closing) {
  if (!accept(opening)) {
    if (peek() == 0) fail("the JSON document ends too early");
    fail(std::string("no valid JSON: expected ") + opening + ", got " + quote(std::string_view(at_, 1)));
  }
  return !accept(closing);
}

std::string_view JsonScanner::key() {
  if (peek() != '"') fail(peek() == 0 ? "the JSON document ends too early" : "no valid JSON: expected a key");
  // The colon must not push the key out of the buffer.
  const std::string_view quick = string();
  if (*at_ == ':') {
    ++at_;
    return quick;
  }
  if (quick.data() != text_.data()) text_.assign(quick);
  if (!accept(':')) fail("no valid JSON: expected a colon behind a key");
  return text_;
}

std::string_view JsonScanner::string() {
  if (peek() != '"') fail("expected a text");
  const char* const p = find_special(at_ + 1);
  if (*p != '"') return long_string();
  const std::string_view text(at_ + 1, static_cast<std::size_t>(p - at_ - 1));
  if (text.size() > kLongestString) fail("a text is longer than " + std::to_string(kLongestString) + " bytes");
  at_ = p + 1;
  return text;
}

/// A text with escapes, or one that the buffer's end cuts.
std::string_view JsonScanner::long_string() {
  text_.clear();
  ++at_;
  while (true) {
    const char* const p = find_special(at_);
    text_.append(at_, p);
    at_ = p;
    if (text_.size() > kLongestString) fail("a text is longer than " + std::to_string(kLongestString) + " bytes");
    if (at_ == end_) {
      if (!refill()) fail("the JSON document ends too early");
    } else if (*at_ == '"') {
      ++at_;
      return text_;
    } else if (*at_ == '\\') {
      escape();
    } else {
      fail("a control character stands in a text");
    }
  }
}

void JsonScanner::escape() {
  constexpr std::string_view kLetters = "\"\\/bfnrt";
  constexpr std::string_view kMeant = "\"\\/\b\f\n\r\t";
  require(12);
  const char letter = at_[1];
  if (letter != 'u') {
    const std::size_t index = letter == 0 ? std::string_view::npos : kLetters.find(letter);
    if (index == std::string_view::npos) fail("no valid JSON: unknown escape in a text");
    text_ += kMeant[index];
    at_ += 2;
    return;
  }
  std::uint32_t code = hex_unit();
  if (code >= 0xd800 && code < 0xdc00 && at_[0] == '\\' && at_[1] == 'u') {
    const std::uint32_t low = hex_unit();
    if (low < 0xdc00 || low >= 0xe000) fail("no valid JSON: half a surrogate pair in a text");
    code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
  } else if (code >= 0xd800 && code < 0xe000) {
    fail("no valid JSON: half a surrogate pair in a text");
  }
  append_utf8(text_, code);
}

/// The number of `\uXXXX`, all of which lies in the buffer or in the zeros behind it.
std::uint32_t JsonScanner::hex_unit() {
  std::uint32_t code = 0;
  const auto [stop, error] = std::from_chars(at_ + 2, at_ + 6, code, 16);
  if (error != std::errc{} || stop != at_ + 6) fail("no valid JSON: expected four hexadecimal digits");
  at_ += 6;
  return code;
}

bool JsonScanner::at_number() {
  const char letter = peek();
  if (is_digit(letter)) return true;
  if (letter != '-') return false;
  require(2);
  return at_[1] != 'I';
}

double JsonScanner::long_number() {
  require(kLongestNumber + 1);
  const char* const stop = std::min(end_, at_ + kLongestNumber);
  const char* last = at_;
  while (last < stop && (is_digit(*last) || *last == '-' || *last == '+' || *last == '.' || (*last | 32) == 'e'))
    ++last;
  if (at_ == end_) fail("the JSON document ends too early");
  // What from_chars() takes beyond JSON: ".5" and "5.".
  const char* const first = at_ + (*at_ == '-' ? 1 : 0);
  const char* const point = std::find(first, last, '.');
  const bool open = point != last && (point + 1 == last || !is_digit(point[1]));
  if (first == last || !is_digit(*first) || open) fail("no valid JSON: expected a number");
  double value = 0;
  const auto [end, error] = std::from_chars(at_, last, value);
  if (end != last || last == at_ || (error != std::errc{} && error != std::errc::result_out_of_range)) {
    fail("no valid JSON: expected a number");
  }
  if (error == std::errc::result_out_of_range) {
    const bool small = std::string_view(at_, static_cast<std::size_t>(last - at_)).find("e-") != std::string_view::npos;
    value = small ? 0 : std::numeric_limits<double>::infinity();
  }
  at_ = last;
  return value;
}

void JsonScanner::skip() {
  const char letter = peek();
  if (letter == '"') {
    skip_text();
  } else if (letter == '{' || letter == '[') {
    skip_nested();
  } else {
    skip_plain();
  }
}

void JsonScanner::skip_text() {
  ++at_;
  while (true) {
    at_ = find_special(at_);
    if (at_ == end_) {
      if (!refill()) fail("the JSON document ends too early");
    } else if (*at_ == '"') {
      ++at_;
      return;
    } else if (*at_ == '\\') {
      require(2);
      if (at_ + 1 == end_) fail("the JSON document ends too early");
      at_ += 2;
    } else {
      fail("a control character stands in a text");
    }
  }
}

void JsonScanner::skip_nested() {
  char closing[kDeepest];
  int depth = 0;
  do {
    at_ = find_structure(at_);
    const char letter = *at_;
    if (letter == '"') {
      skip_text();
    } else if (letter == '{' || letter == '[') {
      if (depth == kDeepest) fail("values are nested deeper than " + std::to_string(kDeepest));
      closing[depth++] = letter == '{' ? '}' : ']';
      ++at_;
    } else if (letter == '}' || letter == ']') {
      if (letter != closing[depth - 1]) fail("a bracket closes that was never opened");
      --depth;
      ++at_;
    } else if (letter == '\n' || letter == '\r' || letter == '\t') {
      ++at_;
    } else if (at_ < end_) {
      fail("a control character stands outside of a text");
    } else if (!refill()) {
      fail("the JSON document ends too early");
    }
  } while (depth > 0);
}

/// A number or a word.
void JsonScanner::skip_plain() {
  const std::uint64_t begin = offset();
  const auto plain = [](char letter) {
    return is_digit(letter) || ((letter | 32) >= 'a' && (letter | 32) <= 'z') || letter == '-' || letter == '+' ||
           letter == '.';
  };
  do {
    while (plain(*at_)) ++at_;
  } while (at_ == end_ && refill());
  if (offset() > begin) return;
  fail(at_ == end_ ? "the JSON document ends too early"
                   : "no valid JSON: expected a value, got " + quote(std::string_view(at_, 1)));
}

std::string JsonScanner::raw(std::size_t most) {
  peek();
  std::string text;
  captured_ = &text;
  capture_from_ = at_;
  capture_most_ = most;
  skip();
  text.append(capture_from_, at_);
  captured_ = nullptr;
  if (text.size() > most) fail("a value is longer than " + std::to_string(most) + " bytes");
  return text;
}

int JsonScanner::brackets_ahead() {
  peek();
  require(kPadding);
  int count = 0;
  for (const char* p = at_; p < end_; ++p) {
    if (*p == '[') {
      ++count;
    } else if (*p != ' ' && *p != '\n' && *p != '\r' && *p != '\t') {
      break;
    }
  }
  return count;
}

}  // namespace histojet::readers
