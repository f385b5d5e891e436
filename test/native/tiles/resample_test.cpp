#include "tiles/resample.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <memory>

#include "base/error.hpp"
#include "tiles/formula_slide.hpp"

using namespace histojet;
using namespace histojet::test;
using histojet::tiles::read_at;

namespace {

constexpr std::int64_t kWidth = 701;
constexpr std::int64_t kHeight = 523;

std::shared_ptr<const FormulaSlide> waves_slide(int levels, slide::Mpp mpp = quarter_mpp()) {
  return std::make_shared<FormulaSlide>(kWidth, kHeight, levels, mpp, waves);
}

/// Area average of the level-0 box [x0, x1) x [y0, y1), by definition.
double box_mean(const Image& picture, double x0, double x1, double y0, double y1, int channel) {
  double sum = 0;
  double area = 0;
  for (auto y = static_cast<std::int64_t>(y0); y < y1; ++y) {
    for (auto x = static_cast<std::int64_t>(x0); x < x1; ++x) {
      const double share =
          (std::min(x1, x + 1.0) - std::max(x0, double(x))) * (std::min(y1, y + 1.0) - std::max(y0, double(y)));
      sum += share * picture.row(y)[3 * x + channel];
      area += share;
    }
  }
  return sum / area;
}

double keys(double d) {
  d = std::abs(d);
  return d < 1 ? 1.5 * d * d * d - 2.5 * d * d + 1 : d < 2 ? -0.5 * d * d * d + 2.5 * d * d - 4 * d + 2 : 0;
}

double cubic_at(const Image& picture, double x, double y, int channel) {
  double sum = 0;
  const auto left = static_cast<std::int64_t>(std::floor(x)) - 1;
  const auto top = static_cast<std::int64_t>(std::floor(y)) - 1;
  for (std::int64_t j = top; j < top + 4; ++j) {
    for (std::int64_t i = left; i < left + 4; ++i) {
      const auto row = std::clamp<std::int64_t>(j, 0, picture.height - 1);
      const auto column = std::clamp<std::int64_t>(i, 0, picture.width - 1);
      sum += keys(x - double(i)) * keys(y - double(j)) * picture.row(row)[3 * column + channel];
    }
  }
  return std::clamp(sum, 0.0, 255.0);
}

void expect_same(const Image& part, const Image& whole, std::int64_t x, std::int64_t y) {
  for (std::int64_t row = 0; row < part.height; ++row) {
    for (std::int64_t i = 0; i < part.width * part.channels; ++i) {
      ASSERT_EQ(part.row(row)[i], whole.row(y + row)[x * part.channels + i]) << "row " << row << " sample " << i;
    }
  }
}

}  // namespace

TEST(ReadAt, AreaAverageMatchesItsDefinition) {
  const auto slide = waves_slide(1);
  const double scale = 0.7 / 0.25;
  const Image out = read_at(*slide, {.x = 33.25, .y = 17.5, .width = 61, .height = 43, .mpp = 0.7});
  for (std::int64_t y = 0; y < out.height; ++y) {
    for (std::int64_t x = 0; x < out.width; ++x) {
      const double x0 = 33.25 + double(x) * scale;
      const double y0 = 17.5 + double(y) * scale;
      for (int c = 0; c < 3; ++c) {
        ASSERT_NEAR(out.row(y)[3 * x + c], box_mean(slide->picture(0), x0, x0 + scale, y0, y0 + scale, c), 0.51);
      }
    }
  }
}

TEST(ReadAt, BicubicMatchesItsDefinitionUpToTheEdge) {
  const auto slide = waves_slide(2);
  const Image out = read_at(*slide, {.x = 0, .y = 0, .width = 1402, .height = 90, .mpp = 0.125});
  for (std::int64_t y = 0; y < out.height; ++y) {
    for (std::int64_t x = 0; x < out.width; x += x < 10 || x > 1380 ? 1 : 37) {
      const double u = (double(x) + 0.5) / 2 - 0.5;
      const double v = (double(y) + 0.5) / 2 - 0.5;
      ASSERT_NEAR(out.row(y)[3 * x + 1], cubic_at(slide->picture(0), u, v, 1), 0.51) << x << ' ' << y;
    }
  }
}

TEST(ReadAt, UnevenPixelsAreMadeSquare) {
  const auto slide = waves_slide(1, {0.25, 0.5, slide::MppSource::kVendor});
  const Image out = read_at(*slide, {.x = 10, .y = 20, .width = 50, .height = 40, .mpp = 0.5});
  for (std::int64_t y = 0; y < 40; ++y) {
    for (std::int64_t x = 0; x < 50; ++x) {
      const std::uint8_t* from = slide->picture(0).row(20 + y) + 3 * (10 + 2 * x);
      ASSERT_NEAR(out.row(y)[3 * x], (from[0] + from[3]) / 2.0, 0.51);
    }
  }
}

TEST(ReadAt, CopiesALevelThatMatches) {
  const auto slide = waves_slide(3);
  const Image level0 = read_at(*slide, {.x = 100, .y = 31, .width = 77, .height = 55, .mpp = 0.25});
  expect_same(level0, slide->picture(0), 100, 31);
  // Sides of 701 and 523 px are not divisible by four, so level 2 has a downsample near 4.01.
  const Image level2 = read_at(*slide, {.x = 40, .y = 80, .width = 99, .height = 70, .mpp = 1});
  expect_same(level2, slide->picture(2), 10, 20);
}

TEST(ReadAt, WindowsFitWithoutASeam) {
  const auto slide = waves_slide(3);
  for (const double mpp : {0.1, 0.1251, 0.25, 0.2503, 0.31, 0.5, 0.7003, 1.0, 2.3}) {
    for (const double origin : {0.0, 37.0, 12.34}) {
      const double scale = mpp / 0.25;
      const auto read = [&](std::int64_t x, std::int64_t y, std::int64_t width, std::int64_t height) {
        return read_at(*slide, {.x = origin + double(x) * scale,
                                .y = origin + double(y) * scale,
                                .width = width,
                                .height = height,
                                .mpp = mpp});
      };
      const Image whole = read(0, 0, 64, 48);
      expect_same(read(0, 0, 31, 48), whole, 0, 0);
      expect_same(read(31, 0, 33, 17), whole, 31, 0);
      expect_same(read(31, 17, 33, 31), whole, 31, 17);
      if (HasFatalFailure()) FAIL() << "mpp " << mpp << " origin " << origin;
    }
  }
}

TEST(ReadAt, BlocksDoNotShow) {
  const FormulaSlide slide(5003, 2600, 1, quarter_mpp(), waves);
  const Image whole = read_at(slide, {.x = 0, .y = 0, .width = 1600, .height = 800, .mpp = 0.75});
  const Image part = read_at(slide, {.x = 3 * 600.0, .y = 3 * 300.0, .width = 300, .height = 200, .mpp = 0.75});
  expect_same(part, whole, 600, 300);
}

TEST(ReadAt, OutsideIsBackground) {
  const auto slide = waves_slide(2);
  const Image out = read_at(*slide, {.x = -30, .y = -30, .width = 400, .height = 300, .mpp = 0.6});
  EXPECT_EQ(out.row(0)[0], 255);
  EXPECT_EQ(out.row(200)[3 * 5], 255);
  EXPECT_EQ(out.row(299)[3 * 399 + 2], 255);
  EXPECT_NE(out.row(40)[3 * 40], 255);
  const Image clear = read_at(*slide, {.x = -30, .y = 0, .width = 60, .height = 10, .mpp = 0.6, .channels = 4});
  EXPECT_EQ(clear.row(0)[3], 0);
  EXPECT_EQ(clear.row(5)[4 * 40 + 3], 255);
  const Image nothing = read_at(*slide, {.x = 1e6, .y = 1e6, .width = 3, .height = 2, .mpp = 0.6});
  EXPECT_EQ(nothing.data, std::vector<std::uint8_t>(18, 255));
}

TEST(ReadAt, AShrunkenEdgeIsNotMixedWithBackground) {
  const FormulaSlide slide(131, 67, 1, quarter_mpp(), [](auto, auto) {
    return std::array<std::uint8_t, 3>{90, 60, 120};
  });
  const Image out = read_at(slide, {.x = 0, .y = 0, .width = 33, .height = 17, .mpp = 1});
  EXPECT_EQ(out.row(16)[0], 90);
  EXPECT_EQ(out.row(3)[3 * 32 + 2], 120);
}

TEST(ReadAt, RefusesNonsense) {
  const auto slide = waves_slide(1);
  const FormulaSlide unknown(8, 8, 1, std::nullopt, waves);
  const auto code = [](const slide::Slide& slide, const tiles::ReadAtRequest& request) {
    try {
      read_at(slide, request);
    } catch (const Error& error) {
      return error.code();
    }
    return ErrorCode::kInternal;
  };
  EXPECT_EQ(code(unknown, {.width = 4, .height = 4, .mpp = 0.5}), ErrorCode::kInvalidArgument);
  EXPECT_EQ(code(*slide, {.width = 0, .height = 4, .mpp = 0.5}), ErrorCode::kInvalidArgument);
  EXPECT_EQ(code(*slide, {.width = 4, .height = 4, .mpp = 0}), ErrorCode::kInvalidArgument);
  EXPECT_EQ(code(*slide, {.width = 4, .height = 4, .mpp = std::nan("")}), ErrorCode::kInvalidArgument);
  EXPECT_EQ(code(*slide, {.width = 1LL << 31, .height = 1LL << 31, .mpp = 0.5}), ErrorCode::kInvalidArgument);
  EXPECT_EQ(code(*slide, {.x = 1e300, .width = 4, .height = 4, .mpp = 0.5}), ErrorCode::kInvalidArgument);
  EXPECT_EQ(code(*slide, {.width = 4, .height = 4, .mpp = 0.5, .channels = 2}), ErrorCode::kInvalidArgument);
}

TEST(ReadAt, StopsWhenCancelled) {
  CancelSource source;
  source.cancel();
  EXPECT_THROW(read_at(*waves_slide(1), {.width = 40, .height = 40, .mpp = 0.6}, source.token()), Cancelled);
}

TEST(Resize, KeepsConstantsAndEveryChannelCount) {
  for (const int channels : {1, 3, 4}) {
    const Image flat(37, 21, channels, 200);
    for (const auto& [width, height] : {std::pair{11, 5}, {80, 60}, {37, 5}, {1, 1}}) {
      const Image out = tiles::resize(flat, width, height);
      EXPECT_EQ(out.data, Image(width, height, channels, 200).data) << channels << ' ' << width;
    }
  }
  EXPECT_THROW(tiles::resize(Image(3, 3, 3), 0, 3), Error);
}

TEST(Resize, TransparentPixelsGiveNoColor) {
  Image image(4, 1, 4, 0);
  for (const int x : {0, 2}) image.row(0)[4 * x + 1] = 180, image.row(0)[4 * x + 3] = 255;
  image.row(0)[4 * 1] = 255;  // red but fully transparent
  const Image out = tiles::resize(image, 2, 1);
  EXPECT_EQ(out.data, (std::vector<std::uint8_t>{0, 180, 0, 128, 0, 180, 0, 128}));
}

TEST(Thumbnail, CoversTheWholeSlide) {
  const double across = double(kWidth) / 100;
  const double down = double(kHeight) / 75;
  for (const int levels : {1, 3}) {
    const auto slide = waves_slide(levels);
    const Image out = tiles::thumbnail(*slide, 100);
    ASSERT_EQ(out.width, 100);
    ASSERT_EQ(out.height, 75);
    for (const int x : {0, 50, 99}) {
      const double mean =
          box_mean(slide->picture(0), x * across, (x + 1) * across, 74 * down, std::min(75 * down, double(kHeight)), 0);
      // Level 1 of the pyramid has lost the last odd row and column.
      EXPECT_NEAR(out.row(74)[3 * x], mean, levels == 1 ? 0.6 : 14) << x;
    }
  }
  const Image full = tiles::thumbnail(*waves_slide(3), 5000);
  EXPECT_EQ(full.width, kWidth);
  expect_same(full, waves_slide(1)->picture(0), 0, 0);
  EXPECT_THROW(tiles::thumbnail(*waves_slide(1), 0), Error);
}
