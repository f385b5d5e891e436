#include "writers/json_text.hpp"

#include <array>
#include <bit>
#include <cmath>

namespace histojet::writers {
namespace {

static_assert(std::endian::native == std::endian::little, "eight digits are made as one word, the first one lowest");

/// The longest number: a sign, seventeen digits, a point and two to four decimals.
constexpr std::size_t kNumberRoom = 32;
constexpr std::uint64_t kEightDigits = 100'000'000;

/// ".25", ".5" or nothing for the hundredths 25, 50 and 0.
struct Decimals {
  std::array<char, 3> text;
  std::uint8_t length;
};
constexpr std::array<Decimals, 100> kDecimals = [] {
  std::array<Decimals, 100> table{};
  for (int i = 0; i < 100; ++i) {
    table[i].text = {'.', static_cast<char>('0' + i / 10), static_cast<char>('0' + i % 10)};
    table[i].length = i == 0 ? 0 : i % 10 == 0 ? 2 : 3;
  }
  return table;
}();

/// The eight decimal digits of a number below 10^8, one per byte, the first one lowest. Two, four and eight digits are
/// parted side by side within a word, each by a multiplication with the reciprocal of a power of ten.
std::uint64_t eight_digits(std::uint32_t value) {
  const std::uint64_t fours = value / 10000 | std::uint64_t{value % 10000} << 32;
  const std::uint64_t hundreds = fours * 10486 >> 20 & 0x7f0000007f;
  const std::uint64_t twos = (fours - 100 * hundreds) << 16 | hundreds;
  const std::uint64_t tens = twos * 103 >> 10 & 0xf000f000f000f;
  return (twos - 10 * tens) << 8 | tens;
}

/// Writes a number below 10^8 without leading zeros; `to` has room for eight bytes. Nothing branches on how many digits
/// there are, which changes all the time. @returns the place behind it.
char* put_digits(char* to, std::uint32_t value) {
  const std::uint64_t digits = eight_digits(value);
  // The last digit stands even if it is 0.
  const int zeros = std::countr_zero(digits | std::uint64_t{1} << 56) / 8;
  const std::uint64_t letters = (digits | 0x3030303030303030) >> (8 * zeros);
  std::memcpy(to, &letters, sizeof letters);
  return to + 8 - zeros;
}

/// The same for any number; `to` has room for 24 bytes.
char* put_number(char* to, std::uint64_t value) {
  if (value < kEightDigits) [[likely]]
    return put_digits(to, static_cast<std::uint32_t>(value));
  to = put_number(to, value / kEightDigits);
  const std::uint64_t letters = eight_digits(static_cast<std::uint32_t>(value % kEightDigits)) | 0x3030303030303030;
  std::memcpy(to, &letters, sizeof letters);
  return to + 8;
}

std::uint64_t magnitude(std::int64_t value) {
  return value < 0 ? 0 - static_cast<std::uint64_t>(value) : static_cast<std::uint64_t>(value);
}

/// A number of hundredths with at most two decimals; `to` has room for kNumberRoom bytes. @returns the place behind it.
char* put_hundredths(char* to, std::int64_t hundredths) {
  const std::uint64_t size = magnitude(hundredths);
  *to = '-';
  to = put_number(to + (hundredths < 0), size / 100);
  const Decimals& decimals = kDecimals[size % 100];
  std::memcpy(to, decimals.text.data(), decimals.text.size());
  return to + decimals.length;
}

}  // namespace

bool writable(double value) {
  return std::abs(value) < 1e12;
}

void JsonText::grow(std::size_t bytes) {
  const std::size_t capacity = std::max(size_ + bytes, 2 * capacity_ + 4096);
  std::unique_ptr<char[]> data(new char[capacity]);
  if (size_ > 0) std::memcpy(data.get(), data_.get(), size_);
  data_ = std::move(data);
  capacity_ = capacity;
}

void JsonText::integer(std::int64_t value) {
  char* to = room(kNumberRoom);
  *to = '-';
  advance(put_number(to + (value < 0), magnitude(value)));
}

void JsonText::hundredths(std::int64_t hundredths) {
  advance(put_hundredths(room(kNumberRoom), hundredths));
}

void JsonText::point(std::int64_t x, std::int64_t y, char after) {
  char* to = room(2 * kNumberRoom + 4);
  *to++ = '[';
  to = put_hundredths(to, x);
  *to++ = ',';
  to = put_hundredths(to, y);
  *to++ = ']';
  *to++ = after;
  advance(to);
}

void JsonText::decimal(double value) {
  hundredths(nearest_integer(value * 100));
}

void JsonText::four_decimals(double value) {
  const std::int64_t whole = nearest_integer(value * 10000);
  const std::uint64_t size = magnitude(whole);
  char* to = room(kNumberRoom);
  *to = '-';
  to = put_number(to + (whole < 0), size / 10000);
  auto rest = static_cast<std::uint32_t>(size % 10000);
  if (rest != 0) {
    int digits = 4;
    for (; rest % 10 == 0; rest /= 10) --digits;
    *to = '.';
    for (int i = digits; i > 0; --i, rest /= 10) to[i] = static_cast<char>('0' + rest % 10);
    to += digits + 1;
  }
  advance(to);
}

void JsonText::string(std::string_view value) {
  constexpr char kHex[] = "0123456789abcdef";
  put('"');
  for (const char letter : value) {
    const auto code = static_cast<unsigned char>(letter);
    if (letter == '"' || letter == '\\') {
      put('\\');
      put(letter);
    } else if (code < 0x20) {
      put("\\u00");
      put(kHex[code >> 4]);
      put(kHex[code & 15]);
    } else {
      put(letter);
    }
  }
  put('"');
}

}  // namespace histojet::writers
