#include "base/digest.hpp"

#include <gtest/gtest.h>

#include <array>
#include <string>

#include "base/cpu_info.hpp"
#include "base/digest_block.hpp"

using namespace histojet;

namespace {
std::string sha256_text(const std::string& text) {
  Sha256 sha;
  sha.update(text);
  return hex(sha.finish());
}
std::string sha1_text(const std::string& text) {
  return hex(sha1(std::span(reinterpret_cast<const std::uint8_t*>(text.data()), text.size())));
}
}  // namespace

TEST(Digest, PublishedVectors) {  // FIPS 180-4 examples
  EXPECT_EQ(sha256_text(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(sha256_text("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(sha256_text(std::string(1000000, 'a')), "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
  EXPECT_EQ(sha1_text("abc"), "a9993e364706816aba3e25717850c26c9cd0d89d");
  EXPECT_EQ(sha1_text(""), "da39a3ee5e6b4b0d3255bfef95601890afd80709");
}

TEST(Digest, InstructionsAgreeWithTheReference) {
  if (!has_sha_instructions()) GTEST_SKIP() << "skipped: this processor has no SHA instructions";
  std::array<std::uint8_t, 64> data;
  std::array<std::uint32_t, 8> reference{1, 2, 3, 4, 5, 6, 7, 0xFFFFFFFF};
  auto fast = reference;
  for (unsigned round = 0; round < 100; ++round) {
    for (std::size_t i = 0; i < data.size(); ++i) data[i] = static_cast<std::uint8_t>(i * 37 + round * 101);
    sha256_block_scalar(reference.data(), data.data());
    sha256_block_sha_ni(fast.data(), data.data());
    ASSERT_EQ(fast, reference) << round;
  }
}

TEST(Digest, Sha1InstructionsAgreeWithTheReference) {
  if (!has_sha_instructions()) GTEST_SKIP() << "skipped: this processor has no SHA instructions";
  std::array<std::uint8_t, 64> data;
  std::array<std::uint32_t, 5> reference{1, 2, 3, 4, 0xFFFFFFFF};
  auto fast = reference;
  for (unsigned round = 0; round < 100; ++round) {
    for (std::size_t i = 0; i < data.size(); ++i) data[i] = static_cast<std::uint8_t>(i * 37 + round * 101);
    sha1_block_scalar(reference.data(), data.data());
    sha1_block_sha_ni(fast.data(), data.data());
    ASSERT_EQ(fast, reference) << round;
  }
}

TEST(Digest, PiecesGiveTheSameAsTheWhole) {
  for (const std::size_t cut : {0u, 1u, 55u, 56u, 63u, 64u, 65u, 119u, 128u}) {
    const std::string text(200, 'x');
    Sha256 sha;
    sha.update(text.substr(0, cut));
    sha.update(text.substr(cut));
    EXPECT_EQ(hex(sha.finish()), sha256_text(text)) << cut;
  }
}

TEST(Digest, UuidIsVersion5AndStable) {
  const std::string id = name_based_uuid("nucleus");
  ASSERT_EQ(id.size(), 36u);
  EXPECT_EQ(id[14], '5');
  EXPECT_NE(std::string("89ab").find(id[19]), std::string::npos);
  EXPECT_EQ(id, name_based_uuid("nucleus"));
  EXPECT_NE(id, name_based_uuid("nucleus2"));
  // Names of one block of SHA-1 and of several.
  for (const std::size_t length : {0u, 39u, 40u, 111u, 112u, 113u, 500u}) {
    const std::string name(length, 'n');
    const std::array<char, 36> text = uuid_text(name);
    EXPECT_EQ(name_based_uuid(name), std::string(text.begin(), text.end())) << length;
  }
}
