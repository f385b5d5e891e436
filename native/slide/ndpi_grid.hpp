#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "slide/jpeg_frame.hpp"
#include "slide/tiff_directory.hpp"
#include "slide/tile_grid.hpp"

namespace histojet::slide {

/// A JPEG stream of any size whose restart markers stand at the same columns in each row of units, so that the parts
/// between them can be decoded alone (Hamamatsu NDPI; openslide.github.io, formats/hamamatsu). Shared by the levels
/// that are decoded from it. Immutable, safe from any number of threads.
class RestartStream {
 public:
  /// `width` and `height` are those of the directory; a stream may be too large to say them itself. The table of
  /// markers (tags 65426, 65432) is read at the first use. `file` must outlive the stream.
  /// @throws Error kCorruptFile, kUnsupportedFormat when the intervals form no grid.
  RestartStream(const TiffFile& file, const TiffDirectory& directory, JpegFrame frame, ByteRange place,
                std::int64_t width, std::int64_t height);

  std::int64_t width() const { return width_; }
  std::int64_t height() const { return height_; }
  /// Pixels between two markers: a strip as high as one unit of the JPEG.
  std::int64_t interval_width() const { return interval_width_; }
  std::int64_t interval_height() const { return frame_.header.unit_height; }
  std::int64_t across() const { return across_; }
  std::int64_t down() const { return down_; }

  /// Intervals of one column, one below the other.
  struct Stripe {
    std::int64_t column = 0;
    std::int64_t first_row = 0;
    std::int64_t rows = 1;
  };
  /// Decodes a stripe, shrunk by `shrink`, into rows `stride` bytes apart. Returns a warning of the tolerant decoder.
  std::string decode(const Stripe& stripe, int shrink, std::uint8_t* out, std::int64_t stride, bool tolerant) const;
  /// Decodes the rectangle `part` of a stripe (in its shrunk pixels) to what `decode` gives there. Only the intervals
  /// that it touches are read, and they are checked as strictly as `decode` checks them.
  void decode_part(const Stripe& stripe, int shrink, const Rect& part, std::uint8_t* out, std::int64_t stride) const;
  /// Where the table says that the stripe lies; nothing where it is missing or impossible. Appends.
  void stored_ranges(const Stripe& stripe, std::vector<ByteRange>& out) const;

 private:
  std::uint64_t count() const { return static_cast<std::uint64_t>(across_ * down_); }
  std::uint64_t end() const { return place_.offset + place_.length; }
  /// What tags 65426 and 65432 say, as offsets in the file; empty without a table of the right length.
  const std::vector<std::uint64_t>& listed() const;
  /// Found by looking for markers in the whole stream, once, in chunks. @throws Error kCorruptFile.
  const std::vector<std::uint64_t>& scanned() const;
  std::vector<std::uint64_t> scan() const;
  /// Bytes of interval `index` without the marker after it; length 0 when the table is impossible there.
  ByteRange interval(const std::vector<std::uint64_t>& starts, std::uint64_t index) const;
  std::uint64_t index(std::int64_t column, std::int64_t row) const {
    return static_cast<std::uint64_t>(row * across_ + column);
  }
  /// Length of the JPEG stream that `assemble` makes; 0 when `starts` is impossible there.
  std::size_t stripe_bytes(const std::vector<std::uint64_t>& starts, const Stripe& stripe) const;
  /// Makes a JPEG stream of the stripe alone; false when markers do not stand where `starts` says.
  bool assemble(const std::vector<std::uint64_t>& starts, const Stripe& stripe, std::uint8_t* stream) const;
  /// Without `window` all of the stripe.
  std::string decode_stripe(const Stripe& stripe, int shrink, const codecs::JpegWindow* window, std::uint8_t* out,
                            std::int64_t stride, bool tolerant) const;
  /// Rows of intervals, of `rows`, that go through the decompressor together.
  std::int64_t rows_at_once(std::int64_t rows) const;

  const ByteSource& source_;
  const TiffDirectory& directory_;
  JpegFrame frame_;
  ByteRange place_;
  std::int64_t width_;
  std::int64_t height_;
  std::int64_t interval_width_ = 0;
  std::int64_t across_ = 0;
  std::int64_t down_ = 0;
  mutable std::once_flag listed_once_;
  mutable std::vector<std::uint64_t> listed_;
  mutable std::once_flag scanned_once_;
  mutable std::vector<std::uint64_t> scanned_;
  mutable std::string scan_error_;
};

/// A level of a RestartStream. Its tiles are blocks of several intervals, because an interval is often thousands of
/// pixels wide but only 8 high, and one run of the decompressor over many is much faster than many runs.
class NdpiGrid final : public TileGrid {
 public:
  /// `shrink` 1, 2, 4, 8 must divide both sides of an interval.
  NdpiGrid(std::shared_ptr<const RestartStream> stream, int shrink);

  int channels() const override { return 3; }
  bool has_tile(std::int64_t, std::int64_t) const override { return true; }
  std::string decode_tile(std::int64_t column, std::int64_t row, std::uint8_t* out, std::int64_t stride,
                          bool tolerant) const override;
  bool decode_part(std::int64_t column, std::int64_t row, const Rect& part, std::uint8_t* out,
                   std::int64_t stride) const override;
  void stored_ranges(std::int64_t column, std::int64_t row, std::vector<ByteRange>& out) const override;

 private:
  std::vector<RestartStream::Stripe> stripes(std::int64_t column, std::int64_t row) const;

  std::shared_ptr<const RestartStream> stream_;
  int shrink_;
  std::int64_t intervals_across_ = 1;  ///< of one tile
  std::int64_t intervals_down_ = 1;
};

}  // namespace histojet::slide
