// Every supported slide of the shared fixtures against what OpenSlide 3.4.1 gives for it.

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <sstream>

#include "base/digest.hpp"
#include "base/error.hpp"
#include "fixtures.hpp"
#include "slide/slide.hpp"

namespace histojet::slide {
namespace {

using Fields = std::vector<std::string>;

std::string unescape(const std::string& text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\') {
      out += text[i];
      continue;
    }
    const char next = text[++i];
    out += next == 'n' ? '\n' : next == 'r' ? '\r' : next == 't' ? '\t' : next;
  }
  return out;
}

/// The lines of expected.txt by slide.
std::map<std::string, std::vector<Fields>> read_expected() {
  std::ifstream file(test::own_fixture("slide/expected.txt"));
  std::map<std::string, std::vector<Fields>> slides;
  std::string current;
  for (std::string line; std::getline(file, line);) {
    if (line.empty() || line.front() == '#') continue;
    Fields fields;
    std::istringstream stream(line);
    for (std::string field; std::getline(stream, field, '\t');) fields.push_back(unescape(field));
    if (line.back() == '\t') fields.emplace_back();
    if (fields.front() == "slide") {
      current = fields[1];
    } else {
      slides[current].push_back(fields);
    }
  }
  return slides;
}

std::string sha256(std::span<const std::uint8_t> bytes) {
  Sha256 digest;
  digest.update(bytes);
  return hex(digest.finish());
}

/// OpenSlide's buffer: premultiplied, bytes B G R A.
std::vector<std::uint8_t> to_bgra(const Image& image) {
  std::vector<std::uint8_t> out(static_cast<std::size_t>(image.width * image.height * 4));
  for (std::size_t i = 0; i < out.size() / 4; ++i) {
    const std::uint8_t* from = &image.data[i * static_cast<std::size_t>(image.channels)];
    const int alpha = image.channels == 4 ? from[3] : 255;
    for (std::size_t c = 0; c < 3; ++c) out[i * 4 + c] = static_cast<std::uint8_t>((from[2 - c] * alpha + 127) / 255);
    out[i * 4 + 3] = static_cast<std::uint8_t>(alpha);
  }
  return out;
}

std::array<double, 4> means(const std::vector<std::uint8_t>& bgra) {
  std::array<double, 4> sums{};
  for (std::size_t i = 0; i < bgra.size(); ++i) sums[i % 4] += bgra[i];
  for (double& sum : sums) sum /= static_cast<double>(bgra.size()) / 4;
  return sums;
}

/// OpenSlide does not see levels in sub-directories.
bool has_hidden_levels(const std::string& name) {
  return name.find("subifd") != std::string::npos;
}

class SlideParity : public testing::TestWithParam<std::string> {
 protected:
  void SetUp() override {
    HISTOJET_NEEDS_SHARED_FIXTURES();
    slide_ = Slide::open(test::shared_fixture("wsi/" + GetParam()));
    static const auto expected = read_expected();
    ASSERT_TRUE(expected.contains(GetParam()));
    lines_ = expected.at(GetParam());
  }

  template <class Check>
  void each(const std::string& kind, Check check) const {
    for (const Fields& line : lines_) {
      if (line.front() == kind) check(line);
    }
  }

  std::shared_ptr<const Slide> slide_;
  std::vector<Fields> lines_;
};

TEST_P(SlideParity, Levels) {
  each("level", [&](const Fields& line) {
    const auto index = std::stoul(line[1]);
    ASSERT_LT(index, slide_->levels().size());
    EXPECT_EQ(slide_->levels()[index].width, std::stoll(line[2]));
    EXPECT_EQ(slide_->levels()[index].height, std::stoll(line[3]));
    EXPECT_DOUBLE_EQ(slide_->levels()[index].downsample, std::stod(line[4]));
  });
  if (has_hidden_levels(GetParam())) return;
  each("best", [&](const Fields& line) {
    EXPECT_EQ(slide_->best_level_for_downsample(std::stod(line[1])), std::stoi(line[2])) << line[1];
  });
}

TEST_P(SlideParity, Properties) {
  each("property", [&](const Fields& line) {
    if (has_hidden_levels(GetParam()) && line[1] == "openslide.level-count") return;
    const auto found = slide_->properties().find(line[1]);
    ASSERT_NE(found, slide_->properties().end()) << line[1];
    const std::string expected = line.size() > 2 ? line[2] : "";
    if (expected.size() >= 300 && expected.ends_with("...")) {
      EXPECT_EQ(found->second.substr(0, expected.size() - 3), expected.substr(0, expected.size() - 3)) << line[1];
    } else {
      EXPECT_EQ(found->second, expected) << line[1];
    }
  });
}

TEST_P(SlideParity, Regions) {
  each("region", [&](const Fields& line) {
    const bool fractional = line[6] == "1";
    const RegionRequest request{.x = std::stoll(line[2]),
                                .y = std::stoll(line[3]),
                                .width = std::stoll(line[4]),
                                .height = std::stoll(line[5]),
                                .level = std::stoi(line[1]),
                                .channels = 4,
                                .resample = fractional ? Resample::kBilinear : Resample::kNearest};
    const auto bgra = to_bgra(slide_->read_region(request));
    const std::string where = "level " + line[1] + " at " + line[2] + ", " + line[3];
    if (!fractional) {
      EXPECT_EQ(sha256(bgra), line[7]) << where;
      return;
    }
    const auto mean = means(bgra);
    for (std::size_t c = 0; c < 4; ++c) EXPECT_NEAR(mean[c], std::stod(line[8 + c]), 1.0) << where << " channel " << c;
  });
}

TEST_P(SlideParity, AssociatedImages) {
  std::size_t count = 0;
  each("associated", [&](const Fields& line) {
    ++count;
    const Image image = slide_->read_associated_image(line[1]);
    EXPECT_EQ(image.width, std::stoll(line[2]));
    EXPECT_EQ(image.height, std::stoll(line[3]));
    EXPECT_EQ(sha256(to_bgra(image)), line[4]) << line[1];
  });
  each("associated-rgb", [&](const Fields& line) {
    ++count;
    const Image image = slide_->read_associated_image(line[1]);
    ASSERT_EQ(image.channels, 3);
    EXPECT_EQ(image.width, std::stoll(line[2]));
    EXPECT_EQ(image.height, std::stoll(line[3]));
    EXPECT_EQ(sha256(image.data), line[4]) << line[1];
  });
  EXPECT_EQ(slide_->associated_images().size(), count);
}

TEST_P(SlideParity, WholeLevels) {
  each("whole", [&](const Fields& line) {
    const RegionRequest request{
        .width = std::stoll(line[2]), .height = std::stoll(line[3]), .level = std::stoi(line[1]), .channels = 4};
    ASSERT_LT(request.level, static_cast<int>(slide_->levels().size()));
    const Image image = slide_->read_region(request);
    std::vector<std::uint8_t> rgb;
    std::vector<std::uint8_t> alpha;
    for (std::size_t i = 0; i < image.data.size(); i += 4) {
      rgb.insert(rgb.end(), &image.data[i], &image.data[i] + 3);
      alpha.push_back(image.data[i + 3]);
    }
    EXPECT_EQ(sha256(rgb), line[5]) << "level " << line[1];
    if (line[6] != "-") {
      EXPECT_EQ(sha256(alpha), line[6]) << "level " << line[1];
    }
    if (line[7] != "-1") {
      EXPECT_EQ(std::ranges::count(alpha, 0), std::stoll(line[7]));
    }
  });
}

TEST_P(SlideParity, MicrometresPerPixel) {
  each("mpp", [&](const Fields& line) {
    ASSERT_TRUE(slide_->mpp());
    EXPECT_DOUBLE_EQ(slide_->mpp()->x, std::stod(line[1]));
    EXPECT_DOUBLE_EQ(slide_->mpp()->y, std::stod(line[2]));
  });
}

TEST_P(SlideParity, TilingAndTheCacheDoNotMatter) {
  const auto uncached = Slide::open(slide_->path(), {.max_cache_bytes = 0});
  for (int level = 0; level < static_cast<int>(slide_->levels().size()); ++level) {
    const Level& size = slide_->levels()[static_cast<std::size_t>(level)];
    RegionRequest request{
        .width = size.width, .height = size.height, .level = level, .channels = 4, .level_coordinates = true};
    const Image whole = slide_->read_region(request);
    constexpr std::int64_t kStepX = 301;
    constexpr std::int64_t kStepY = 157;
    for (std::int64_t y = -7; y < size.height; y += kStepY) {
      for (std::int64_t x = -5; x < size.width; x += kStepX) {
        request = {.x = x, .y = y, .width = kStepX, .height = kStepY, .level = level, .channels = 4};
        request.level_coordinates = true;
        // What was in the buffer before must not shine through.
        Image part(kStepX, kStepY, 4, static_cast<std::uint8_t>(0xA5 ^ (x + y)));
        uncached->read_region(request, part.data, {});
        std::int64_t differing = 0;
        for (std::int64_t j = std::max<std::int64_t>(0, -y); j < std::min(kStepY, size.height - y); ++j) {
          for (std::int64_t i = std::max<std::int64_t>(0, -x) * 4; i < std::min(kStepX, size.width - x) * 4; ++i) {
            differing += part.row(j)[i] != whole.row(y + j)[x * 4 + i];
          }
        }
        ASSERT_EQ(differing, 0) << "level " << level << " at " << x << ", " << y;
      }
    }
  }
}

std::vector<std::string> slide_names() {
  std::vector<std::string> names;
  for (const auto& [name, lines] : read_expected()) names.push_back(name);
  return names;
}

INSTANTIATE_TEST_SUITE_P(All, SlideParity, testing::ValuesIn(slide_names()), [](const auto& info) {
  std::string name = info.param;
  std::ranges::replace_if(
      name, [](unsigned char c) { return std::isalnum(c) == 0; }, '_');
  return name;
});

}  // namespace
}  // namespace histojet::slide
