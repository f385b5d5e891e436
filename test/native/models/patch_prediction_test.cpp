#include "models/patch_prediction.hpp"

#include <gtest/gtest.h>

#include "base/error.hpp"
#include "engine/run_graph.hpp"

using namespace histojet;
using namespace histojet::models;

namespace {

constexpr std::int64_t kMargin = 5;

/// Shows what it was given: np, hv and tp are the red, green, blue and red values of the patch without its margin, or
/// with `shift` those of the pixel that many rows and columns away.
class Mirror final : public NucleiNetwork {
 public:
  explicit Mirror(std::int64_t shift = 0) : shift_(shift) {
    info_.output_margin_px = kMargin;
    info_.default_tile_px = 18;
    info_.types.resize(256);
  }

  class Size final : public Session {
   public:
    explicit Size(std::int64_t side) : side(side) {}
    std::int64_t memory_bytes() const override { return 0; }
    std::int64_t side;
  };

  const NetworkInfo& info() const override { return info_; }
  std::string describe(std::int64_t, std::int64_t) const override { return {}; }
  std::unique_ptr<Session> make_session(std::int64_t height, std::int64_t width) const override {
    EXPECT_EQ(height, width);
    return std::make_unique<Size>(height);
  }
  std::int64_t session_bytes(std::int64_t, std::int64_t) const override { return 0; }
  void predict(Session& session, ImageView rgb, Maps& out, int, const CancelToken& cancel) const override {
    cancel.throw_if_cancelled();
    EXPECT_EQ(dynamic_cast<Size&>(session).side, rgb.width);
    EXPECT_EQ(rgb.height, rgb.width);
    out.height = out.width = rgb.width - 2 * kMargin;
    const auto pixels = static_cast<std::size_t>(out.height * out.width);
    out.np.assign(pixels, 0);
    out.hv.assign(2 * pixels, 0);
    out.tp.assign(pixels, 0);
    for (std::int64_t y = 0; y < out.height; ++y) {
      const std::uint8_t* row = rgb.row(y + kMargin + shift_) + 3 * (kMargin + shift_);
      for (std::int64_t x = 0; x < out.width; ++x) {
        const auto i = static_cast<std::size_t>(y * out.width + x);
        out.np[i] = row[3 * x];
        out.hv[i] = row[3 * x + 1];
        out.hv[pixels + i] = row[3 * x + 2];
        out.tp[i] = row[3 * x];
      }
    }
  }

 private:
  std::int64_t shift_;
  NetworkInfo info_;
};

Maps mirrored(std::int64_t shift, ImageView rgb, std::int64_t side_px, int max_threads, const CancelToken& cancel) {
  SessionPool sessions(std::make_shared<Mirror>(shift));
  return predict_patches(sessions, rgb, side_px, max_threads, cancel);
}

/// numpy.pad(mode="reflect"), one step at a time.
std::int64_t reflected(std::int64_t i, std::int64_t length) {
  while (length > 1 && (i < 0 || i >= length)) i = i < 0 ? -i : 2 * (length - 1) - i;
  return length == 1 ? 0 : i;
}

void expect_pixels(const Maps& maps, const Image& image, std::int64_t shift) {
  ASSERT_EQ(maps.height, image.height);
  ASSERT_EQ(maps.width, image.width);
  const auto pixels = static_cast<std::size_t>(image.height * image.width);
  ASSERT_EQ(maps.np.size(), pixels);
  ASSERT_EQ(maps.hv.size(), 2 * pixels);
  ASSERT_EQ(maps.tp.size(), pixels);
  for (std::int64_t y = 0; y < image.height; ++y) {
    for (std::int64_t x = 0; x < image.width; ++x) {
      const auto i = static_cast<std::size_t>(y * image.width + x);
      const std::uint8_t* pixel = image.row(reflected(y + shift, image.height)) + 3 * reflected(x + shift, image.width);
      ASSERT_EQ(maps.np[i], pixel[0]) << x << " " << y;
      ASSERT_EQ(maps.hv[i], pixel[1]) << x << " " << y;
      ASSERT_EQ(maps.hv[pixels + i], pixel[2]) << x << " " << y;
      ASSERT_EQ(maps.tp[i], pixel[0]) << x << " " << y;
    }
  }
}

}  // namespace

TEST(PredictPatches, MapsLieSideBySideAndHaveThePicturesSize) {
  for (const auto& [width, height] :
       std::vector<std::pair<std::int64_t, std::int64_t>>{{8, 8}, {16, 24}, {17, 7}, {1, 1}, {2, 31}, {50, 3}}) {
    const Image image = test::noise_image(width, height);
    for (const std::int64_t side : {0, 11, 30}) {
      SCOPED_TRACE(testing::PrintToString(std::vector{width, height, side}));
      expect_pixels(mirrored(0, image, side, 1, {}), image, 0);
    }
  }
}

TEST(PredictPatches, TheBorderIsMirroredWithoutItsPixel) {
  for (const std::int64_t shift : {-kMargin, std::int64_t{3}, kMargin}) {
    for (const auto& [width, height] : std::vector<std::pair<std::int64_t, std::int64_t>>{{20, 9}, {3, 2}, {1, 4}}) {
      SCOPED_TRACE(testing::PrintToString(std::vector{width, height, shift}));
      const Image image = test::noise_image(width, height);
      expect_pixels(mirrored(shift, image, 0, 1, {}), image, shift);
    }
  }
}

TEST(PredictPatches, TakesViewsOfLargerPictures) {
  const Image image = test::noise_image(40, 30);
  Image part(20, 11, 3);
  for (std::int64_t y = 0; y < part.height; ++y) std::copy_n(image.row(y + 4) + 3 * 7, 60, part.row(y));
  const ImageView view(image.row(4) + 3 * 7, 20, 11, 3, 120);
  expect_pixels(mirrored(0, view, 0, 1, {}), part, 0);
}

TEST(PredictPatches, RefusesEmptyPicturesAndStopsWhenTold) {
  EXPECT_THROW(mirrored(0, Image(0, 5, 3), 0, 1, {}), Error);
  EXPECT_THROW(mirrored(0, Image(5, 5, 1), 0, 1, {}), Error);
  CancelSource stop;
  stop.cancel();
  EXPECT_THROW(mirrored(0, Image(5, 5, 3), 0, 1, stop.token()), Cancelled);
}
