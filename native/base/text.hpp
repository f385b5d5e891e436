#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace histojet {

/// Strict UTF-8 (RFC 3629): no overlong forms, no surrogates, nothing above U+10FFFF.
bool is_utf8(std::string_view text);

/// A string of a file for messages: in single quotes, control characters and broken UTF-8 as `\xNN`, at most about
/// 100 bytes.
std::string quote(std::string_view text);

/// The name with the smallest Levenshtein distance to `wanted`, or "" when nothing is similar (distance above half of
/// the wanted name's length). Looks at the first 20 000 names only: it serves messages.
std::string closest_name(std::string_view wanted, const std::vector<std::string>& names);

/// Throws Error kCorruptFile "<file>: <reason>".
[[noreturn]] void corrupt(const std::string& file, const std::string& reason);
/// Throws Error kCorruptFile "<file>: <reason> (at byte <offset>)".
[[noreturn]] void corrupt_at(const std::string& file, std::uint64_t offset, const std::string& reason);
/// Throws Error kUnsupportedFormat "<file>: <reason>".
[[noreturn]] void unsupported(const std::string& file, const std::string& reason);

}  // namespace histojet
