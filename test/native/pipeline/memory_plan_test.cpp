#include "pipeline/memory_plan.hpp"

#include <gtest/gtest.h>

#include "base/error.hpp"
#include "base/resident_memory.hpp"
#include "disc_slide.hpp"
#include "running.hpp"
#include "typed_disc_network.hpp"

using namespace histojet;
using namespace histojet::pipeline;

namespace {

constexpr std::int64_t kMb = 1'000'000;
const WorkShape kWanted{.threads = 8, .strip_windows = 4, .tile_size = 1280};

}  // namespace

TEST(MemoryPlan, TakesWhatIsWantedWhenItFits) {
  const test::DiscNetwork network;
  const MemoryDemand demand{.network = &network, .resident_bytes = 100 * kMb};
  const WorkShape shape = fit_memory(demand, kWanted, peak_bytes(demand, kWanted));
  EXPECT_EQ(shape.threads, 8);
  EXPECT_EQ(shape.strip_windows, 4);
  EXPECT_EQ(shape.tile_size, 1280);
}

TEST(MemoryPlan, StaysBelowEveryCeiling) {
  const test::DiscNetwork network;
  const MemoryDemand demand{
      .network = &network, .source_px_per_px = 4, .cache_bytes = 64 * kMb, .resident_bytes = 100 * kMb};
  int threads = 0;
  int refused = 0;
  for (std::int64_t ceiling = 100 * kMb; ceiling < 6000 * kMb; ceiling += 50 * kMb) {
    try {
      const WorkShape shape = fit_memory(demand, kWanted, ceiling);
      EXPECT_LE(peak_bytes(demand, shape), ceiling);
      threads = shape.threads;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kOutOfMemory);
      EXPECT_EQ(threads, 0) << "refused although less was enough";
      ++refused;
    }
  }
  EXPECT_EQ(threads, 8);
  EXPECT_GT(refused, 0);
}

TEST(MemoryPlan, TilesAndStripsShrinkWhereResultsDoNotDependOnThem) {
  const test::TypedDiscNetwork network;
  const MemoryDemand demand{.network = &network};
  const WorkShape one{.threads = 1, .strip_windows = 4, .tile_size = 1280};
  const WorkShape shape = fit_memory(demand, one, peak_bytes(demand, one) - 1);
  EXPECT_EQ(shape.threads, 1);
  EXPECT_TRUE(shape.strip_windows < 4 || shape.tile_size < 1280);
}

TEST(MemoryPlan, WithTheReferencesMarginTheyStay) {
  const test::TypedDiscNetwork network;
  const MemoryDemand demand{.network = &network, .margin = TileMargin::kReference};
  const WorkShape wanted{.threads = 4, .strip_windows = 4, .tile_size = 512};
  const WorkShape least{.threads = 1, .strip_windows = 4, .tile_size = 512};
  const WorkShape shape = fit_memory(demand, wanted, peak_bytes(demand, least));
  EXPECT_EQ(shape.threads, 1);
  EXPECT_EQ(shape.strip_windows, 4);
  EXPECT_EQ(shape.tile_size, 512);
  EXPECT_THROW(fit_memory(demand, wanted, peak_bytes(demand, least) - 1), Error);
}

TEST(MemoryPlan, CeilingChangesNoNucleus) {
  const auto slide = std::make_shared<test::DiscSlide>(4300, 2100, 0.25);
  const auto network = std::make_shared<test::DiscNetwork>();
  const test::Outcome free = test::run_all(slide, network, test::whole_slide());
  SegmentSlideOptions options = test::whole_slide();
  const MemoryDemand demand{.network = network.get(), .resident_bytes = resident_bytes() + 50 * kMb};
  options.max_memory_bytes = peak_bytes(demand, {.threads = 1, .strip_windows = 1, .tile_size = 512});
  const test::Outcome tight = test::run_all(slide, network, options);
  ASSERT_FALSE(tight.failure);
  EXPECT_EQ(tight.nuclei.centroids, free.nuclei.centroids);
  EXPECT_EQ(tight.nuclei.contour_points, free.nuclei.contour_points);
}

TEST(MemoryPlan, CeilingThatIsTooLowIsTold) {
  SegmentSlideOptions options = test::whole_slide();
  options.max_memory_bytes = kMb;
  const test::Outcome outcome = test::run_all(std::make_shared<test::DiscSlide>(1000, 1000, 0.25),
                                              std::make_shared<test::DiscNetwork>(), options);
  ASSERT_TRUE(outcome.failure);
  try {
    std::rethrow_exception(outcome.failure);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kOutOfMemory);
    EXPECT_NE(std::string(error.what()).find("at least"), std::string::npos) << error.what();
  }
}
