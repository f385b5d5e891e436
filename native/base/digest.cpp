#include "base/digest.hpp"

#include <algorithm>
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

using BlockFunction = void (*)(std::uint32_t*, const std::uint8_t*);

BlockFunction fastest(BlockFunction scalar, BlockFunction with_sha) {
  return active_isa() != Isa::kScalar && has_sha_instructions() ? with_sha : scalar;
}

BlockFunction sha256_block() {
  static const BlockFunction best = fastest(sha256_block_scalar, sha256_block_sha_ni);
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

namespace {

using Sha1State = std::array<std::uint32_t, 5>;

/// Twenty rounds, of which each kind has its own function: a choice within the loop would cost as much as the rounds.
template <class Mix>
void sha1_rounds(Sha1State& v, const std::uint32_t* w, std::uint32_t constant, Mix mix) {
  auto [a, b, c, d, e] = v;
  for (int i = 0; i < 20; ++i) {
    const std::uint32_t t = std::rotl(a, 5) + mix(b, c, d) + e + constant + w[i];
    e = d, d = c, c = std::rotl(b, 30), b = a, a = t;
  }
  v = {a, b, c, d, e};
}

}  // namespace

void sha1_block_scalar(std::uint32_t* state, const std::uint8_t* data) {
  std::array<std::uint32_t, 80> w;
  for (int i = 0; i < 16; ++i) w[i] = load_be32(data + 4 * i);
  for (int i = 16; i < 80; ++i) w[i] = std::rotl(w[i - 3] ^ w[i - 8] ^ w[i - 14] ^ w[i - 16], 1);
  Sha1State v{state[0], state[1], state[2], state[3], state[4]};
  using Word = std::uint32_t;
  const auto parity = [](Word b, Word c, Word d) { return b ^ c ^ d; };
  sha1_rounds(v, w.data(), 0x5a827999, [](Word b, Word c, Word d) { return d ^ (b & (c ^ d)); });
  sha1_rounds(v, w.data() + 20, 0x6ed9eba1, parity);
  sha1_rounds(v, w.data() + 40, 0x8f1bbcdc, [](Word b, Word c, Word d) { return (b & c) | (d & (b | c)); });
  sha1_rounds(v, w.data() + 60, 0xca62c1d6, parity);
  for (int i = 0; i < 5; ++i) state[i] += v[i];
}

std::array<std::uint8_t, 20> sha1(std::span<const std::uint8_t> bytes) {
  static const BlockFunction sha1_block = fastest(sha1_block_scalar, sha1_block_sha_ni);
  std::array<std::uint32_t, 5> state{0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0};
  const std::size_t whole = bytes.size() / 64 * 64;
  for (std::size_t at = 0; at < whole; at += 64) sha1_block(state.data(), bytes.data() + at);
  // What is left, 0x80, zeros, and the length in bits: one block or two. Names of nuclei fit one; nothing is allocated.
  std::array<std::uint8_t, 128> tail{};
  const std::size_t rest = bytes.size() - whole;
  if (rest > 0) std::memcpy(tail.data(), bytes.data() + whole, rest);
  tail[rest] = 0x80;
  const std::size_t end = rest < 56 ? 64 : 128;
  const std::uint64_t bits = static_cast<std::uint64_t>(bytes.size()) * 8;
  store_be32(tail.data() + end - 8, static_cast<std::uint32_t>(bits >> 32));
  store_be32(tail.data() + end - 4, static_cast<std::uint32_t>(bits));
  for (std::size_t at = 0; at < end; at += 64) sha1_block(state.data(), tail.data() + at);
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

std::array<char, 36> uuid_text(std::string_view name) {
  // Our own name space, drawn once at random and fixed for ever so that ids stay equal.
  constexpr std::array<std::uint8_t, 16> kNamespace{0x3d, 0x0e, 0x8a, 0x2b, 0x5c, 0x41, 0x5f, 0x9e,
                                                    0x8b, 0x77, 0x64, 0x1a, 0x90, 0xc2, 0x5d, 0xe7};
  // Names of nuclei are short, and there are millions of them: no memory is taken for those.
  std::array<std::uint8_t, 128> room;
  std::vector<std::uint8_t> long_room(kNamespace.size() + name.size() > room.size() ? kNamespace.size() + name.size()
                                                                                    : 0);
  std::uint8_t* const message = long_room.empty() ? room.data() : long_room.data();
  std::copy(kNamespace.begin(), kNamespace.end(), message);
  std::copy(name.begin(), name.end(), message + kNamespace.size());
  auto digest = sha1({message, kNamespace.size() + name.size()});
  digest[6] = static_cast<std::uint8_t>((digest[6] & 0x0f) | 0x50);
  digest[8] = static_cast<std::uint8_t>((digest[8] & 0x3f) | 0x80);
  constexpr char kDigits[] = "0123456789abcdef";
  std::array<char, 36> text;
  std::size_t at = 0;
  for (int i = 0; i < 16; ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10) text[at++] = '-';
    text[at++] = kDigits[digest[i] >> 4];
    text[at++] = kDigits[digest[i] & 15];
  }
  return text;
}

std::string name_based_uuid(std::string_view name) {
  const std::array<char, 36> text = uuid_text(name);
  return {text.data(), text.size()};
}

}  // namespace histojet
