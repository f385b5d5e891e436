#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace histojet {

/// SHA-256 (FIPS 180-4), fed in pieces.
class Sha256 {
 public:
  void update(std::span<const std::uint8_t> bytes);
  void update(std::string_view text);
  /// The digest of all bytes so far; the object must not be fed afterwards.
  std::array<std::uint8_t, 32> finish();

 private:
  std::array<std::uint32_t, 8> state_{0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                      0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
  std::array<std::uint8_t, 64> pending_{};
  std::uint64_t length_ = 0;
};

/// SHA-1 (FIPS 180-4) of a whole message; used for name-based UUIDs only, never for safety.
std::array<std::uint8_t, 20> sha1(std::span<const std::uint8_t> bytes);

/// Lower-case hexadecimal.
std::string hex(std::span<const std::uint8_t> bytes);

/// UUID version 5 (RFC 9562, section 5.5) of `name` in histojet's own name space; lower case with hyphens.
std::array<char, 36> uuid_text(std::string_view name);
/// The same as a string.
std::string name_based_uuid(std::string_view name);

}  // namespace histojet
