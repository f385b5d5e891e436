#include "pipeline/segment_slide.hpp"

#include <gtest/gtest.h>

#include <set>

#include "disc_slide.hpp"
#include "running.hpp"

using namespace histojet;
using namespace histojet::pipeline;
using test::DiscNetwork;
using test::DiscSlide;
using test::next;
using test::Outcome;
using test::whole_slide;

namespace {

Outcome run_all(std::shared_ptr<const DiscSlide> slide, const SegmentSlideOptions& options, CancelToken cancel = {}) {
  return test::run_all(std::move(slide), std::make_shared<DiscNetwork>(), options, std::move(cancel));
}

/// Cells whose disc a centroid lies in; a disc found twice or a nucleus without disc fails the test.
std::set<std::pair<std::int64_t, std::int64_t>> found_discs(const nuclei::NucleusList& nuclei) {
  std::set<std::pair<std::int64_t, std::int64_t>> cells;
  for (std::size_t i = 0; i < nuclei.size(); ++i) {
    const float x = nuclei.centroids[2 * i], y = nuclei.centroids[2 * i + 1];
    const std::int64_t column = static_cast<std::int64_t>(x) / DiscSlide::kCell;
    const std::int64_t row = static_cast<std::int64_t>(y) / DiscSlide::kCell;
    const auto [cx, cy] = DiscSlide::center(column, row);
    EXPECT_LT(std::hypot(x - cx, y - cy), 1.0) << "nucleus " << i << " at " << x << ", " << y;
    EXPECT_TRUE(cells.insert({column, row}).second) << "disc " << column << ", " << row << " found twice";
  }
  return cells;
}

}  // namespace

TEST(SegmentSlide, FindsEveryDiscOnceWhateverTheThreadsAndTiles) {
  const auto slide = std::make_shared<DiscSlide>(2500, 2200, 0.25);
  Outcome first;
  for (const auto& [threads, tile] : {std::pair(1, 1024), std::pair(2, 1024), std::pair(2, 256), std::pair(1, 2048)}) {
    SegmentSlideOptions options = whole_slide();
    options.threads = threads;
    options.tile_size = tile;
    const Outcome outcome = run_all(slide, options);
    ASSERT_FALSE(outcome.failure);
    EXPECT_EQ(static_cast<std::int64_t>(found_discs(outcome.nuclei).size()), slide->disc_count());
    EXPECT_EQ(outcome.progress.windows_done, outcome.progress.windows_total);
    EXPECT_EQ(outcome.progress.nuclei, static_cast<std::int64_t>(outcome.nuclei.size()));
    if (first.nuclei.size() == 0) first = outcome;
    EXPECT_EQ(outcome.nuclei.centroids, first.nuclei.centroids);
    EXPECT_EQ(outcome.nuclei.contour_points, first.nuclei.contour_points);
  }
}

TEST(SegmentSlide, AreasAreSquareMicrometres) {
  const auto slide = std::make_shared<DiscSlide>(600, 600, 0.25);
  const Outcome outcome = run_all(slide, whole_slide());
  ASSERT_GT(outcome.nuclei.size(), 0u);
  const double disc = M_PI * DiscSlide::kRadius * DiscSlide::kRadius * 0.25 * 0.25;
  for (const float area : outcome.nuclei.areas) EXPECT_NEAR(area, disc, 0.05 * disc);
}

TEST(SegmentSlide, RegionKeepsOnlyItsNuclei) {
  const auto slide = std::make_shared<DiscSlide>(2500, 2500, 0.25);
  SegmentSlideOptions options = whole_slide();
  options.region = slide::Rect{960, 960, 480, 240};  // cells 20..29 by 20..24
  const Outcome outcome = run_all(slide, options);
  EXPECT_EQ(found_discs(outcome.nuclei).size(), 50u);
}

TEST(SegmentSlide, TissueMaskSelectsWindows) {
  const auto slide = std::make_shared<DiscSlide>(4096, 1024, 0.25);
  SegmentSlideOptions options = whole_slide();
  options.tissue = tiles::TissueMask{4, 1, 1024, {0, 1, 0, 0}};
  const Outcome outcome = run_all(slide, options);
  EXPECT_EQ(outcome.progress.windows_total, 1);
  for (std::size_t i = 0; i < outcome.nuclei.size(); ++i) {
    EXPECT_GE(outcome.nuclei.centroids[2 * i], 1024);
    EXPECT_LT(outcome.nuclei.centroids[2 * i], 2048);
  }
}

TEST(SegmentSlide, AnnouncesStripsOfARemoteSlideAhead) {
  const auto local = std::make_shared<DiscSlide>(5000, 2000, 0.25);
  const auto remote = std::make_shared<DiscSlide>(5000, 2000, 0.25);
  remote->is_remote = true;
  const Outcome expected = run_all(local, whole_slide());
  EXPECT_TRUE(local->announced.empty());
  for (const int threads : {1, 2}) {
    SegmentSlideOptions options = whole_slide();
    options.threads = threads;
    remote->announced.clear();
    remote->announcements = remote->reads = 0;
    const Outcome outcome = run_all(remote, options);
    ASSERT_FALSE(outcome.failure);
    EXPECT_EQ(outcome.nuclei.centroids, expected.nuclei.centroids);
    // 2 rows of 5 windows: strips of 4 and 1, each announced once and before it is read, in groups of 3 and 1.
    EXPECT_EQ(remote->announced.size(), 4u);
    EXPECT_EQ(remote->reads, 4);
    EXPECT_EQ(remote->reads_unannounced, 0);
    EXPECT_EQ(remote->announcements, 2);
    EXPECT_EQ(remote->fewest_announced, 4u);
  }
}

TEST(SegmentSlide, DamagedTileReachesTheCaller) {
  const auto slide = std::make_shared<DiscSlide>(2500, 2500, 0.25);
  slide->fail_at_read = 3;
  const Outcome outcome = run_all(slide, whole_slide());
  ASSERT_TRUE(outcome.failure);
  EXPECT_THROW(std::rethrow_exception(outcome.failure), Error);
}

TEST(SegmentSlide, CancellingEndsTheRun) {
  const auto slide = std::make_shared<DiscSlide>(20000, 20000, 0.25);
  CancelSource source;
  const auto run = SlideRun::start(slide, std::make_shared<DiscNetwork>(), whole_slide(), source.token());
  ASSERT_TRUE(next(*run).batch);
  source.cancel();
  for (int i = 0; i < 100; ++i) {  // batches that were ready may still come
    const Step step = next(*run);
    if (!step.failure) continue;
    EXPECT_THROW(std::rethrow_exception(step.failure), Cancelled);
    return;
  }
  FAIL() << "the run went on";
}

TEST(SegmentSlide, RefusesWhatItCannotPlace) {
  const auto network = std::make_shared<DiscNetwork>();
  const auto start = [&](std::optional<double> mpp, SegmentSlideOptions options) {
    SlideRun::start(std::make_shared<DiscSlide>(1000, 1000, mpp), network, options, {});
  };
  EXPECT_THROW(start(std::nullopt, whole_slide()), Error);
  SegmentSlideOptions outside = whole_slide();
  outside.region = slide::Rect{5000, 0, 10, 10};
  EXPECT_THROW(start(0.25, outside), Error);
  SegmentSlideOptions tiny = whole_slide();
  tiny.tile_size = 8;
  EXPECT_THROW(start(0.25, tiny), Error);
  SegmentSlideOptions far = whole_slide();
  far.mpp = 1000;
  EXPECT_THROW(start(0.25, far), Error);
}

TEST(SegmentImage, PictureOfAnySizeIsPaddedAndCroppedBack) {
  const DiscSlide slide(600, 600, 0.25);
  const auto network = std::make_shared<DiscNetwork>();
  for (const auto& [width, height] : {std::pair(1, 1), std::pair(97, 240), std::pair(240, 97)}) {
    slide::RegionRequest request;
    request.width = width;
    request.height = height;
    const Image image = slide.read_region(request);
    models::SessionPool sessions(network);
    const Maps maps = predict_maps(sessions, image, Stain::kHe, {});
    ASSERT_EQ(maps.width, width);
    ASSERT_EQ(maps.height, height);
    for (std::int64_t i = 0; i < height * width; ++i) {
      EXPECT_EQ(maps.np[i] > 0.5f, image.data[3 * i + 2] < 128) << "pixel " << i;
    }
  }
}

TEST(SegmentSlide, RunThatIsOverHoldsNoSessions) {
  const auto slide = std::make_shared<DiscSlide>(1500, 1500, 0.25);
  const auto network = std::make_shared<DiscNetwork>();
  for (const bool whole : {true, false}) {
    const auto run = SlideRun::start(slide, network, whole_slide(), {});
    ASSERT_TRUE(next(*run).batch);
    EXPECT_GT(network->sessions_alive(), 0);
    if (!whole) run->stop();
    while (next(*run).batch) {
    }
    EXPECT_EQ(network->sessions_alive(), 0) << "held until garbage collection takes the run";
  }
}
