#include "writers/json_text.hpp"

#include <array>
#include <cmath>

namespace histojet::writers {
namespace {

/// "00" to "99".
constexpr std::array<char, 200> kPairs = [] {
  std::array<char, 200> pairs{};
  for (int i = 0; i < 100; ++i) {
    pairs[2 * i] = static_cast<char>('0' + i / 10);
    pairs[2 * i + 1] = static_cast<char>('0' + i % 10);
  }
  return pairs;
}();

/// Writes `value` so that it ends before `end`; returns its first digit.
char* digits_before(char* end, std::uint64_t value) {
  while (value >= 100) {
    end -= 2;
    std::memcpy(end, &kPairs[2 * (value % 100)], 2);
    value /= 100;
  }
  if (value >= 10) {
    end -= 2;
    std::memcpy(end, &kPairs[2 * value], 2);
  } else {
    *--end = static_cast<char>('0' + value);
  }
  return end;
}

std::uint64_t magnitude(std::int64_t value) {
  return value < 0 ? 0 - static_cast<std::uint64_t>(value) : static_cast<std::uint64_t>(value);
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
  char buffer[24];
  char* const end = buffer + sizeof(buffer);
  char* begin = digits_before(end, magnitude(value));
  if (value < 0) *--begin = '-';
  put({begin, static_cast<std::size_t>(end - begin)});
}

void JsonText::hundredths(std::int64_t hundredths) {
  const std::uint64_t size = magnitude(hundredths);
  const std::uint64_t rest = size % 100;
  char buffer[28];
  char* end = buffer + sizeof(buffer);
  char* begin = end;
  if (rest != 0) {
    begin -= 3;
    begin[0] = '.';
    std::memcpy(begin + 1, &kPairs[2 * rest], 2);
    if (rest % 10 == 0) --end;
  }
  begin = digits_before(begin, size / 100);
  if (hundredths < 0) *--begin = '-';
  put({begin, static_cast<std::size_t>(end - begin)});
}

void JsonText::decimal(double value) {
  hundredths(nearest_integer(value * 100));
}

void JsonText::four_decimals(double value) {
  const std::int64_t whole = nearest_integer(value * 10000);
  std::uint64_t rest = magnitude(whole) % 10000;
  char buffer[28];
  char* const end = buffer + sizeof(buffer);
  char* begin = end;
  if (rest != 0) {
    int digits = 4;
    for (; rest % 10 == 0; rest /= 10) --digits;
    for (int i = 0; i < digits; ++i, rest /= 10) *--begin = static_cast<char>('0' + rest % 10);
    *--begin = '.';
  }
  begin = digits_before(begin, magnitude(whole) / 10000);
  if (whole < 0) *--begin = '-';
  put({begin, static_cast<std::size_t>(end - begin)});
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
