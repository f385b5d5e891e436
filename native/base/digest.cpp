#include "base/digest.hpp"

#include <bit>
#include <cstring>
#include <vector>

#include "base/cpu_info.hpp"
#include "base/digest_block.hpp"

namespace histojet {
namespace {

std::uint32_t load_be32(const std::uint8_t* p) {
  return std::uint32_t{p[0]} << 24 | std::uint32_t{p[1]} << 16 | std::uint32_t{p[2]} << 8 | p[3];
}

void store_be32(std::uint8_t* p, std::uint32_t v) {
  for (int i = 0; i < 4; ++i) p[i] = static_cast<std::uint8_t>(v >> (24 - 8 * i));
}

/// The message's tail of both functions: 0x80, zeros, the length in bits as a big-endian 64-bit number.
std::vector<std::uint8_t> padding(std::uint64_t length) {
  std::vector<std::uint8_t> tail(1 + (119 - length % 64) % 64 + 8, 0);
  tail[0] = 0x80;
  for (int i = 0; i < 8; ++i) tail[tail.size() - 1 - i] = static_cast<std::uint8_t>(length * 8 >> (8 * i));
  return tail;
}

}  // namespace

void sha256_block_scalar(std::uint32_t* state, const std::uint8_t* data) {
  std::array<std::uint32_t, 64> w;
  for (int i = 0; i < 16; ++i) w[i] = load_be32(data + 4 * i);
  for (int i = 16; i < 64; ++i) {
    const std::uint32_t s0 = std::rotr(w[i - 15], 7) ^ std::rotr(w[i - 15], 18) ^ (w[i - 15] >> 3);
    const std::uint32_t s1 = std::rotr(w[i - 2], 17) ^ std::rotr(w[i - 2], 19) ^ (w[i - 2] >> 10);
    w[i] = w[i - 16] + s0 + w[i - 7] + s1;
  }
  std::uint32_t a = state[0], b = state[1], c = state[2], d = state[3];
  std::uint32_t e = state[4], f = state[5], g = state[6], h = state[7];
  for (int i = 0; i < 64; ++i) {
    const std::uint32_t s1 = std::rotr(e, 6) ^ std::rotr(e, 11) ^ std::rotr(e, 25);
    const std::uint32_t t1 = h + s1 + ((e & f) ^ (~e & g)) + kSha256Constants[i] + w[i];
    const std::uint32_t s0 = std::rotr(a, 2) ^ std::rotr(a, 13) ^ std::rotr(a, 22);
    const std::uint32_t t2 = s0 + ((a & b) ^ (a & c) ^ (b & c));
    h = g, g = f, f = e, e = d + t1, d = c, c = b, b = a, a = t1 + t2;
  }
  const std::array<std::uint32_t, 8> round{a, b, c, d, e, f, g, h};
  for (int i = 0; i < 8; ++i) state[i] += round[i];
}

namespace {

using Sha256Block = void (*)(std::uint32_t*, const std::uint8_t*);

Sha256Block sha256_block() {
  static const Sha256Block best =
      active_isa() != Isa::kScalar && has_sha_instructions() ? sha256_block_sha_ni : sha256_block_scalar;
  return best;
}

}  // namespace

void Sha256::update(std::span<const std::uint8_t> bytes) {
  while (!bytes.empty()) {
    const std::size_t filled = length_ % 64;
    if (filled == 0 && bytes.size() >= 64) {
      sha256_block()(state_.data(), bytes.data());
      length_ += 64;
      bytes = bytes.subspan(64);
      continue;
    }
    const std::size_t take = std::min(bytes.size(), 64 - filled);
    std::memcpy(pending_.data() + filled, bytes.data(), take);
    length_ += take;
    bytes = bytes.subspan(take);
    if (filled + take == 64) sha256_block()(state_.data(), pending_.data());
  }
}

void Sha256::update(std::string_view text) {
  update(std::span(reinterpret_cast<const std::uint8_t*>(text.data()), text.size()));
}

std::array<std::uint8_t, 32> Sha256::finish() {
  update(padding(length_));
  std::array<std::uint8_t, 32> digest;
  for (int i = 0; i < 8; ++i) store_be32(digest.data() + 4 * i, state_[i]);
  return digest;
}

std::array<std::uint8_t, 20> sha1(std::span<const std::uint8_t> bytes) {
  std::vector<std::uint8_t> message(bytes.begin(), bytes.end());
  const auto tail = padding(message.size());
  message.insert(message.end(), tail.begin(), tail.end());
  std::array<std::uint32_t, 5> state{0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0};
  for (std::size_t at = 0; at < message.size(); at += 64) {
    std::array<std::uint32_t, 80> w;
    for (int i = 0; i < 16; ++i) w[i] = load_be32(message.data() + at + 4 * i);
    for (int i = 16; i < 80; ++i) w[i] = std::rotl(w[i - 3] ^ w[i - 8] ^ w[i - 14] ^ w[i - 16], 1);
    auto [a, b, c, d, e] = state;
    for (int i = 0; i < 80; ++i) {
      const std::uint32_t f = i < 20   ? (b & c) | (~b & d)
                              : i < 40 ? b ^ c ^ d
                              : i < 60 ? (b & c) | (b & d) | (c & d)
                                       : b ^ c ^ d;
      const std::uint32_t k = i < 20 ? 0x5a827999 : i < 40 ? 0x6ed9eba1 : i < 60 ? 0x8f1bbcdc : 0xca62c1d6;
      const std::uint32_t t = std::rotl(a, 5) + f + e + k + w[i];
      e = d, d = c, c = std::rotl(b, 30), b = a, a = t;
    }
    const std::array<std::uint32_t, 5> round{a, b, c, d, e};
    for (int i = 0; i < 5; ++i) state[i] += round[i];
  }
  std::array<std::uint8_t, 20> digest;
  for (int i = 0; i < 5; ++i) store_be32(digest.data() + 4 * i, state[i]);
  return digest;
}

std::string hex(std::span<const std::uint8_t> bytes) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  text.reserve(2 * bytes.size());
  for (const std::uint8_t byte : bytes) {
    text += kDigits[byte >> 4];
    text += kDigits[byte & 15];
  }
  return text;
}

std::string name_based_uuid(std::string_view name) {
  // Our own name space, drawn once at random and fixed for ever so that ids stay equal.
  constexpr std::array<std::uint8_t, 16> kNamespace{0x3d, 0x0e, 0x8a, 0x2b, 0x5c, 0x41, 0x5f, 0x9e,
                                                    0x8b, 0x77, 0x64, 0x1a, 0x90, 0xc2, 0x5d, 0xe7};
  std::vector<std::uint8_t> message(kNamespace.begin(), kNamespace.end());
  message.insert(message.end(), name.begin(), name.end());
  auto digest = sha1(message);
  digest[6] = static_cast<std::uint8_t>((digest[6] & 0x0f) | 0x50);
  digest[8] = static_cast<std::uint8_t>((digest[8] & 0x3f) | 0x80);
  const std::string text = hex(std::span(digest).first(16));
  return text.substr(0, 8) + '-' + text.substr(8, 4) + '-' + text.substr(12, 4) + '-' + text.substr(16, 4) + '-' +
         text.substr(20);
}

}  // namespace histojet
