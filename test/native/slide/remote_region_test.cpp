#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <mutex>
#include <thread>

#include "base/error.hpp"
#include "slide/region.hpp"

namespace histojet::slide {
namespace {

using namespace std::chrono_literals;

/// Remembers what it was told.
class RemoteSource final : public ByteSource {
 public:
  explicit RemoteSource(bool remote = true) : remote_(remote) {}
  std::uint64_t size() const override { return 1ULL << 40; }
  const std::string& name() const override { return name_; }
  void read_at(std::uint64_t, std::span<std::uint8_t>) const override {}
  bool remote() const override { return remote_; }
  void prefetch(std::span<const ByteRange> ranges) const override {
    announced.emplace_back(ranges.begin(), ranges.end());
  }

  mutable std::vector<std::vector<ByteRange>> announced;

 private:
  bool remote_;
  std::string name_ = "https://host/slide.tif";
};

/// 8 x 6 tiles of 16 px; each stores `tile_bytes` at its number times that.
class NumberedGrid final : public TileGrid {
 public:
  explicit NumberedGrid(std::uint64_t tile_bytes) : tile_bytes_(tile_bytes) {
    width_ = 8 * 16;
    height_ = 6 * 16;
    tile_width_ = tile_height_ = 16;
  }
  int channels() const override { return 3; }
  bool has_tile(std::int64_t column, std::int64_t row) const override { return column != 2 || row != 1; }
  void stored_ranges(std::int64_t column, std::int64_t row, std::vector<ByteRange>& out) const override {
    if (column == 3 && row == 1) throw Error(ErrorCode::kCorruptFile, "damaged table");
    out.push_back({static_cast<std::uint64_t>(row * 8 + column) * tile_bytes_, tile_bytes_});
  }
  std::string decode_tile(std::int64_t column, std::int64_t row, std::uint8_t* out, std::int64_t stride,
                          bool) const override {
    on_decode();
    for (std::int64_t y = 0; y < 16; ++y) {
      std::fill_n(out + y * stride, 48, static_cast<std::uint8_t>(row * 8 + column + 1));
    }
    return {};
  }

  std::function<void()> on_decode = [] {};

 private:
  std::uint64_t tile_bytes_;
};

std::vector<std::uint8_t> read(const TileGrid& grid, const Window& window, const RegionContext& context,
                               const CancelToken& cancel = {}) {
  std::vector<std::uint8_t> pixels(static_cast<std::size_t>(window.width * window.height * window.channels));
  read_window(grid, window, pixels.data(), context, cancel);
  return pixels;
}

TEST(RemoteRegion, AnnouncesItsTilesOnceBeforeTheFirstIsDecoded) {
  const RemoteSource source;
  NumberedGrid grid(1000);
  std::atomic<std::size_t> fewest = 100;
  grid.on_decode = [&] { fewest = std::min(fewest.load(), source.announced.size()); };
  const auto pixels = read(grid, {.x = 20, .y = -5, .width = 40, .height = 30}, {.source = &source});
  EXPECT_EQ(fewest, 1u);
  ASSERT_EQ(source.announced.size(), 1u);
  std::vector<std::uint64_t> offsets;
  for (const ByteRange& range : source.announced[0]) offsets.push_back(range.offset);
  // Columns 1 to 3 of rows 0 and 1; tile (2, 1) is not stored, the place of (3, 1) cannot be read.
  EXPECT_EQ(offsets, (std::vector<std::uint64_t>{1000, 2000, 3000, 9000}));
  EXPECT_EQ(pixels, read(grid, {.x = 20, .y = -5, .width = 40, .height = 30}, {}));
}

TEST(RemoteRegion, AnnouncesLargeRegionsInParts) {
  const RemoteSource source;
  NumberedGrid grid(1 << 20);
  std::atomic<std::size_t> most = 0;
  std::atomic<int> decoded = 0;
  grid.on_decode = [&] {
    ++decoded;
    if (decoded < 7) most = std::max(most.load(), source.announced.size());
  };
  const Window window{.x = 0, .y = 0, .width = 128, .height = 96};
  const auto pixels = read(grid, window, {.source = &source});
  EXPECT_EQ(most, 2u) << "the next part is on its way while one is decoded";
  std::size_t tiles = 0;
  for (const auto& part : source.announced) {
    EXPECT_LE(part.size(), 7u) << "6 MiB and one tile";
    tiles += part.size();
  }
  EXPECT_EQ(tiles, 46u);
  EXPECT_EQ(pixels, read(grid, window, {}));
}

TEST(RemoteRegion, LeavesOutWhatIsCachedAndLocalFilesAlone) {
  const RemoteSource source;
  const RemoteSource local(false);
  TileCache cache(1 << 20, 768);
  NumberedGrid grid(1000);
  const Window part{.x = 17, .y = 1, .width = 8, .height = 8};
  read(grid, part, {.cache = &cache, .source = &local});
  EXPECT_TRUE(local.announced.empty());
  std::vector<ByteRange> ranges;
  append_ranges(grid, {.x = 0, .y = 0, .width = 40, .height = 10}, {.cache = &cache, .source = &source}, ranges);
  ASSERT_EQ(ranges.size(), 2u);
  EXPECT_EQ(ranges[0].offset, 0u);
  EXPECT_EQ(ranges[1].offset, 2000u);
  append_ranges(grid, {.x = 500, .y = 0, .width = 40, .height = 10}, {.source = &source}, ranges);
  EXPECT_EQ(ranges.size(), 2u);
}

TEST(RemoteRegion, DecodersSeeTheTokenOfTheirRead) {
  const RemoteSource source;
  NumberedGrid grid(1000);
  CancelSource cancel;
  std::atomic<int> seen = 0;
  grid.on_decode = [&] {
    cancel.cancel();
    if (CancelScope::current().cancelled()) ++seen;
  };
  EXPECT_THROW(read(grid, {.width = 128, .height = 96}, {.source = &source}, cancel.token()), Cancelled);
  EXPECT_GT(seen, 0);
  EXPECT_FALSE(CancelScope::current().cancelled());
}

TEST(TileCacheCancellation, ACancelledDecoderIsReplacedByWhoWaits) {
  TileCache cache(1 << 20, 16);
  std::atomic<bool> started = false;
  std::atomic<bool> leave = false;
  std::thread cancelled([&] {
    EXPECT_THROW(cache.get(7,
                           [&]() -> std::vector<std::uint8_t> {
                             started = true;
                             while (!leave) std::this_thread::sleep_for(1ms);
                             throw Cancelled{};
                           }),
                 Cancelled);
  });
  while (!started) std::this_thread::sleep_for(1ms);
  std::thread waiting([&] {
    const auto pixels = cache.get(7, [] { return std::vector<std::uint8_t>{1, 2, 3}; });
    EXPECT_EQ(*pixels, (std::vector<std::uint8_t>{1, 2, 3}));
  });
  std::this_thread::sleep_for(30ms);
  leave = true;
  cancelled.join();
  waiting.join();
}

TEST(TileCacheCancellation, WhoWaitsForAnotherOnesTileMayLeave) {
  TileCache cache(1 << 20, 16);
  std::atomic<bool> started = false;
  std::atomic<bool> leave = false;
  std::thread decoding([&] {
    cache.get(7, [&] {
      started = true;
      while (!leave) std::this_thread::sleep_for(1ms);
      return std::vector<std::uint8_t>{1};
    });
  });
  while (!started) std::this_thread::sleep_for(1ms);
  CancelSource cancel;
  std::thread waiting([&] {
    const CancelToken token = cancel.token();
    const CancelScope scope(token);
    EXPECT_THROW(cache.get(7, [] { return std::vector<std::uint8_t>{2}; }), Cancelled);
  });
  std::this_thread::sleep_for(30ms);
  cancel.cancel();
  waiting.join();
  leave = true;
  decoding.join();
}

}  // namespace
}  // namespace histojet::slide
