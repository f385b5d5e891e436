#include "slide/pyramid_writer.hpp"

#include <algorithm>
#include <cstring>
#include <map>
#include <mutex>

#include "base/checked.hpp"
#include "base/error.hpp"
#include "base/executor.hpp"
#include "base/part_file.hpp"
#include "slide/pyramid_directory.hpp"
#include "slide/pyramid_tile.hpp"

namespace histojet::slide {

namespace {

constexpr std::int64_t kLargestTop = 1024;
/// Above this side tiles are read one by one, below it four together.
constexpr std::int64_t kSmallTile = 512;
/// Pixels that wait to be stored.
constexpr std::int64_t kBatchBytes = 64 << 20;

struct Level {
  std::int64_t width = 0;  // of the stored part: the slide, or one period of it
  std::int64_t height = 0;
  std::int64_t columns = 0;
  std::int64_t rows = 0;
  std::vector<TileRange> ranges;
  std::array<std::vector<PyramidTilePointer>, 2> pending;  // two rows of tiles that wait to be halved
};

/// One run of the writer.
class Run {
 public:
  Run(const PyramidOptions& options, const std::string& path, const PyramidSource& source,
      const PyramidWriter::Progress& progress, const CancelToken& cancel)
      : options_(options), tile_(options.tile_px), file_(path), source_(source), progress_(progress), cancel_(cancel) {}

  std::int64_t write() {
    try {
      lay_out();
      file_.append(bigtiff_header());
      for (std::int64_t row = 0; row < levels_[0].rows; row += 2) advance(0, row);
      write_directories(file_, options_, directories());
      file_.commit();
      return static_cast<std::int64_t>(file_.size());
    } catch (...) {
      file_.discard();
      throw;
    }
  }

 private:
  /// A tile ready to be stored.
  struct Packed {
    bool there = false;
    std::optional<Colour> colour;
    std::vector<std::uint8_t> bytes;
  };
  /// What one task makes of a quad of tiles: those of its own level (level 0 only) and one of the next.
  struct Made {
    std::array<Packed, 4> own;
    PyramidTilePointer next;
    Packed next_packed;
  };

  void lay_out() {
    const bool periodic = options_.period_px > 0;
    std::int64_t width = options_.width;
    std::int64_t height = options_.height;
    std::int64_t stored_width = periodic ? options_.period_px : width;
    std::int64_t stored_height = periodic ? options_.period_px : height;
    while (true) {
      Level level;
      level.width = stored_width;
      level.height = stored_height;
      level.columns = ceil_div(stored_width, tile_);
      level.rows = ceil_div(stored_height, tile_);
      level.ranges.resize(static_cast<std::size_t>(level.columns * level.rows));
      for (auto& row : level.pending) row.resize(static_cast<std::size_t>(level.columns));
      total_ += level.columns * level.rows;
      levels_.push_back(std::move(level));
      sizes_.push_back({width, height});
      if (!options_.pyramid || (width <= kLargestTop && height <= kLargestTop)) break;
      if (width < 2 || height < 2 || stored_width < 2) break;
      width /= 2, height /= 2, stored_width /= 2, stored_height /= 2;
    }
  }

  std::vector<LevelTable> directories() const {
    std::vector<LevelTable> tables;
    for (std::size_t i = 0; i < levels_.size(); ++i) {
      const Level& level = levels_[i];
      tables.push_back({sizes_[i][0], sizes_[i][1], level.columns, level.rows, &level.ranges});
    }
    return tables;
  }

  /// Takes two rows of tiles of a level (read from the source on level 0) to the next level.
  void advance(std::size_t index, std::int64_t row) {
    Level& level = levels_[index];
    const bool last = index + 1 == levels_.size();
    if (last && index > 0) return;
    const std::int64_t quads = ceil_div(level.columns, 2);
    const std::int64_t quad_bytes = 4 * tile_ * tile_ * options_.channels;
    const std::int64_t at_once =
        std::max<std::int64_t>(2 * Executor::instance().thread_count(), kBatchBytes / quad_bytes);
    for (std::int64_t first = 0; first < quads; first += at_once) {
      std::vector<Made> made(static_cast<std::size_t>(std::min(at_once, quads - first)));
      Executor::instance().parallel_for(static_cast<std::int64_t>(made.size()), 0, [&](std::int64_t i) {
        cancel_.throw_if_cancelled();
        make(index, first + i, row, made[static_cast<std::size_t>(i)]);
      });
      for (Made& m : made) store(index, first + (&m - made.data()), row, m);
    }
    if (last) return;
    for (auto& pending : level.pending) std::fill(pending.begin(), pending.end(), nullptr);
    const std::int64_t next_row = row / 2;
    if (next_row >= levels_[index + 1].rows) return;
    if (next_row % 2 == 1 || next_row + 1 == levels_[index + 1].rows) advance(index + 1, next_row / 2 * 2);
  }

  /// A quad may lie in the last, odd pixel of a level, which the next level drops.
  bool has_next(std::size_t index, std::int64_t q, std::int64_t row) const {
    return index + 1 < levels_.size() && q < levels_[index + 1].columns && row / 2 < levels_[index + 1].rows;
  }

  void make(std::size_t index, std::int64_t q, std::int64_t row, Made& m) {
    std::optional<TileHalving> halving;
    if (has_next(index, q, row)) {
      const Level& next = levels_[index + 1];
      halving.emplace(options_, std::min(tile_, next.width - q * tile_),
                      std::min(tile_, next.height - row / 2 * tile_));
    }
    if (index == 0) {
      read_quad(q, row, m, halving);
    } else if (halving) {
      const Level& level = levels_[index];
      for (std::int64_t k = 0; k < 4; ++k) {
        const std::int64_t column = 2 * q + k % 2;
        if (column >= level.columns || row + k / 2 >= level.rows) continue;
        const auto& tile = level.pending[static_cast<std::size_t>(k / 2)][static_cast<std::size_t>(column)];
        if (tile) halving->add(k, *tile);
      }
    }
    if (!halving) return;
    m.next = halving->finish();
    m.next_packed = pack(*m.next);
  }

  Packed pack(const PyramidTile& tile) const {
    if (tile.colour) return {true, tile.colour, {}};
    return {true, {}, encode_tile(tile.pixels, options_)};
  }

  void read_quad(std::int64_t q, std::int64_t row, Made& m, std::optional<TileHalving>& halving) {
    const Level& level = levels_[0];
    const std::int64_t x = 2 * q * tile_;
    const std::int64_t y = row * tile_;
    const std::int64_t width = std::min(2 * tile_, level.width - x);
    const std::int64_t height = std::min(2 * tile_, level.height - y);
    const std::optional<Colour> colour = source_.uniform(x, y, width, height);
    Image pixels;
    if (!colour && tile_ <= kSmallTile) pixels = read_checked(x, y, width, height);
    for (std::int64_t k = 0; k < 4; ++k) {
      const std::int64_t left = k % 2 * tile_;
      const std::int64_t top = k / 2 * tile_;
      if (left >= width || top >= height) continue;
      PyramidTile tile;
      tile.width = std::min(tile_, width - left);
      tile.height = std::min(tile_, height - top);
      tile.colour = colour;
      if (!colour && tile_ <= kSmallTile) {
        place(pixels, left, top, tile);
      } else if (!colour) {
        place(read_checked(x + left, y + top, tile.width, tile.height), 0, 0, tile);
      }
      m.own[static_cast<std::size_t>(k)] = pack(tile);
      if (halving) halving->add(k, tile);
    }
    report(1);
  }

  Image read_checked(std::int64_t x, std::int64_t y, std::int64_t width, std::int64_t height) const {
    Image pixels = source_.read(x, y, width, height);
    if (pixels.width == width && pixels.height == height && pixels.channels == options_.channels) return pixels;
    throw Error(ErrorCode::kInvalidArgument,
                "pyramid: the source gave " + std::to_string(pixels.width) + " x " + std::to_string(pixels.height) +
                    " x " + std::to_string(pixels.channels) + " instead of " + std::to_string(width) + " x " +
                    std::to_string(height) + " x " + std::to_string(options_.channels));
  }

  /// Cuts a tile out of pixels and pads it.
  void place(const Image& pixels, std::int64_t left, std::int64_t top, PyramidTile& tile) const {
    const std::int64_t step = options_.channels;
    tile.pixels = Image(tile_, tile_, options_.channels);
    for (std::int64_t j = 0; j < tile.height; ++j) {
      std::memcpy(tile.pixels.row(j), pixels.row(top + j) + step * left, static_cast<std::size_t>(step * tile.width));
    }
    pad_tile(tile, options_.period_px > 0);
    if (options_.merge_uniform) tile.colour = colour_of(tile.pixels);
  }

  void store(std::size_t index, std::int64_t q, std::int64_t row, Made& m) {
    if (index == 0) {
      Level& level = levels_[0];
      for (std::int64_t k = 0; k < 4; ++k) {
        const Packed& tile = m.own[static_cast<std::size_t>(k)];
        if (!tile.there) continue;
        const std::int64_t at = (row + k / 2) * level.columns + 2 * q + k % 2;
        level.ranges[static_cast<std::size_t>(at)] = put(tile);
      }
    }
    if (!m.next) return;
    Level& next = levels_[index + 1];
    const std::int64_t next_row = row / 2;
    next.ranges[static_cast<std::size_t>(next_row * next.columns + q)] = put(m.next_packed);
    next.pending[static_cast<std::size_t>(next_row % 2)][static_cast<std::size_t>(q)] = m.next;
  }

  TileRange put(const Packed& tile) {
    if (!tile.colour) return append(tile.bytes);
    const auto found = uniform_.find(*tile.colour);
    if (found != uniform_.end()) return found->second;
    Image flat(tile_, tile_, options_.channels);
    const auto step = static_cast<std::size_t>(options_.channels);
    for (std::size_t i = 0; i < flat.data.size(); ++i) flat.data[i] = (*tile.colour)[i % step];
    return uniform_[*tile.colour] = append(encode_tile(flat, options_));
  }

  TileRange append(const std::vector<std::uint8_t>& bytes) {
    const TileRange range{file_.size(), bytes.size()};
    file_.append(bytes);
    return range;
  }

  /// Counts a quad of level-0 tiles; the smaller levels are credited with it.
  void report(std::int64_t quads) {
    if (!progress_) return;
    const std::lock_guard<std::mutex> lock(progress_mutex_);
    done_ += quads;
    const std::int64_t all = ceil_div(levels_[0].columns, 2) * ceil_div(levels_[0].rows, 2);
    progress_(total_ * done_ / all, total_);
  }

  const PyramidOptions& options_;
  const std::int64_t tile_;
  PartFile file_;
  const PyramidSource& source_;
  const PyramidWriter::Progress& progress_;
  const CancelToken& cancel_;
  std::vector<Level> levels_;
  std::vector<std::array<std::int64_t, 2>> sizes_;
  std::map<Colour, TileRange> uniform_;
  std::mutex progress_mutex_;
  std::int64_t done_ = 0;
  std::int64_t total_ = 0;
};

[[noreturn]] void refuse(const std::string& reason) {
  throw Error(ErrorCode::kInvalidArgument, "pyramid: " + reason);
}

void check_encoding(const PyramidOptions& o) {
  if (o.tile_px < 16 || o.tile_px > 4096 || o.tile_px % 16 != 0) {
    refuse("the tile size must be a multiple of 16 from 16 to 4096, got " + std::to_string(o.tile_px));
  }
  if (o.channels != 1 && o.channels != 3) refuse("channels must be 1 or 3, got " + std::to_string(o.channels));
  if (o.quality < 1 || o.quality > 100) refuse("quality must be 1 to 100, got " + std::to_string(o.quality));
  if (o.subsampling != 1 && o.subsampling != 2) {
    refuse("subsampling must be 1 or 2, got " + std::to_string(o.subsampling));
  }
}

}  // namespace

PyramidWriter::PyramidWriter(PyramidOptions options) : options_(std::move(options)) {
  constexpr std::int64_t kLongest = 4'000'000;
  const PyramidOptions& o = options_;
  if (o.width < 1 || o.height < 1 || o.width > kLongest || o.height > kLongest) {
    refuse("sides must be 1 to 4000000 pixels, got " + std::to_string(o.width) + " x " + std::to_string(o.height));
  }
  check_encoding(o);
  if (o.period_px != 0 && (o.period_px < 256 || (o.period_px & (o.period_px - 1)) != 0 || o.tile_px != 256)) {
    refuse("the period must be a power of two, at least 256, with tiles of 256; got " + std::to_string(o.period_px) +
           " with tiles of " + std::to_string(o.tile_px));
  }
  for (const double mpp : {o.mpp, o.mpp_y}) {
    if (!(mpp >= 0 && mpp < 1000)) refuse("mpp must be 0 to 1000, got " + std::to_string(mpp));
  }
}

std::int64_t PyramidWriter::write(const std::string& path, const PyramidSource& source, const Progress& progress,
                                  const CancelToken& cancel) const {
  return Run(options_, path, source, progress, cancel).write();
}

}  // namespace histojet::slide
