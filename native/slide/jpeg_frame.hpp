#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/byte_source.hpp"
#include "codecs/jpeg.hpp"
#include "slide/tile_grid.hpp"

namespace histojet::slide {

/// The largest side that libjpeg reads (JPEG_MAX_DIMENSION of its jmorecfg.h).
inline constexpr std::int64_t kMaxJpegSide = 65500;

/// The start of a JPEG stream that lies inside a larger file, up to its entropy-coded data.
struct JpegFrame {
  std::vector<std::uint8_t> head;  ///< from SOI to the end of the scan header; sides that libjpeg refuses are 65500
  std::size_t size_at = 0;         ///< of the two bytes of the height in `head`; the width follows
  codecs::JpegHeader header;       ///< width and height as stored: 0 where the image is too large for JPEG
  std::uint64_t scan = 0;          ///< offset in the file of the first entropy-coded byte
};

/// Reads the markers of the stream at `offset`. @throws Error kCorruptFile when they are damaged or longer than 1 MiB.
JpegFrame read_jpeg_frame(const ByteSource& source, std::uint64_t offset, std::uint64_t length);

/// Writes width and height (1..65500) into the header of a stream.
void set_jpeg_size(std::span<std::uint8_t> stream, std::size_t size_at, std::int64_t width, std::int64_t height);

/// The decompressor of this thread, without tables.
codecs::JpegDecoder& plain_jpeg_decoder();

/// One whole JPEG stream inside a source as a grid of one tile, decoded at full size or to 1/2, 1/4, 1/8 of it.
class JpegStreamGrid final : public TileGrid {
 public:
  /// @throws Error kCorruptFile (header; fewer bytes than the pixels need), kUnsupportedFormat above 2^28 pixels.
  JpegStreamGrid(std::shared_ptr<const ByteSource> source, std::uint64_t offset, std::uint64_t length, int shrink = 1);

  int channels() const override { return 3; }
  bool has_tile(std::int64_t, std::int64_t) const override { return true; }
  std::string decode_tile(std::int64_t column, std::int64_t row, std::uint8_t* out, std::int64_t stride,
                          bool tolerant) const override;
  void stored_ranges(std::int64_t column, std::int64_t row, std::vector<ByteRange>& out) const override;

 private:
  std::shared_ptr<const ByteSource> source_;
  ByteRange place_;
  std::int64_t stream_width_ = 0;
  std::int64_t stream_height_ = 0;
  int shrink_ = 1;
};

}  // namespace histojet::slide
