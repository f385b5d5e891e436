#include "slide/tile_reuse.hpp"

#include <gtest/gtest.h>

namespace histojet::slide {
namespace {

TEST(TileReuse, KeepsWhatNeighboursShare) {
  TileReuse reuse(300);
  // Rows of regions whose borders cut tiles: each tile is wanted four times.
  int kept = 0;
  for (std::uint64_t tile = 0; tile < 200; ++tile) {
    for (int part = 0; part < 4; ++part) kept += reuse.worth_keeping(tile) ? 1 : 0;
  }
  EXPECT_GE(kept, 790);
}

TEST(TileReuse, StopsKeepingWhatNobodyWantsAgainAndLearnsBack) {
  TileReuse reuse(300);
  int kept = 0;
  for (std::uint64_t tile = 0; tile < 1000; ++tile) kept += reuse.worth_keeping(tile * 7919) ? 1 : 0;
  EXPECT_LE(kept, 80);
  EXPECT_TRUE(reuse.worth_keeping(999 * 7919)) << "the second time shows that it is wanted again";
  for (std::uint64_t tile = 0; tile < 100; ++tile) {
    for (int part = 0; part < 4; ++part) reuse.worth_keeping(1'000'000 + tile);
  }
  EXPECT_TRUE(reuse.worth_keeping(42)) << "neighbours are being read again";
}

}  // namespace
}  // namespace histojet::slide
