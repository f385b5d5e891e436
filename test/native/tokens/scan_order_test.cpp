#include "tokens/scan_order.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <set>
#include <string>

#include "base/error.hpp"
#include "fixtures.hpp"
#include "weights/state_dict.hpp"

namespace histojet::tokens {
namespace {

using Order = std::vector<std::int32_t>;

TEST(ScanOrder, SmallSquaresAreVisitedAsDefined) {
  EXPECT_EQ(pixel_order(PixelOrder::kZorder, 2), (Order{0, 1, 2, 3}));
  EXPECT_EQ(pixel_order(PixelOrder::kZorder, 4), (Order{0, 1, 4, 5, 2, 3, 6, 7, 8, 9, 12, 13, 10, 11, 14, 15}));
  EXPECT_EQ(pixel_order(PixelOrder::kRaster, 3), (Order{0, 1, 2, 3, 4, 5, 6, 7, 8}));
  EXPECT_EQ(pixel_order(PixelOrder::kSnake, 3), (Order{0, 1, 2, 5, 4, 3, 6, 7, 8}));
  EXPECT_EQ(pixel_order(PixelOrder::kHilbert, 1), Order{0});
  EXPECT_EQ(window_order(2, 4, 2), (Order{0, 1, 4, 5, 2, 3, 6, 7}));
}

TEST(ScanOrder, HilbertVisitsEveryTokenByStepsToNeighbours) {
  const std::int64_t side = 32;
  const Order order = pixel_order(PixelOrder::kHilbert, side);
  EXPECT_EQ(std::set<std::int32_t>(order.begin(), order.end()).size(), static_cast<std::size_t>(side * side));
  EXPECT_EQ(order.front(), 0);
  for (std::size_t i = 1; i < order.size(); ++i) {
    const auto rows = std::abs(order[i] / side - order[i - 1] / side);
    const auto columns = std::abs(order[i] % side - order[i - 1] % side);
    ASSERT_EQ(rows + columns, 1) << "step " << i;
  }
}

TEST(ScanOrder, FourTokensThatMergeLieInARowInHierarchicalOrders) {
  for (const PixelOrder order : {PixelOrder::kZorder, PixelOrder::kHilbert}) {
    const auto sources = merge_sources(order, 16);
    for (std::size_t i = 0; i < sources.size(); ++i) {
      for (const std::int32_t source : sources[i]) EXPECT_EQ(source / 4, static_cast<std::int32_t>(i));
    }
  }
}

TEST(ScanOrder, MergeSourcesAreTheTokensBelow) {
  const std::int64_t side = 6;
  for (const PixelOrder kind : {PixelOrder::kRaster, PixelOrder::kSnake}) {
    const Order fine = pixel_order(kind, side), coarse = pixel_order(kind, side / 2);
    const auto sources = merge_sources(kind, side);
    for (std::size_t i = 0; i < sources.size(); ++i) {
      const std::int64_t row = 2 * (coarse[i] / 3), column = 2 * (coarse[i] % 3);
      EXPECT_EQ(fine[static_cast<std::size_t>(sources[i][0])], row * side + column);
      EXPECT_EQ(fine[static_cast<std::size_t>(sources[i][1])], (row + 1) * side + column);
      EXPECT_EQ(fine[static_cast<std::size_t>(sources[i][2])], row * side + column + 1);
      EXPECT_EQ(fine[static_cast<std::size_t>(sources[i][3])], (row + 1) * side + column + 1);
    }
  }
}

TEST(ScanOrder, RegionIndexIsTheInverseOfRegionCell) {
  for (const RegionOrder order : {RegionOrder::kSnake, RegionOrder::kRaster}) {
    for (std::int64_t i = 0; i < 35; ++i) EXPECT_EQ(region_index(order, 5, region_cell(order, 5, i)), i);
  }
  EXPECT_EQ(region_cell(RegionOrder::kSnake, 5, 5), (GridCell{1, 4}));
}

TEST(ScanOrder, SidesThatHaveNoOrderAreRefused) {
  EXPECT_THROW(pixel_order(PixelOrder::kZorder, 12), Error);
  EXPECT_THROW(pixel_order(PixelOrder::kRaster, 0), Error);
  EXPECT_THROW(pixel_order(PixelOrder::kRaster, 1LL << 40), Error);
  EXPECT_THROW(snake_order(1LL << 40, 1LL << 40), Error);
  EXPECT_THROW(window_order(4, 6, 4), Error);
  EXPECT_THROW(serial_order(16, 24, 5, RegionOrder::kSnake, PixelOrder::kRaster), Error);
  EXPECT_THROW(merge_sources(PixelOrder::kRaster, 5), Error);
}

TEST(ScanOrderParity, OrdersEqualTheFixtures) {
  HISTOJET_NEEDS_SHARED_FIXTURES();
  const auto dict = weights::StateDict::open(test::shared_fixture("mamba/scan_orders.safetensors"));
  const auto expect = [&](const std::string& name, const Order& order) {
    const Tensor tensor = dict->get(name);
    const auto expected = tensor.values<std::int32_t>();
    EXPECT_EQ(order, Order(expected.begin(), expected.end())) << name;
  };
  for (const std::int64_t side : {2, 4, 8}) {
    expect("zorder_" + std::to_string(side), pixel_order(PixelOrder::kZorder, side));
    expect("hilbert_" + std::to_string(side), pixel_order(PixelOrder::kHilbert, side));
  }
  expect("snake_3x5", snake_order(3, 5));
  expect("window_2_4x6", window_order(4, 6, 2));
  expect("window_7_14x14", window_order(14, 14, 7));
  const std::pair<std::string, PixelOrder> orders[] = {{"zorder", PixelOrder::kZorder},
                                                       {"hilbert", PixelOrder::kHilbert},
                                                       {"raster", PixelOrder::kRaster},
                                                       {"snake", PixelOrder::kSnake}};
  for (const auto& [name, order] : orders) {
    expect("serial_snake_" + name + "_16x24_r8_t2", serial_order(8, 12, 4, RegionOrder::kSnake, order));
    expect("serial_raster_" + name + "_16x24_r8_t2", serial_order(8, 12, 4, RegionOrder::kRaster, order));
  }
}

}  // namespace
}  // namespace histojet::tokens
