#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/byte_source.hpp"
#include "base/cancel.hpp"
#include "slide/tile_cache.hpp"
#include "slide/tile_grid.hpp"

namespace histojet::slide {

/// A window of one level with whole coordinates, and what it becomes.
struct Window {
  std::int64_t x = 0;  ///< pixels of the level; may lie outside of it
  std::int64_t y = 0;
  std::int64_t width = 0;
  std::int64_t height = 0;
  int channels = 3;                                       ///< 3: on `background`; 4: straight alpha
  std::array<std::uint8_t, 3> background{255, 255, 255};  ///< where nothing is stored, for 3 channels
};

/// What the reader of a region needs of its slide.
struct RegionContext {
  TileCache* cache = nullptr;
  const ByteSource* source = nullptr;                         ///< of the tiles; a remote one is told what will be read
  int level = 0;                                              ///< for cache keys and messages
  bool tolerant = false;                                      ///< a damaged tile is left empty and reported
  bool parallel = true;                                       ///< false inside work that is already parallel
  const std::string* name = nullptr;                          ///< of the slide, for messages
  std::function<void(const std::string&)> warn = nullptr;     ///< may be called from any thread
  std::function<void(const DamagedTile&)> damaged = nullptr;  ///< likewise, with what `warn` hears in words
};

/// Writes the window into `out` (rows without padding). Tiles that lie wholly inside the window are decoded straight
/// into its rows, others through the cache; tiles are decoded in parallel and never overlap, so the result does not
/// depend on the number of threads.
/// @throws Error kCorruptFile, kUnsupportedFormat naming level, column and row; Cancelled.
void read_window(const TileGrid& grid, const Window& window, std::uint8_t* out, const RegionContext& context,
                 const CancelToken& cancel);

/// Where the bytes of the window's tiles lie, those in the cache excepted. Appends to `out`; damage is left to the
/// read that meets it. @throws Error kIo when the tile table cannot be fetched; Cancelled.
void append_ranges(const TileGrid& grid, const Window& window, const RegionContext& context,
                   std::vector<ByteRange>& out);

}  // namespace histojet::slide
