#include "pipeline/measurements.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <filesystem>
#include <numbers>

#include "base/error.hpp"
#include "disc_slide.hpp"
#include "running.hpp"

using namespace histojet;
using namespace histojet::pipeline;
using test::DiscNetwork;
using test::DiscSlide;

namespace {

/// The colour of so much haematoxylin, eosin and DAB, by the definition of optical density.
std::array<std::uint8_t, 3> color(double hematoxylin, double eosin, double dab) {
  constexpr double stains[3][3] = {{0.65, 0.70, 0.29}, {0.07, 0.99, 0.11}, {0.27, 0.57, 0.78}};
  std::array<std::uint8_t, 3> rgb{};
  for (int c = 0; c < 3; ++c) {
    const double density = hematoxylin * stains[0][c] + eosin * stains[1][c] + dab * stains[2][c];
    rgb[c] = static_cast<std::uint8_t>(std::lround(255 * std::pow(10, -density)));
  }
  return rgb;
}

/// Nuclei are dark; the gradients follow from how far their rows and columns reach. No brown: the run takes DAB away.
class DarkNetwork final : public models::NucleiNetwork {
 public:
  DarkNetwork() {
    info_.margin_px = 32;
    info_.origin_multiple = 8;
    info_.mpp = 0.25;
  }
  const models::NetworkInfo& info() const override { return info_; }
  std::string describe(std::int64_t, std::int64_t) const override { return "dark"; }
  std::unique_ptr<Session> make_session(std::int64_t, std::int64_t) const override {
    return std::make_unique<DiscNetwork::DiscSession>();
  }
  std::int64_t session_bytes(std::int64_t, std::int64_t) const override { return 0; }

  void predict(Session&, ImageView rgb, Maps& out, int, const CancelToken&) const override {
    out.height = rgb.height;
    out.width = rgb.width;
    const auto pixels = static_cast<std::size_t>(rgb.height * rgb.width);
    out.np.assign(pixels, 0.05f);
    out.hv.assign(2 * pixels, 0);
    for (std::int64_t y = 0; y < rgb.height; ++y) {
      for (std::int64_t x = 0; x < rgb.width; ++x) {
        if (!dark(rgb, x, y)) continue;
        EXPECT_GT(rgb.row(y)[3 * x + 2], rgb.row(y)[3 * x]) << "brown reached the network";
        const auto at = static_cast<std::size_t>(y * rgb.width + x);
        out.np[at] = 0.95f;
        out.hv[at] = place(rgb, x, y, 1, 0);
        out.hv[at + pixels] = place(rgb, x, y, 0, 1);
      }
    }
  }

 private:
  static bool dark(ImageView rgb, std::int64_t x, std::int64_t y) {
    return x >= 0 && y >= 0 && x < rgb.width && y < rgb.height && rgb.row(y)[3 * x] < 200;
  }
  /// -1 to 1 along the dark run through a pixel.
  static float place(ImageView rgb, std::int64_t x, std::int64_t y, int dx, int dy) {
    int before = 0, behind = 0;
    while (dark(rgb, x - (before + 1) * dx, y - (before + 1) * dy)) ++before;
    while (dark(rgb, x + (behind + 1) * dx, y + (behind + 1) * dy)) ++behind;
    return before + behind == 0 ? 0 : static_cast<float>(before - behind) / static_cast<float>(before + behind);
  }

  models::NetworkInfo info_;
};

const std::vector<float>& column(const nuclei::NucleusList& list, const std::string& name) {
  for (const nuclei::MeasurementColumn& entry : list.measurements) {
    if (entry.name == name) return entry.values;
  }
  throw std::runtime_error("no column " + name);
}

void expect_same(const nuclei::NucleusList& a, const nuclei::NucleusList& b) {
  ASSERT_EQ(a.measurements.size(), b.measurements.size());
  for (std::size_t m = 0; m < a.measurements.size(); ++m) {
    EXPECT_EQ(a.measurements[m].name, b.measurements[m].name);
    EXPECT_EQ(a.measurements[m].values, b.measurements[m].values) << a.measurements[m].name;
  }
}

SegmentSlideOptions measured() {
  SegmentSlideOptions options = test::whole_slide();
  options.measure = true;
  return options;
}

nuclei::NucleusList nuclei_of(std::shared_ptr<const slide::Slide> slide, const SegmentSlideOptions& options) {
  const test::Outcome outcome = test::run_all(std::move(slide), std::make_shared<DiscNetwork>(), options);
  if (outcome.failure) std::rethrow_exception(outcome.failure);
  return outcome.nuclei;
}

}  // namespace

TEST(StainColumns, AmountsOfAKnownColour) {
  // Label 5 is even, label 2 half one colour and half another, label 9 has no pixels; 7 is nobody's.
  nuclei::PostprocessResult found;
  found.ids = {5, 2, 9};
  found.labels = {5, 5, 0, 2, 5, 5, 7, 2};
  const auto even = color(0.5, 0.3, 0), other = color(0.2, 0.1, 0.6);
  Image rgb(4, 2, 3);
  for (std::int64_t i = 0; i < 8; ++i) std::ranges::copy(i == 7 ? other : even, rgb.data.begin() + 3 * i);
  const auto columns = stain_columns(found, rgb, Stain::kHe);
  ASSERT_EQ(columns.size(), 4u);
  EXPECT_EQ(columns[0].name, "hematoxylin_od_mean");
  EXPECT_EQ(columns[3].name, "eosin_od_std");
  // Eight bits round these densities by less than 0.01.
  EXPECT_NEAR(columns[0].values[0], 0.5, 0.01);
  EXPECT_NEAR(columns[2].values[0], 0.3, 0.01);
  EXPECT_EQ(columns[1].values[0], 0);
  EXPECT_EQ(columns[3].values[0], 0);
  EXPECT_NEAR(columns[0].values[1], 0.35, 0.01);
  EXPECT_NEAR(columns[1].values[1], 0.15, 0.01);
  EXPECT_NEAR(columns[2].values[1], 0.2, 0.01);
  EXPECT_NEAR(columns[3].values[1], 0.1, 0.01);
  for (const auto& entry : columns) EXPECT_TRUE(std::isnan(entry.values[2])) << entry.name;

  const auto brown = stain_columns(found, rgb, Stain::kIhcDab);
  EXPECT_EQ(brown[2].name, "dab_od_mean");
  EXPECT_NEAR(brown[2].values[0], 0, 0.01);
  EXPECT_NEAR(brown[2].values[1], 0.3, 0.01);
  EXPECT_THROW(stain_columns(found, Image(5, 2, 3), Stain::kHe), Error);
}

TEST(StainColumns, WhiteHasNoneAndBlackIsFinite) {
  nuclei::PostprocessResult found;
  found.ids = {1, 2};
  found.labels = {1, 2};
  Image rgb(2, 1, 3);
  rgb.data = {255, 255, 255, 0, 0, 0};
  for (const auto& entry : stain_columns(found, rgb, Stain::kHe)) {
    EXPECT_NEAR(entry.values[0], 0, 1e-12);
    EXPECT_TRUE(std::isfinite(entry.values[1]));
  }
  EXPECT_EQ(stain_columns({}, Image(3, 3, 3), Stain::kHe).size(), 4u);
}

TEST(MeasuredRun, ShapesOfDiscsInMicrometres) {
  const auto slide = std::make_shared<DiscSlide>(1300, 700, 0.25);
  const nuclei::NucleusList nuclei = nuclei_of(slide, measured());
  ASSERT_EQ(static_cast<std::int64_t>(nuclei.size()), slide->disc_count());
  ASSERT_EQ(nuclei.measurements.size(), 10u);
  const double radius_um = DiscSlide::kRadius * 0.25;
  for (std::size_t i = 0; i < nuclei.size(); ++i) {
    EXPECT_NEAR(column(nuclei, "perimeter_um")[i], 2 * std::numbers::pi * radius_um, 0.06 * 22);
    EXPECT_NEAR(column(nuclei, "major_axis_um")[i], 2 * radius_um, 0.35);
    EXPECT_NEAR(column(nuclei, "minor_axis_um")[i], 2 * radius_um, 0.35);
    EXPECT_GT(column(nuclei, "circularity")[i], 0.85);
    EXPECT_LE(column(nuclei, "circularity")[i], 1);
    EXPECT_GT(column(nuclei, "solidity")[i], 0.95);
    EXPECT_LT(column(nuclei, "eccentricity")[i], 0.45);
    EXPECT_GT(column(nuclei, "hematoxylin_od_std")[i], 0.01) << "discs are not even";
  }
  // Simplified outlines lie on whole pixels: measuring the list again gives the very same shapes.
  const auto again = nuclei::shape_columns(nuclei, {.x = 0.25, .y = 0.25, .metric = true});
  for (std::size_t m = 0; m < again.size(); ++m) EXPECT_EQ(again[m].values, nuclei.measurements[m].values);
  EXPECT_TRUE(nuclei_of(slide, test::whole_slide()).measurements.empty());
}

TEST(MeasuredRun, ResampledSlides) {
  // Half as many pixels a side: discs of 7 px, 1.75 um.
  const auto slide = std::make_shared<DiscSlide>(900, 900, 0.125);
  const nuclei::NucleusList nuclei = nuclei_of(slide, measured());
  ASSERT_GT(nuclei.size(), 300u);
  for (const float axis : column(nuclei, "major_axis_um")) EXPECT_NEAR(axis, 3.5, 0.5);
}

TEST(MeasuredRun, IndependentOfThreadsAndTiles) {
  const auto slide = std::make_shared<DiscSlide>(2500, 2200, 0.25);
  nuclei::NucleusList first;
  for (const auto& [threads, tile] : {std::pair(1, 1024), std::pair(2, 256), std::pair(2, 2048)}) {
    SegmentSlideOptions options = measured();
    options.threads = threads;
    options.tile_size = tile;
    const nuclei::NucleusList nuclei = nuclei_of(slide, options);
    if (first.size() == 0) first = nuclei;
    ASSERT_EQ(nuclei.size(), first.size());
    expect_same(nuclei, first);
  }
}

TEST(MeasuredRun, DabComesFromTheSlidesOwnColours) {
  const auto slide = std::make_shared<DiscSlide>(600, 600, 0.25);
  slide->even_color = color(0.4, 0, 0.7);
  SegmentSlideOptions options = measured();
  options.stain = Stain::kIhcDab;
  const test::Outcome outcome = test::run_all(slide, std::make_shared<DarkNetwork>(), options);
  ASSERT_FALSE(outcome.failure);
  ASSERT_EQ(static_cast<std::int64_t>(outcome.nuclei.size()), slide->disc_count());
  for (const float mean : column(outcome.nuclei, "dab_od_mean")) EXPECT_NEAR(mean, 0.7, 0.02);
  for (const float mean : column(outcome.nuclei, "hematoxylin_od_mean")) EXPECT_NEAR(mean, 0.4, 0.02);
  for (const float deviation : column(outcome.nuclei, "dab_od_std")) EXPECT_EQ(deviation, 0);
}

TEST(MeasuredRun, EqualAfterItWasResumed) {
  const auto folder = std::filesystem::path(testing::TempDir()) / ("measured" + std::to_string(getpid()));
  std::filesystem::remove_all(folder);
  const auto slide = std::make_shared<DiscSlide>(2500, 2200, 0.25);
  SegmentSlideOptions options = measured();
  const nuclei::NucleusList whole = nuclei_of(slide, options);
  options.checkpoint_folder = folder.string();
  options.checkpoint_key = "discs";
  {
    const auto run = SlideRun::start(slide, std::make_shared<DiscNetwork>(), options, {});
    for (int i = 0; i < 4; ++i) test::next(*run);
    run->stop();
    test::next(*run);
  }
  const test::Outcome resumed = test::run_all(slide, std::make_shared<DiscNetwork>(), options);
  EXPECT_GT(resumed.progress.windows_restored, 0);
  EXPECT_EQ(resumed.nuclei.centroids, whole.centroids);
  expect_same(resumed.nuclei, whole);
  // A run without measurements has notes of its own.
  options.measure = false;
  EXPECT_EQ(test::run_all(slide, std::make_shared<DiscNetwork>(), options).progress.windows_restored, 0);
  std::filesystem::remove_all(folder);
}

TEST(MeasuredRun, CompatOutlinesAreMeasuredAsTheyAre) {
  const auto slide = std::make_shared<DiscSlide>(400, 400, 0.25);
  SegmentSlideOptions options = measured();
  const nuclei::NucleusList edges = nuclei_of(slide, options);
  options.postprocess.compat = true;
  const nuclei::NucleusList centers = nuclei_of(slide, options);
  ASSERT_EQ(edges.size(), centers.size());
  // Half a pixel less on each side.
  for (const float axis : column(centers, "major_axis_um"))
    EXPECT_NEAR(axis, 2 * (DiscSlide::kRadius - 0.5) * 0.25, 0.3);
  EXPECT_EQ(column(centers, "hematoxylin_od_mean").size(), centers.size());
}
