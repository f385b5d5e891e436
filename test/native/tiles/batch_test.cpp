#include "tiles/batch.hpp"

#include <gtest/gtest.h>

#include <limits>

#include "base/error.hpp"
#include "tiles/formula_slide.hpp"
#include "tiles/resample.hpp"

using namespace histojet;
using namespace histojet::test;
using tiles::BatchRequest;
using tiles::read_batch;

namespace {

const FormulaSlide& waves_slide() {
  static const FormulaSlide slide(500, 300, 3, quarter_mpp(), waves);
  return slide;
}

BatchRequest three_windows() {
  return {.corners = {{0, 0}, {130, 57}, {470, 290}}, .width = 37, .height = 23};
}

/// Window `index` of the request read on its own.
Image alone(const BatchRequest& request, std::size_t index) {
  const auto [x, y] = request.corners[index];
  if (request.mpp) {
    return tiles::read_at(waves_slide(),
                          {.x = x, .y = y, .width = request.width, .height = request.height, .mpp = *request.mpp});
  }
  return waves_slide().read_region({.x = static_cast<std::int64_t>(x),
                                    .y = static_cast<std::int64_t>(y),
                                    .width = request.width,
                                    .height = request.height,
                                    .level = request.level});
}

void expect_bytes(const BatchRequest& request) {
  const Tensor tensor = read_batch(waves_slide(), request);
  const std::int64_t pixels = request.width * request.height;
  for (std::size_t n = 0; n < request.corners.size(); ++n) {
    const Image image = alone(request, n);
    const std::uint8_t* values = tensor.bytes() + static_cast<std::int64_t>(n) * pixels * 3;
    std::int64_t differing = 0;
    for (std::int64_t i = 0; i < pixels * 3; ++i) {
      const std::int64_t at = request.planar ? i % 3 * pixels + i / 3 : i;
      differing += values[at] != image.data[static_cast<std::size_t>(i)];
    }
    EXPECT_EQ(differing, 0) << "window " << n;
  }
}

}  // namespace

TEST(Batch, EqualsWindowsReadOneByOne) {
  BatchRequest request = three_windows();
  EXPECT_EQ(read_batch(waves_slide(), request).shape(), (Shape{3, 23, 37, 3}));
  expect_bytes(request);
  request.level = 1;
  expect_bytes(request);
  request.planar = true;
  EXPECT_EQ(read_batch(waves_slide(), request).shape(), (Shape{3, 3, 23, 37}));
  expect_bytes(request);
  request.level = 0;
  request.mpp = 0.61;
  expect_bytes(request);
}

TEST(Batch, NormalisesPerChannel) {
  BatchRequest request = three_windows();
  request.normalization = tiles::Normalization{{0.485F, 0.456F, 0.406F}, {0.229F, 0.224F, 0.225F}};
  for (const bool planar : {false, true}) {
    request.planar = planar;
    const Tensor tensor = read_batch(waves_slide(), request);
    ASSERT_EQ(tensor.dtype(), DType::kF32);
    const std::int64_t pixels = request.width * request.height;
    for (std::size_t n = 0; n < request.corners.size(); ++n) {
      const Image image = alone(request, n);
      const float* values = tensor.values<float>().data() + static_cast<std::int64_t>(n) * pixels * 3;
      for (std::int64_t i = 0; i < pixels * 3; ++i) {
        const auto c = static_cast<std::size_t>(i % 3);
        const float expected =
            (static_cast<float>(image.data[static_cast<std::size_t>(i)]) / 255.0F - request.normalization->mean[c]) /
            request.normalization->deviation[c];
        ASSERT_EQ(values[planar ? i % 3 * pixels + i / 3 : i], expected) << "window " << n << ", value " << i;
      }
    }
  }
}

TEST(Batch, ConvertsColoursBeforeItNormalises) {
  std::vector<std::uint16_t> values;
  for (int i = 0; i < 33 * 33 * 33; ++i) {
    for (const int node : {i % 33, i / 33 / 33, 32 - i / 33 % 33}) {  // blue, red, inverted green
      values.push_back(static_cast<std::uint16_t>(65535 * (node / 32.0 + 0.5) / 2 + 0.5));
    }
  }
  BatchRequest request = three_windows();
  request.colors = std::make_shared<const slide::ColorTable>(values);
  const std::int64_t pixels = request.width * request.height;
  for (const bool planar : {false, true}) {
    for (const bool normalized : {false, true}) {
      for (const bool scaled : {false, true}) {
        request.planar = planar;
        request.mpp = scaled ? std::optional(0.61) : std::nullopt;
        request.normalization.reset();
        if (normalized) request.normalization = tiles::Normalization{{0.5F, 0.25F, 0.125F}, {0.5F, 2, 0.25F}};
        const Tensor tensor = read_batch(waves_slide(), request);
        const Image image = alone(request, 1);
        std::int64_t wrong = 0;
        for (std::int64_t i = 0; i < pixels * 3; ++i) {
          const auto c = static_cast<std::size_t>(i % 3);
          const std::uint8_t* stored = image.data.data() + i / 3 * 3;
          const int wanted = c == 0 ? stored[2] : c == 1 ? stored[0] : 255 - stored[1];
          const std::int64_t at = pixels * 3 + (planar ? i % 3 * pixels + i / 3 : i);
          if (normalized) {
            const auto& [mean, deviation] = *request.normalization;
            wrong += tensor.values<float>()[static_cast<std::size_t>(at)] !=
                     (static_cast<float>(wanted) / 255.0F - mean[c]) / deviation[c];
          } else {
            wrong += tensor.bytes()[at] != wanted;
          }
        }
        EXPECT_EQ(wrong, 0) << "planar " << planar << ", normalised " << normalized << ", scaled " << scaled;
      }
    }
  }
}

TEST(Batch, RefusesWhatCannotBeRead) {
  const auto code_of = [](const BatchRequest& request) {
    try {
      read_batch(waves_slide(), request);
    } catch (const Error& error) {
      return error.code();
    }
    return ErrorCode::kInternal;
  };
  BatchRequest request = three_windows();
  request.corners.clear();
  EXPECT_EQ(code_of(request), ErrorCode::kInvalidArgument);
  request = three_windows();
  request.height = 0;
  EXPECT_EQ(code_of(request), ErrorCode::kInvalidArgument);
  request = three_windows();
  request.normalization = tiles::Normalization{.deviation = {1, 0, 1}};
  EXPECT_EQ(code_of(request), ErrorCode::kInvalidArgument);
  request = three_windows();
  request.corners[1][0] = std::numeric_limits<double>::infinity();
  EXPECT_EQ(code_of(request), ErrorCode::kInvalidArgument);
  request.corners.assign(1 << 20, {0, 0});
  request.width = request.height = 32768;
  EXPECT_EQ(code_of(request), ErrorCode::kInvalidArgument);
}
