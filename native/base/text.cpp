#include "base/text.hpp"

#include <algorithm>
#include <cstdio>
#include <numeric>

#include "base/error.hpp"

namespace histojet {
namespace {

constexpr std::size_t kQuotedBytes = 100;
constexpr std::size_t kComparedNames = 20000;
constexpr std::size_t kComparedBytes = 200;

/// Length of the valid UTF-8 character that starts at `at`, 0 if there is none.
std::size_t utf8_length(std::string_view text, std::size_t at) {
  const auto byte = [&](std::size_t i) { return static_cast<std::uint8_t>(text[at + i]); };
  const std::uint8_t first = byte(0);
  if (first < 0x80) return 1;
  const std::size_t length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  if (first < 0xc2 || first > 0xf4 || text.size() - at < length) return 0;
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return 0;
  }
  const bool overlong = (first == 0xe0 && byte(1) < 0xa0) || (first == 0xf0 && byte(1) < 0x90);
  const bool surrogate = first == 0xed && byte(1) > 0x9f;
  const bool too_large = first == 0xf4 && byte(1) > 0x8f;
  return overlong || surrogate || too_large ? 0 : length;
}

std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 0; i < a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i + 1;
    for (std::size_t j = 0; j < b.size(); ++j) {
      const std::size_t above = row[j + 1];
      row[j + 1] = std::min({above + 1, row[j] + 1, diagonal + (a[i] == b[j] ? 0 : 1)});
      diagonal = above;
    }
  }
  return row.back();
}

}  // namespace

bool is_utf8(std::string_view text) {
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t length = utf8_length(text, at);
    if (length == 0) return false;
    at += length;
  }
  return true;
}

std::string quote(std::string_view text) {
  std::string result = "'";
  for (std::size_t at = 0; at < text.size();) {
    if (result.size() > kQuotedBytes) return result + "…'";
    const std::size_t length = utf8_length(text, at);
    const auto byte = static_cast<std::uint8_t>(text[at]);
    if (length == 0 || byte < 0x20 || byte == 0x7f) {
      char escaped[8];
      std::snprintf(escaped, sizeof escaped, "\\x%02x", byte);
      result += escaped;
      ++at;
    } else {
      result += text.substr(at, length);
      at += length;
    }
  }
  return result + "'";
}

std::string closest_name(std::string_view wanted, const std::vector<std::string>& names) {
  std::size_t best = wanted.size() / 2 + 1;
  std::string closest;
  if (wanted.size() > kComparedBytes) return closest;
  for (std::size_t i = 0; i < std::min(names.size(), kComparedNames); ++i) {
    const std::string& name = names[i];
    const std::size_t gap = name.size() > wanted.size() ? name.size() - wanted.size() : wanted.size() - name.size();
    if (gap >= best || name.size() > kComparedBytes) continue;
    const std::size_t distance = edit_distance(wanted, name);
    if (distance < best) {
      best = distance;
      closest = name;
    }
  }
  return closest;
}

void corrupt(const std::string& file, const std::string& reason) {
  throw Error(ErrorCode::kCorruptFile, file + ": " + reason);
}

void corrupt_at(const std::string& file, std::uint64_t offset, const std::string& reason) {
  corrupt(file, reason + " (at byte " + std::to_string(offset) + ")");
}

void unsupported(const std::string& file, const std::string& reason) {
  throw Error(ErrorCode::kUnsupportedFormat, file + ": " + reason);
}

}  // namespace histojet
