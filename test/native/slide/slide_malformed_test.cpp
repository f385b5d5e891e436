// Damaged and hostile files: a typed error or correct pixels, quickly, whatever the file claims.

#include <gtest/gtest.h>

#include <algorithm>
#include <ctime>
#include <sstream>

#include "base/error.hpp"
#include "fixtures.hpp"
#include "slide/slide.hpp"

namespace histojet::slide {
namespace {

struct Damage {
  std::string file;
  std::string expectation;
};

std::vector<Damage> damages() {
  std::ifstream file(test::own_fixture("slide/malformed.txt"));
  std::vector<Damage> all;
  for (std::string line; std::getline(file, line);) {
    if (line.empty() || line.front() == '#') continue;
    std::istringstream fields(line);
    Damage damage;
    std::getline(fields, damage.file, '\t');
    std::getline(fields, damage.expectation, '\t');
    all.push_back(damage);
  }
  return all;
}

class SlideMalformed : public testing::TestWithParam<Damage> {
 protected:
  void SetUp() override { HISTOJET_NEEDS_SHARED_FIXTURES(); }
  std::string path() const { return test::shared_fixture("wsi/malformed/" + GetParam().file); }
};

bool typed(const Error& error) {
  return error.code() == ErrorCode::kCorruptFile || error.code() == ErrorCode::kUnsupportedFormat;
}

/// Opens and reads everything; returns the error message or nothing.
std::string failure_of(const std::string& path, const OpenOptions& options) {
  try {
    const auto slide = Slide::open(path, options);
    for (int level = 0; level < static_cast<int>(slide->levels().size()); ++level) {
      const Level& size = slide->levels()[static_cast<std::size_t>(level)];
      slide->read_region({.width = std::min<std::int64_t>(size.width, 4096),
                          .height = std::min<std::int64_t>(size.height, 4096),
                          .level = level});
    }
    for (const auto& name : slide->associated_images()) slide->read_associated_image(name);
  } catch (const Error& error) {
    EXPECT_TRUE(typed(error)) << error.what();
    return error.what();
  }
  return {};
}

TEST_P(SlideMalformed, BehavesAsRequired) {
  const std::clock_t start = std::clock();
  const std::string& expectation = GetParam().expectation;
  const std::string failure = failure_of(path(), {});
  if (expectation == "error") {
    EXPECT_NE(failure, "");
  }
  if (expectation == "reads") {
    EXPECT_EQ(failure, "");
  }
  failure_of(path(), {.tolerant = true, .max_cache_bytes = 0});
  EXPECT_LT(std::clock() - start, 2 * CLOCKS_PER_SEC) << "two passes of a second of processor time";
}

TEST_P(SlideMalformed, OnlyTheDamagedTileFails) {
  if (!GetParam().expectation.starts_with("tile ")) return;
  const std::int64_t bad = std::stoll(GetParam().expectation.substr(5));
  const auto slide = Slide::open(path());
  const Level& level = slide->levels().front();
  const std::int64_t across = (level.width + level.tile_width - 1) / level.tile_width;
  const std::int64_t down = (level.height + level.tile_height - 1) / level.tile_height;
  for (std::int64_t tile = 0; tile < across * down; ++tile) {
    const RegionRequest request{.x = tile % across * level.tile_width,
                                .y = tile / across * level.tile_height,
                                .width = level.tile_width,
                                .height = level.tile_height};
    if (tile != bad) {
      EXPECT_NO_THROW(slide->read_region(request)) << tile;
      continue;
    }
    try {
      slide->read_region(request);
      ADD_FAILURE() << "tile " << tile << " read";
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kCorruptFile);
      const std::string where =
          "level 0, column " + std::to_string(tile % across) + ", row " + std::to_string(tile / across);
      EXPECT_NE(std::string(error.what()).find(where), std::string::npos) << error.what();
    }
  }
}

TEST_P(SlideMalformed, TolerantReadersReportTheTileInstead) {
  if (!GetParam().expectation.starts_with("tile ")) return;
  const auto slide = Slide::open(path(), {.tolerant = true});
  const auto before = slide->warnings().size();
  slide->read_region({.width = slide->width(), .height = slide->height()});
  EXPECT_EQ(slide->warnings().size(), before + 1);
  slide->read_region({.width = slide->width(), .height = slide->height()});
  EXPECT_EQ(slide->warnings().size(), before + 1) << "the same damage is listed once";
  const std::int64_t across = (slide->width() + slide->levels()[0].tile_width - 1) / slide->levels()[0].tile_width;
  const std::int64_t bad = std::stoll(GetParam().expectation.substr(5));
  const auto damaged = slide->damaged_tiles();
  ASSERT_EQ(damaged.size(), 1U);
  EXPECT_EQ(damaged[0].level, 0);
  EXPECT_EQ(damaged[0].column, bad % across);
  EXPECT_EQ(damaged[0].row, bad / across);
  EXPECT_FALSE(damaged[0].reason.empty());
}

INSTANTIATE_TEST_SUITE_P(All, SlideMalformed, testing::ValuesIn(damages()), [](const auto& info) {
  std::string name = info.param.file;
  std::ranges::replace_if(
      name, [](unsigned char c) { return std::isalnum(c) == 0; }, '_');
  return name;
});

TEST(SlideMalformedDetails, LevelsAndWarningsSurvive) {
  HISTOJET_NEEDS_SHARED_FIXTURES();
  const auto open = [](const char* name) {
    return Slide::open(test::shared_fixture(std::string("wsi/malformed/") + name));
  };
  EXPECT_EQ(open("ifd-chain-truncated.tif")->warnings().size(), 1U);
  EXPECT_EQ(open("ifd-loop-self.tif")->levels().size(), 1U);
  EXPECT_EQ(open("ifd-loop-two.tif")->levels().size(), 2U);
  EXPECT_FALSE(open("resolution-zero-denominator.tif")->mpp());
  const auto slide = open("description-no-nul-not-utf8.svs");
  EXPECT_NE(slide->properties().at("openslide.comment").find("\xEF\xBF\xBD"), std::string::npos);
}

}  // namespace
}  // namespace histojet::slide
