#include "slide/pyramid_writer.hpp"

#include <algorithm>
#include <cstring>
#include <map>
#include <memory>
#include <mutex>

#include "base/checked.hpp"
#include "base/error.hpp"
#include "base/executor.hpp"
#include "base/part_file.hpp"
#include "codecs/jpeg.hpp"
#include "slide/pyramid_directory.hpp"

namespace histojet::slide {

namespace {

constexpr std::int64_t kTile = PyramidWriter::kTile;
constexpr std::int64_t kLargestTop = 1024;

/// A tile on its way: pixels, or one colour. `width` x `height` of it belong to the level, the rest is padding.
struct Tile {
  std::int64_t width = 0;
  std::int64_t height = 0;
  std::optional<Colour> colour;
  Image pixels;  // kTile x kTile where there is no colour
};
using TilePointer = std::shared_ptr<const Tile>;

struct Level {
  std::int64_t width = 0;  // of the stored part: the slide, or one period of it
  std::int64_t height = 0;
  std::int64_t columns = 0;
  std::int64_t rows = 0;
  std::vector<TileRange> ranges;
  std::array<std::vector<TilePointer>, 2> pending;  // two rows of tiles that wait to be halved
};

/// Copies the level's part of a tile into the padding: repeated edge pixels, or the start again where the slide is
/// periodic.
void pad(Tile& tile, bool wrap) {
  Image& p = tile.pixels;
  for (std::int64_t y = 0; y < kTile; ++y) {
    const std::int64_t from = y < tile.height ? y : (wrap ? y % tile.height : tile.height - 1);
    if (from != y) std::memcpy(p.row(y), p.row(from), static_cast<std::size_t>(kTile * 3));
    std::uint8_t* row = p.row(y);
    for (std::int64_t x = tile.width; x < kTile; ++x) {
      std::memcpy(row + 3 * x, row + 3 * (wrap ? x % tile.width : tile.width - 1), 3);
    }
  }
}

/// The 2 x 2 mean of up to four tiles as one tile of the next level.
class Halving {
 public:
  /// `quad`: upper left, upper right, lower left, lower right; missing ones are null.
  static TilePointer make(const std::array<TilePointer, 4>& quad, std::int64_t width, std::int64_t height, bool wrap) {
    auto tile = std::make_shared<Tile>();
    tile->width = width;
    tile->height = height;
    if (same_colour(quad)) {
      tile->colour = quad[0]->colour;
      return tile;
    }
    tile->pixels = Image(kTile, kTile, 3);
    for (std::int64_t y = 0; y < height; ++y) {
      for (std::int64_t half = 0; half < 2; ++half) {
        const std::int64_t first = half * kTile / 2;
        const std::int64_t count = std::min(width - first, kTile / 2);
        if (count <= 0) continue;
        const TilePointer& from = quad[static_cast<std::size_t>((2 * y >= kTile ? 2 : 0) + half)];
        halve_row(*from, 2 * y % kTile, count, tile->pixels.row(y) + 3 * first);
      }
    }
    pad(*tile, wrap);
    return tile;
  }

 private:
  static bool same_colour(const std::array<TilePointer, 4>& quad) {
    return std::all_of(quad.begin(), quad.end(), [&](const TilePointer& tile) {
      return !tile || (tile->colour && tile->colour == quad[0]->colour);
    });
  }
  static void halve_row(const Tile& from, std::int64_t y, std::int64_t count, std::uint8_t* out) {
    if (from.colour) {
      for (std::int64_t x = 0; x < count; ++x) std::memcpy(out + 3 * x, from.colour->data(), 3);
      return;
    }
    const std::uint8_t* a = from.pixels.row(y);
    const std::uint8_t* b = from.pixels.row(y + 1);
    for (std::int64_t x = 0; x < count; ++x) {
      for (std::int64_t k = 0; k < 3; ++k) {
        const std::int64_t i = 6 * x + k;
        out[3 * x + k] = static_cast<std::uint8_t>((a[i] + a[i + 3] + b[i] + b[i + 3] + 2) / 4);
      }
    }
  }
};

/// One run of the writer.
class Run {
 public:
  Run(const PyramidOptions& options, const std::string& path, const PyramidSource& source,
      const PyramidWriter::Progress& progress, const CancelToken& cancel)
      : options_(options),
        jpeg_{options.quality, options.subsampling, true},
        file_(path),
        source_(source),
        progress_(progress),
        cancel_(cancel) {}

  std::int64_t write() {
    try {
      lay_out();
      file_.append(bigtiff_header());
      for (std::int64_t row = 0; row < levels_[0].rows; row += 2) advance(0, row);
      write_directories(file_, options_, jpeg_, directories());
      file_.commit();
      return static_cast<std::int64_t>(file_.size());
    } catch (...) {
      file_.discard();
      throw;
    }
  }

 private:
  /// What one task makes of a quad of tiles: encoded tiles of its own level (level 0 only) and one of the next.
  struct Made {
    std::array<std::vector<std::uint8_t>, 4> own;
    std::array<TilePointer, 4> tiles;
    TilePointer next;
    std::vector<std::uint8_t> next_bytes;
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
      level.columns = ceil_div(stored_width, kTile);
      level.rows = ceil_div(stored_height, kTile);
      level.ranges.resize(static_cast<std::size_t>(level.columns * level.rows));
      for (auto& row : level.pending) row.resize(static_cast<std::size_t>(level.columns));
      total_ += level.columns * level.rows;
      levels_.push_back(std::move(level));
      sizes_.push_back({width, height});
      if ((width <= kLargestTop && height <= kLargestTop) || width < 2 || height < 2 || stored_width < 2) break;
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
    std::vector<Made> made(static_cast<std::size_t>(quads));
    Executor::instance().parallel_for(quads, 0, [&](std::int64_t q) {
      cancel_.throw_if_cancelled();
      Made& m = made[static_cast<std::size_t>(q)];
      if (index == 0) {
        read_quad(q, row, m);
      } else {
        for (std::int64_t k = 0; k < 4; ++k) {
          const std::int64_t column = 2 * q + k % 2;
          if (column < level.columns && row + k / 2 < level.rows) {
            m.tiles[static_cast<std::size_t>(k)] =
                level.pending[static_cast<std::size_t>(k / 2)][static_cast<std::size_t>(column)];
          }
        }
      }
      if (!last) halve_quad(index, q, row, m);
    });
    for (std::int64_t q = 0; q < quads; ++q) store(index, q, row, made[static_cast<std::size_t>(q)]);
    if (last) return;
    for (auto& pending : level.pending) std::fill(pending.begin(), pending.end(), nullptr);
    const std::int64_t next_row = row / 2;
    if (next_row >= levels_[index + 1].rows) return;
    if (next_row % 2 == 1 || next_row + 1 == levels_[index + 1].rows) advance(index + 1, next_row / 2 * 2);
  }

  void read_quad(std::int64_t q, std::int64_t row, Made& m) {
    const Level& level = levels_[0];
    const std::int64_t x = 2 * q * kTile;
    const std::int64_t y = row * kTile;
    const std::int64_t width = std::min(2 * kTile, level.width - x);
    const std::int64_t height = std::min(2 * kTile, level.height - y);
    const std::optional<Colour> colour = source_.uniform(x, y, width, height);
    Image pixels;
    if (!colour) pixels = source_.read(x, y, width, height);
    for (std::int64_t k = 0; k < 4; ++k) {
      const std::int64_t left = k % 2 * kTile;
      const std::int64_t top = k / 2 * kTile;
      if (left >= width || top >= height) continue;
      auto tile = std::make_shared<Tile>();
      tile->width = std::min(kTile, width - left);
      tile->height = std::min(kTile, height - top);
      tile->colour = colour;
      if (!colour) {
        tile->pixels = Image(kTile, kTile, 3);
        for (std::int64_t j = 0; j < tile->height; ++j) {
          std::memcpy(tile->pixels.row(j), pixels.row(top + j) + 3 * left, static_cast<std::size_t>(3 * tile->width));
        }
        pad(*tile, options_.period_px > 0);
        m.own[static_cast<std::size_t>(k)] = codecs::encode_jpeg(tile->pixels, jpeg_);
      }
      m.tiles[static_cast<std::size_t>(k)] = tile;
    }
    report(1);
  }

  void halve_quad(std::size_t index, std::int64_t q, std::int64_t row, Made& m) {
    const Level& next = levels_[index + 1];
    if (q >= next.columns || row / 2 >= next.rows) return;
    const std::int64_t width = std::min(kTile, next.width - q * kTile);
    const std::int64_t height = std::min(kTile, next.height - row / 2 * kTile);
    m.next = Halving::make(m.tiles, width, height, options_.period_px > 0);
    if (!m.next->colour) m.next_bytes = codecs::encode_jpeg(m.next->pixels, jpeg_);
  }

  void store(std::size_t index, std::int64_t q, std::int64_t row, Made& m) {
    if (index == 0) {
      Level& level = levels_[0];
      for (std::int64_t k = 0; k < 4; ++k) {
        const TilePointer& tile = m.tiles[static_cast<std::size_t>(k)];
        if (!tile) continue;
        const std::int64_t at = (row + k / 2) * level.columns + 2 * q + k % 2;
        level.ranges[static_cast<std::size_t>(at)] = put(*tile, m.own[static_cast<std::size_t>(k)]);
      }
    }
    if (!m.next) return;
    Level& next = levels_[index + 1];
    const std::int64_t next_row = row / 2;
    next.ranges[static_cast<std::size_t>(next_row * next.columns + q)] = put(*m.next, m.next_bytes);
    next.pending[static_cast<std::size_t>(next_row % 2)][static_cast<std::size_t>(q)] = m.next;
  }

  TileRange put(const Tile& tile, const std::vector<std::uint8_t>& bytes) {
    if (!tile.colour) {
      const TileRange range{file_.size(), bytes.size()};
      file_.append(bytes);
      return range;
    }
    const auto found = uniform_.find(*tile.colour);
    if (found != uniform_.end()) return found->second;
    Image flat(kTile, kTile, 3);
    for (std::size_t i = 0; i < flat.data.size(); ++i) flat.data[i] = (*tile.colour)[i % 3];
    const std::vector<std::uint8_t> encoded = codecs::encode_jpeg(flat, jpeg_);
    const TileRange range{file_.size(), encoded.size()};
    file_.append(encoded);
    return uniform_[*tile.colour] = range;
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
  codecs::JpegEncodeOptions jpeg_;
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

}  // namespace

PyramidWriter::PyramidWriter(PyramidOptions options) : options_(std::move(options)) {
  constexpr std::int64_t kLongest = 4'000'000;
  const PyramidOptions& o = options_;
  if (o.width < 1 || o.height < 1 || o.width > kLongest || o.height > kLongest) {
    throw Error(ErrorCode::kInvalidArgument, "pyramid: sides must be 1 to 4000000 pixels, got " +
                                                 std::to_string(o.width) + " x " + std::to_string(o.height));
  }
  if (o.period_px != 0 && (o.period_px < kTile || (o.period_px & (o.period_px - 1)) != 0)) {
    throw Error(ErrorCode::kInvalidArgument,
                "pyramid: the period must be a power of two, at least 256, got " + std::to_string(o.period_px));
  }
  if (!(o.mpp >= 0 && o.mpp < 1000)) {
    throw Error(ErrorCode::kInvalidArgument, "pyramid: mpp must be 0 to 1000, got " + std::to_string(o.mpp));
  }
}

std::int64_t PyramidWriter::write(const std::string& path, const PyramidSource& source, const Progress& progress,
                                  const CancelToken& cancel) const {
  return Run(options_, path, source, progress, cancel).write();
}

}  // namespace histojet::slide
