#include "readers/json_scanner.hpp"

#include <charconv>
#include <cmath>
#include <cstdlib>
#include <random>

#include "base/cancel.hpp"
#include "reading.hpp"

namespace {

using namespace histojet;
using namespace histojet::test;
using readers::JsonScanner;

/// Hands out few bytes at a time and fills nothing beyond them.
class SlowDocument final : public readers::DocumentSource {
 public:
  SlowDocument(std::string text, std::size_t step) : text_(std::move(text)), step_(step) {}
  std::size_t read(std::span<std::uint8_t> out) override {
    const std::size_t count = std::min({out.size(), step_, text_.size() - at_});
    std::copy_n(text_.begin() + static_cast<std::ptrdiff_t>(at_), count, out.begin());
    at_ += count;
    return count;
  }
  const std::string& name() const override { return name_; }

 private:
  std::string text_;
  std::size_t step_;
  std::size_t at_ = 0;
  std::string name_ = "slow.json";
};

std::string failure(const std::string& text) {
  return message_of(ErrorCode::kCorruptFile, [&] {
    JsonScanner json(readers::open_document(text_source(text)));
    json.skip();
  });
}

}  // namespace

TEST(JsonScanner, NumbersAreTheNearestDoubles) {
  std::mt19937_64 random(7);
  std::string text = "[0";
  std::vector<double> expected{0};
  const auto add = [&](const std::string& number) {
    text += "," + number;
    expected.push_back(std::strtod(number.c_str(), nullptr));
  };
  for (const char* number : {"-0", "0.1", "-0.01", "12345678", "1234567.1234567", "9007199254740993", "1e5", "-1.5E-3",
                             "123456789012345678901234567890", "0.30000000000000004", "1e-400", "99999999.99999999",
                             "0.000000000000000000000000000000000000000000000000000000000000000000000000000001"}) {
    add(number);
  }
  for (int i = 0; i < 20000; ++i) {
    std::string number = std::to_string(random() % 200000);
    if (i % 3 != 0) number += "." + std::to_string(random() % (i % 3 == 1 ? 100 : 100000000));
    add((i % 5 == 0 ? "-" : "") + number);
  }
  JsonScanner json(readers::open_document(text_source(text + "]")));
  std::size_t i = 0;
  for (bool more = json.begin_array(); more; more = json.next_element(), ++i) {
    ASSERT_EQ(json.number(), expected[i]) << i;
  }
  EXPECT_EQ(i, expected.size());
  EXPECT_EQ(json.peek(), 0);
}

TEST(JsonScanner, NumbersThatAreNone) {
  for (const char* text : {"-", ".5", "1.", "1e", "--1", "+1", "NaN", "\"1\"", "", "1.e5"}) {
    JsonScanner json(readers::open_document(text_source(text)));
    message_of(ErrorCode::kCorruptFile, [&] { json.number(); });
  }
  JsonScanner huge(readers::open_document(text_source("1e999")));
  EXPECT_TRUE(std::isinf(huge.number()));
}

TEST(JsonScanner, TextsAreDecoded) {
  JsonScanner json(
      readers::open_document(text_source(R"(  {"a\"b" : "\u00e9\n\\\/\ud83d\ude00", "plain":"épithélium", "":""})")));
  ASSERT_TRUE(json.begin_object());
  EXPECT_EQ(json.key(), "a\"b");
  EXPECT_EQ(json.string(), "é\n\\/😀");
  ASSERT_TRUE(json.next_member());
  EXPECT_EQ(json.key(), "plain");
  EXPECT_EQ(json.string(), "épithélium");
  ASSERT_TRUE(json.next_member());
  EXPECT_EQ(json.key(), "");
  EXPECT_EQ(json.string(), "");
  EXPECT_FALSE(json.next_member());
}

TEST(JsonScanner, BufferEndsDoNotMatter) {
  // Values of all kinds lie across the ends of the 256-KiB buffer at every offset.
  const std::string unit = R"({"kéy" : [12345.67,-8, "a\"\u00e9]}" ,{"x":[[1],[2]]},true]},)"
                           "\n ";
  for (std::size_t shift = 0; shift < unit.size(); ++shift) {
    std::string text = "[" + std::string(shift, ' ');
    std::size_t count = 0;
    while (text.size() < (256 << 10) + 4 * unit.size()) text += unit, ++count;
    text += "0]";
    JsonScanner json(std::make_unique<SlowDocument>(text, 100001));
    ASSERT_TRUE(json.begin_array());
    for (std::size_t i = 0; i < count; ++i) {
      ASSERT_TRUE(json.begin_object());
      ASSERT_EQ(json.key(), "kéy");
      ASSERT_TRUE(json.begin_array());
      ASSERT_EQ(json.number(), 12345.67);
      ASSERT_TRUE(json.next_element());
      ASSERT_EQ(json.number(), -8);
      ASSERT_TRUE(json.next_element());
      ASSERT_EQ(json.string(), "a\"é]}");
      ASSERT_TRUE(json.next_element());
      if (i % 2 == 0) {
        json.skip();
      } else {
        ASSERT_EQ(json.raw(100), R"({"x":[[1],[2]]})");
      }
      ASSERT_TRUE(json.next_element());
      json.skip();
      ASSERT_FALSE(json.next_element());
      ASSERT_FALSE(json.next_member());
      ASSERT_TRUE(json.next_element());
    }
    ASSERT_EQ(json.number(), 0);
    ASSERT_FALSE(json.next_element());
    ASSERT_EQ(json.peek(), 0);
    ASSERT_EQ(json.offset(), text.size());
  }
}

TEST(JsonScanner, LongTextsAreSkippedAndRefused) {
  const std::string text = "[\"" + std::string(700000, 'x') + "\\\"\", 5, \"" + std::string(70000, 'y') + "\"]";
  JsonScanner json(readers::open_document(text_source(text)));
  ASSERT_TRUE(json.begin_array());
  json.skip();
  ASSERT_TRUE(json.next_element());
  EXPECT_EQ(json.number(), 5);
  ASSERT_TRUE(json.next_element());
  EXPECT_NE(message_of(ErrorCode::kCorruptFile, [&] { json.string(); }).find("longer than"), std::string::npos);
  JsonScanner raw(readers::open_document(text_source(text)));
  EXPECT_NE(message_of(ErrorCode::kCorruptFile, [&] { raw.raw(1000); }).find("longer than 1000"), std::string::npos);
}

TEST(JsonScanner, DamageIsNamedWithItsPlace) {
  EXPECT_NE(failure("[1, 2").find("test.json: the JSON document ends too early (at byte 5)"), std::string::npos)
      << failure("[1, 2");
  EXPECT_NE(failure("[1, 2}").find("never opened (at byte 5)"), std::string::npos);
  EXPECT_NE(failure("[\"abc").find("ends too early"), std::string::npos);
  EXPECT_NE(failure("[\"a\nb\"]").find("control character"), std::string::npos);
  EXPECT_NE(failure(std::string("[1,\0,2]", 7)).find("control character"), std::string::npos);
  EXPECT_NE(failure("[\"abc\\").find("ends too early"), std::string::npos);
  EXPECT_NE(failure("").find("ends too early"), std::string::npos);
  EXPECT_NE(failure("]").find("expected a value"), std::string::npos);
  EXPECT_NE(failure(std::string(100000, '[')).find("nested deeper than 256"), std::string::npos);
  for (const char* text : {R"("\x")", R"("\u12")", R"("\ud800")", R"("\ud800\u0041")", "\"\\"}) {
    JsonScanner json(readers::open_document(text_source(text)));
    message_of(ErrorCode::kCorruptFile, [&] { json.string(); });
  }
}

TEST(JsonScanner, CancellingStopsAtTheNextRefill) {
  CancelSource source;
  const CancelToken token = source.token();
  const CancelScope scope(token);
  JsonScanner json(readers::open_document(text_source("[" + std::string(600000, ' ') + "]")));
  source.cancel();
  EXPECT_THROW(json.skip(), Cancelled);
}
