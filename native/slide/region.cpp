#include "slide/region.hpp"

#include <algorithm>
#include <cstring>
#include <span>
#include <vector>

#include "base/checked.hpp"
#include "base/error.hpp"
#include "base/executor.hpp"
#include "slide/scratch.hpp"

namespace histojet::slide {
namespace {

// Stored bytes that are announced to a remote source at once. Two such parts of a region are on their way at a time,
// which must fit what a source is ready to fetch ahead.
constexpr std::uint64_t kAnnouncedBytes = 6 << 20;

/// The part of the window that lies inside the level, in pixels of the level; without area if there is none.
Rect covered(const TileGrid& grid, const Window& window) {
  const std::int64_t left = std::max<std::int64_t>(window.x, 0);
  const std::int64_t top = std::max<std::int64_t>(window.y, 0);
  return {left, top, std::min(window.x + window.width, grid.width()) - left,
          std::min(window.y + window.height, grid.height()) - top};
}

std::uint64_t tile_key(const TileGrid& grid, int level, const TilePiece& piece) {
  return static_cast<std::uint64_t>(level) << 56 |
         static_cast<std::uint64_t>(piece.row * grid.tiles_across() + piece.column);
}

void append_piece(const TileGrid& grid, const TilePiece& piece, const RegionContext& context,
                  std::vector<ByteRange>& out) {
  try {
    if (context.cache != nullptr && context.cache->find(tile_key(grid, context.level, piece))) return;
    if (grid.has_tile(piece.column, piece.row)) grid.stored_ranges(piece.column, piece.row, out);
  } catch (const Error& error) {
    if (error.code() != ErrorCode::kCorruptFile && error.code() != ErrorCode::kUnsupportedFormat) throw;
  }
}

void fill_row(std::uint8_t* out, std::int64_t pixels, const Window& window) {
  if (window.channels == 4) {
    std::memset(out, 0, static_cast<std::size_t>(pixels * 4));
    return;
  }
  const auto& color = window.background;
  if (color[0] == color[1] && color[1] == color[2]) {
    std::memset(out, color[0], static_cast<std::size_t>(pixels * 3));
    return;
  }
  for (std::int64_t i = 0; i < pixels; ++i) std::memcpy(out + i * 3, color.data(), 3);
}

void expand_row(const std::uint8_t* from, std::uint8_t* out, std::int64_t pixels) {
  for (std::int64_t i = 0; i < pixels; ++i, from += 3, out += 4) {
    out[0] = from[0];
    out[1] = from[1];
    out[2] = from[2];
    out[3] = 255;
  }
}

void blend_row(const std::uint8_t* from, std::uint8_t* out, std::int64_t pixels, const Window& window) {
  for (std::int64_t i = 0; i < pixels; ++i, from += 4, out += 3) {
    const int alpha = from[3];
    for (int c = 0; c < 3; ++c) {
      const int mixed = from[c] * alpha + window.background[static_cast<std::size_t>(c)] * (255 - alpha);
      out[c] = static_cast<std::uint8_t>((mixed + 127) / 255);
    }
  }
}

void convert_row(const std::uint8_t* from, int channels, std::uint8_t* out, std::int64_t pixels, const Window& window) {
  if (channels == window.channels) {
    std::memcpy(out, from, static_cast<std::size_t>(pixels * channels));
  } else if (channels == 3) {
    expand_row(from, out, pixels);
  } else {
    blend_row(from, out, pixels, window);
  }
}

/// Reads one window; holds what all of its pieces share.
class WindowReader {
 public:
  WindowReader(const TileGrid& grid, const Window& window, std::uint8_t* out, const RegionContext& context)
      : grid_(grid), window_(window), out_(out), context_(context), stride_(window.width * window.channels) {}

  void read(const CancelToken& cancel) {
    const Rect inside = covered(grid_, window_);
    if (inside.width <= 0 || inside.height <= 0) {
      fill(0, 0, window_.width, window_.height);
      return;
    }
    if (grid_.gapless()) {
      const std::int64_t x = inside.x - window_.x;
      const std::int64_t y = inside.y - window_.y;
      fill_around(x, y, x + inside.width, y + inside.height);
    } else {
      fill(0, 0, window_.width, window_.height);
    }
    std::vector<TilePiece> pieces;
    grid_.pieces(inside, pieces);
    const auto announced = announce(pieces);
    for (TilePiece& piece : pieces) {
      piece.area.x -= window_.x;
      piece.area.y -= window_.y;
    }
    for (std::size_t part = 0; part < announced.size(); ++part) {
      if (part + 1 < announced.size()) context_.source->prefetch(announced[part + 1].ranges);
      read_pieces(std::span(pieces).subspan(announced[part].first, announced[part].count), cancel);
    }
  }

 private:
  /// Pieces whose bytes are fetched together.
  struct Part {
    std::size_t first = 0;
    std::size_t count = 0;
    std::vector<ByteRange> ranges;
  };

  /// One part for a local file. For a remote one parts of limited size, the first of them announced.
  std::vector<Part> announce(std::span<const TilePiece> pieces) const {
    std::vector<Part> parts(1);
    if (context_.source == nullptr || !context_.source->remote()) {
      parts.front().count = pieces.size();
      return parts;
    }
    std::uint64_t bytes = 0;
    for (std::size_t i = 0; i < pieces.size(); ++i) {
      if (bytes > kAnnouncedBytes) {
        parts.push_back({i, 0, {}});
        bytes = 0;
      }
      Part& part = parts.back();
      const std::size_t known = part.ranges.size();
      append_piece(grid_, pieces[i], context_, part.ranges);
      for (std::size_t k = known; k < part.ranges.size(); ++k) bytes += part.ranges[k].length;
      ++part.count;
    }
    context_.source->prefetch(parts.front().ranges);
    return parts;
  }

  void read_pieces(std::span<const TilePiece> pieces, const CancelToken& cancel) {
    const auto count = static_cast<std::int64_t>(pieces.size());
    const auto body = [&](std::int64_t i) {
      const CancelScope scope(cancel);
      cancel.throw_if_cancelled();
      read_piece(pieces[static_cast<std::size_t>(i)]);
    };
    if (context_.parallel) {
      Executor::instance().parallel_for(count, 0, body);
    } else {
      for (std::int64_t i = 0; i < count; ++i) body(i);
    }
  }

  std::uint8_t* at(std::int64_t x, std::int64_t y) const { return out_ + y * stride_ + x * window_.channels; }

  void fill(std::int64_t x, std::int64_t y, std::int64_t width, std::int64_t height) const {
    for (std::int64_t i = 0; i < height; ++i) fill_row(at(x, y + i), width, window_);
  }

  /// Fills the four bands outside of the rectangle that the level covers.
  void fill_around(std::int64_t x0, std::int64_t y0, std::int64_t x1, std::int64_t y1) const {
    fill(0, 0, window_.width, y0);
    fill(0, y1, window_.width, window_.height - y1);
    fill(0, y0, x0, y1 - y0);
    fill(x1, y0, window_.width - x1, y1 - y0);
  }

  void read_piece(const TilePiece& piece) const {
    try {
      if (!grid_.has_tile(piece.column, piece.row)) {
        fill(piece.area.x, piece.area.y, piece.area.width, piece.area.height);
        return;
      }
      decode_piece(piece);
    } catch (const Error& error) {
      if (error.code() != ErrorCode::kCorruptFile && error.code() != ErrorCode::kUnsupportedFormat) throw;
      const std::string message = describe(piece) + error.what();
      if (!context_.tolerant || error.code() != ErrorCode::kCorruptFile) throw Error(error.code(), message);
      report(message);
      mark(piece, true, error.what());
      fill(piece.area.x, piece.area.y, piece.area.width, piece.area.height);
    }
  }

  void decode_piece(const TilePiece& piece) const {
    const bool whole = piece.area.width == grid_.tile_width() && piece.area.height == grid_.tile_height();
    const std::uint64_t key = tile_key(grid_, context_.level, piece);
    const bool cached = context_.cache != nullptr && context_.cache->enabled() && grid_.worth_caching();
    if (whole && grid_.channels() == window_.channels) {
      if (const auto pixels = cached ? context_.cache->find(key) : nullptr) return copy(piece, pixels->data());
      note(piece,
           grid_.decode_tile(piece.column, piece.row, at(piece.area.x, piece.area.y), stride_, context_.tolerant));
      return;
    }
    grid_.check_tile(piece.column, piece.row);
    const std::int64_t tile_stride = grid_.tile_width() * grid_.channels();
    const auto size = static_cast<std::size_t>(tile_stride * grid_.tile_height());
    const auto decode = [&](std::uint8_t* to) {
      note(piece, grid_.decode_tile(piece.column, piece.row, to, tile_stride, context_.tolerant));
    };
    if (const auto pixels = cached ? context_.cache->find(key) : nullptr) return copy(piece, pixels->data());
    if (!context_.tolerant && !(cached && context_.cache->worth_keeping(key)) && read_part(piece)) return;
    if (!cached) {
      Scratch tile(size);
      decode(tile.data());
      return copy(piece, tile.data());
    }
    const auto pixels = context_.cache->get(key, [&] {
      std::vector<std::uint8_t> tile(size);
      decode(tile.data());
      return tile;
    });
    copy(piece, pixels->data());
  }

  /// Decodes no more of the tile than shows; false where that saves nothing.
  bool read_part(const TilePiece& piece) const {
    constexpr double kWorthwhile = 0.8;
    const double share = static_cast<double>(piece.area.width * piece.area.height) /
                         static_cast<double>(grid_.tile_width() * grid_.tile_height());
    if (share > kWorthwhile || grid_.channels() != 3) return false;
    const Rect part{piece.tile_x, piece.tile_y, piece.area.width, piece.area.height};
    if (window_.channels == 3) {
      return grid_.decode_part(piece.column, piece.row, part, at(piece.area.x, piece.area.y), stride_);
    }
    Scratch pixels(static_cast<std::size_t>(part.width * part.height * 3));
    if (!grid_.decode_part(piece.column, piece.row, part, pixels.data(), part.width * 3)) return false;
    for (std::int64_t y = 0; y < part.height; ++y) {
      convert_row(pixels.data() + y * part.width * 3, 3, at(piece.area.x, piece.area.y + y), part.width, window_);
    }
    return true;
  }

  void copy(const TilePiece& piece, const std::uint8_t* tile) const {
    const int channels = grid_.channels();
    for (std::int64_t y = 0; y < piece.area.height; ++y) {
      const std::uint8_t* from = tile + ((piece.tile_y + y) * grid_.tile_width() + piece.tile_x) * channels;
      convert_row(from, channels, at(piece.area.x, piece.area.y + y), piece.area.width, window_);
    }
  }

  std::string describe(const TilePiece& piece) const {
    return (context_.name != nullptr ? *context_.name + ": " : std::string()) + "level " +
           std::to_string(context_.level) + ", column " + std::to_string(piece.column) + ", row " +
           std::to_string(piece.row) + ": ";
  }

  void note(const TilePiece& piece, const std::string& warning) const {
    if (warning.empty()) return;
    report(describe(piece) + warning);
    mark(piece, false, warning);
  }
  void mark(const TilePiece& piece, bool lost, const std::string& reason) const {
    if (context_.damaged) context_.damaged({context_.level, piece.column, piece.row, lost, reason});
  }
  void report(const std::string& message) const {
    if (context_.warn) context_.warn(message);
  }

  // Areas of pieces are relative to the window from `read` on.
  const TileGrid& grid_;
  const Window& window_;
  std::uint8_t* out_;
  const RegionContext& context_;
  std::int64_t stride_;
};

}  // namespace

void read_window(const TileGrid& grid, const Window& window, std::uint8_t* out, const RegionContext& context,
                 const CancelToken& cancel) {
  cancel.throw_if_cancelled();
  const CancelScope scope(cancel);
  WindowReader(grid, window, out, context).read(cancel);
}

void append_ranges(const TileGrid& grid, const Window& window, const RegionContext& context,
                   std::vector<ByteRange>& out) {
  const Rect inside = covered(grid, window);
  if (inside.width <= 0 || inside.height <= 0) return;
  std::vector<TilePiece> pieces;
  grid.pieces(inside, pieces);
  for (const TilePiece& piece : pieces) append_piece(grid, piece, context, out);
}

}  // namespace histojet::slide
