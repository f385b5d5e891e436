#include "readers/gzip_source.hpp"

#include <random>

#include "reading.hpp"

namespace {

using namespace histojet;
using namespace histojet::test;

std::string unpack(const std::string& packed, std::size_t piece = 5000) {
  const auto document = readers::open_document(text_source(packed));
  std::vector<std::uint8_t> buffer(piece);
  std::string text;
  while (const std::size_t count = document->read(buffer)) text.append(buffer.begin(), buffer.begin() + count);
  return text;
}

/// Digits: about half a byte each when packed.
std::string digits(std::size_t count) {
  std::mt19937 random(3);
  std::string text(count, '0');
  for (char& letter : text) letter = static_cast<char>('0' + random() % 10);
  return text;
}

}  // namespace

TEST(GzipSource, MembersOfAllSizes) {
  const std::string small = digits(1000), large = digits(3 << 20), one = "x";
  EXPECT_EQ(unpack(gzip(small)), small);
  EXPECT_EQ(unpack(gzip(large)), large);
  EXPECT_EQ(unpack(gzip(large, 0)), large);
  EXPECT_EQ(unpack(gzip("")), "");
  std::string members, expected;
  for (int i = 0; i < 12; ++i) {  // more long members than vain attempts, short and empty ones between them
    for (const std::string& text : {small, one, std::string(), i % 2 == 0 ? large : one}) {
      members += gzip(text);
      expected += text;
    }
  }
  EXPECT_EQ(unpack(members), expected);
  EXPECT_EQ(unpack(members + std::string(70000, '\0'), 300001), expected);
}

TEST(GzipSource, PlainDocumentsStayAsTheyAre) {
  EXPECT_EQ(unpack("plain"), "plain");
  EXPECT_EQ(unpack(""), "");
  EXPECT_EQ(unpack("\x1f"), "\x1f");
}

TEST(GzipSource, DamageIsNamed) {
  const std::string packed = gzip(digits(5000)), large = gzip(digits(3 << 20));
  for (const std::string& whole : {packed, large}) {
    for (const std::size_t size : {std::size_t{2}, std::size_t{11}, whole.size() / 2, whole.size() - 1}) {
      const std::string message = message_of(ErrorCode::kCorruptFile, [&] { unpack(whole.substr(0, size)); });
      EXPECT_NE(message.find("test.json: the gzip stream is damaged"), std::string::npos) << message;
    }
    std::string changed = whole;
    changed[changed.size() - 6] ^= 1;  // of the checksum
    message_of(ErrorCode::kCorruptFile, [&] { unpack(changed); });
  }
  EXPECT_NE(message_of(ErrorCode::kCorruptFile, [&] { unpack(packed + "garbage"); }).find("damaged"),
            std::string::npos);
}
