#include "tiles/region_announcer.hpp"

#include <gtest/gtest.h>

#include <mutex>
#include <vector>

#include "base/error.hpp"
#include "tiles/batch.hpp"
#include "tiles/formula_slide.hpp"

using namespace histojet;
using namespace histojet::test;
using slide::RegionRequest;
using tiles::BatchRequest;
using tiles::read_batch;
using tiles::RegionAnnouncer;

namespace {

/// A formula that claims to be remote, and notes what is announced and whether reads lie within it.
class RemoteSlide final : public FormulaSlide {
 public:
  RemoteSlide() : FormulaSlide(500, 300, 3, quarter_mpp(), waves) {}

  bool remote() const override { return true; }
  void announce(std::span<const RegionRequest> requests, const CancelToken& cancel) const override {
    cancel.throw_if_cancelled();
    std::lock_guard lock(mutex);
    groups.emplace_back(requests.begin(), requests.end());
    if (fails) throw Error(ErrorCode::kIo, "no tile table");
  }
  using FormulaSlide::read_region;
  void read_region(const RegionRequest& request, std::span<std::uint8_t> out,
                   const CancelToken& cancel) const override {
    FormulaSlide::read_region(request, out, cancel);
    std::lock_guard lock(mutex);
    const auto known = [&](const RegionRequest& r) {
      return r.level == request.level && r.level_coordinates == request.level_coordinates && request.x >= r.x &&
             request.y >= r.y && request.x + request.width <= r.x + r.width &&
             request.y + request.height <= r.y + r.height;
    };
    reads_outside += std::ranges::none_of(groups, [&](const auto& group) { return std::ranges::any_of(group, known); });
  }

  bool fails = false;
  mutable std::mutex mutex;  // guards what follows
  mutable std::vector<std::vector<RegionRequest>> groups;
  mutable int reads_outside = 0;
};

/// Windows that each lie in one tile of 64 x 64 pixels.
RegionRequest in_one_tile(std::int64_t index) {
  return {.x = index % 7 * 64 + 3, .y = index % 4 * 64 + 9, .width = 40, .height = 30};
}

const std::int64_t kPerGroup = (8 << 20) / (64 * 64);

}  // namespace

TEST(RegionAnnouncer, StaysOneGroupAheadOfTheReads) {
  const RemoteSlide slide;
  const std::int64_t count = 3 * kPerGroup + 5;
  std::int64_t asked = 0;
  RegionAnnouncer announcer(slide, count, [&](std::int64_t index) {
    EXPECT_EQ(index, asked++);
    return in_one_tile(index);
  });
  announcer.before(0, {});
  EXPECT_EQ(slide.groups.size(), 2u);
  announcer.before(kPerGroup - 1, {});
  EXPECT_EQ(asked, 2 * kPerGroup);
  announcer.before(kPerGroup, {});
  EXPECT_EQ(asked, 3 * kPerGroup);
  announcer.before(5, {});  // a slow thread
  EXPECT_EQ(asked, 3 * kPerGroup);
  announcer.before(count - 1, {});
  announcer.before(count - 1, {});
  EXPECT_EQ(asked, count);
  ASSERT_EQ(slide.groups.size(), 4u);
  EXPECT_EQ(slide.groups[3].size(), 5u);
  EXPECT_EQ(slide.groups[1].front().x, in_one_tile(kPerGroup).x);
}

TEST(RegionAnnouncer, CountsTheTilesThatRegionsTouch) {
  const RemoteSlide slide;
  const auto group_size = [&](const RegionRequest& region) {
    slide.groups.clear();
    RegionAnnouncer(slide, 1 << 20, [&](std::int64_t) { return region; }).before(0, {});
    return static_cast<std::int64_t>(slide.groups.front().size());
  };
  EXPECT_EQ(group_size(in_one_tile(0)), kPerGroup);
  EXPECT_EQ(group_size({.x = 60, .y = 60, .width = 8, .height = 8}), kPerGroup / 4);
  // The column of tiles at the right end has 500 % 64 = 52 pixels.
  EXPECT_EQ(group_size({.x = 490, .y = -5, .width = 100, .height = 20}), (kPerGroup * 64 + 51) / 52);
  EXPECT_EQ(group_size({.x = 8, .y = 8, .width = 8, .height = 8, .level = 1}), kPerGroup);
  EXPECT_EQ(group_size({.x = 250, .y = 8, .width = 10, .height = 8, .level = 1}), kPerGroup / 2);
  EXPECT_EQ(group_size({.x = 130, .y = 8, .width = 10, .height = 8, .level = 1, .level_coordinates = true}), kPerGroup);
  EXPECT_EQ(group_size({.x = 1LL << 47, .y = 8, .width = 1LL << 30, .height = 8}), 1 << 20);
  EXPECT_EQ(group_size({.width = 8, .height = 8, .level = 9}), 1 << 20);
}

TEST(RegionAnnouncer, LeavesFailuresToTheReads) {
  RemoteSlide slide;
  slide.fails = true;
  BatchRequest request{.corners = {{0, 0}, {130, 57}}, .width = 37, .height = 23};
  EXPECT_NO_THROW(read_batch(slide, request));
  EXPECT_EQ(slide.groups.size(), 1u);
  RegionAnnouncer refuses(
      slide, 2, [](std::int64_t) -> RegionRequest { throw Error(ErrorCode::kInvalidArgument, "no such region"); });
  EXPECT_NO_THROW(refuses.before(0, {}));
  CancelSource stop;
  stop.cancel();
  RegionAnnouncer cancelled(slide, 2, in_one_tile);
  EXPECT_THROW(cancelled.before(0, CancelToken(stop.flag())), Cancelled);
}

TEST(RegionAnnouncer, BatchesAreAnnouncedBeforeTheyAreRead) {
  BatchRequest request{.corners = {}, .width = 37, .height = 23};
  for (int i = 0; i < 60; ++i) request.corners.push_back({i * 131 % 500 - 20, i * 57 % 320 - 10});
  for (const std::optional<double> mpp : {std::optional<double>(), std::optional(0.61), std::optional(1.0)}) {
    const RemoteSlide slide;
    const FormulaSlide local(500, 300, 3, quarter_mpp(), waves);
    request.mpp = mpp;
    const Tensor tensor = read_batch(slide, request);
    const Tensor expected = read_batch(local, request);
    EXPECT_TRUE(std::ranges::equal(tensor.values<std::uint8_t>(), expected.values<std::uint8_t>()));
    ASSERT_FALSE(slide.groups.empty());
    EXPECT_EQ(slide.groups.front().size(), request.corners.size());
    EXPECT_EQ(slide.reads_outside, 0);
  }
}
