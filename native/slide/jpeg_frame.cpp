#include "slide/jpeg_frame.hpp"

#include <algorithm>
#include <optional>

#include "base/checked.hpp"
#include "base/error.hpp"
#include "slide/scratch.hpp"

namespace histojet::slide {
namespace {

constexpr std::uint64_t kUsualHeader = 64 << 10;
constexpr std::uint64_t kLongestHeader = 1 << 20;
constexpr std::uint64_t kMaxPixels = 1 << 28;
// A JPEG block of 64 pixels takes at least about a bit.
constexpr std::uint64_t kMaxShrink = 4096;

constexpr std::uint8_t kStartOfImage = 0xD8;
constexpr std::uint8_t kStartOfScan = 0xDA;

bool is_frame_marker(std::uint8_t marker) {
  return marker >= 0xC0 && marker <= 0xCF && marker != 0xC4 && marker != 0xC8 && marker != 0xCC;
}

Error damaged(const std::string& reason) {
  return Error(ErrorCode::kCorruptFile, "JPEG: " + reason);
}

struct Markers {
  std::size_t end = 0;  ///< of the scan header
  std::size_t size_at = 0;
};

/// Walks the marker segments; nothing when they go beyond `bytes`.
std::optional<Markers> walk_markers(std::span<const std::uint8_t> bytes) {
  if (bytes.size() < 2) return std::nullopt;
  if (bytes[0] != 0xFF || bytes[1] != kStartOfImage) throw damaged("no start-of-image marker");
  Markers found;
  for (std::size_t at = 2; at + 4 <= bytes.size();) {
    if (bytes[at] != 0xFF) throw damaged("expected a marker at byte " + std::to_string(at));
    const std::uint8_t marker = bytes[at + 1];
    if (marker == 0xFF) {  // a fill byte
      ++at;
      continue;
    }
    const std::size_t length = static_cast<std::size_t>(bytes[at + 2]) << 8 | bytes[at + 3];
    if (length < 2) throw damaged("a marker segment of " + std::to_string(length) + " bytes");
    if (is_frame_marker(marker)) {
      if (length < 8) throw damaged("a frame header of " + std::to_string(length) + " bytes");
      found.size_at = at + 5;
    }
    at += 2 + length;
    if (marker != kStartOfScan) continue;
    if (found.size_at == 0) throw damaged("no frame header before the scan");
    if (at > bytes.size()) return std::nullopt;
    found.end = at;
    return found;
  }
  return std::nullopt;
}

std::int64_t side_at(std::span<const std::uint8_t> stream, std::size_t at) {
  return static_cast<std::int64_t>(stream[at]) << 8 | stream[at + 1];
}

}  // namespace

void set_jpeg_size(std::span<std::uint8_t> stream, std::size_t size_at, std::int64_t width, std::int64_t height) {
  stream[size_at] = static_cast<std::uint8_t>(height >> 8);
  stream[size_at + 1] = static_cast<std::uint8_t>(height);
  stream[size_at + 2] = static_cast<std::uint8_t>(width >> 8);
  stream[size_at + 3] = static_cast<std::uint8_t>(width);
}

codecs::JpegDecoder& plain_jpeg_decoder() {
  thread_local codecs::JpegDecoder decoder;
  return decoder;
}

JpegFrame read_jpeg_frame(const ByteSource& source, std::uint64_t offset, std::uint64_t length) {
  JpegFrame frame;
  for (const std::uint64_t limit : {kUsualHeader, kLongestHeader}) {
    frame.head = source.read(offset, std::min(length, limit));
    const auto markers = walk_markers(frame.head);
    if (!markers) continue;
    frame.head.resize(markers->end);
    frame.size_at = markers->size_at;
    frame.scan = offset + markers->end;
    const std::int64_t height = side_at(frame.head, frame.size_at);
    const std::int64_t width = side_at(frame.head, frame.size_at + 2);
    const auto readable = [](std::int64_t side) { return side == 0 ? kMaxJpegSide : std::min(side, kMaxJpegSide); };
    set_jpeg_size(frame.head, frame.size_at, readable(width), readable(height));
    frame.header = plain_jpeg_decoder().read_header(frame.head);
    frame.header.width = width;
    frame.header.height = height;
    return frame;
  }
  throw damaged("no scan within the first " + std::to_string(std::min(length, kLongestHeader)) + " bytes");
}

JpegStreamGrid::JpegStreamGrid(std::shared_ptr<const ByteSource> source, std::uint64_t offset, std::uint64_t length,
                               int shrink)
    : source_(std::move(source)), place_{offset, length}, shrink_(shrink) {
  const JpegFrame frame = read_jpeg_frame(*source_, offset, length);
  stream_width_ = frame.header.width;
  stream_height_ = frame.header.height;
  if (stream_width_ < 1 || stream_height_ < 1 || std::max(stream_width_, stream_height_) > kMaxJpegSide) {
    throw Error(ErrorCode::kUnsupportedFormat, "JPEG: sides of " + std::to_string(stream_width_) + " x " +
                                                   std::to_string(stream_height_) +
                                                   " without restart markers, expected 1..65500");
  }
  const auto pixels = static_cast<std::uint64_t>(stream_width_ * stream_height_);
  if (pixels > kMaxPixels) {
    throw Error(ErrorCode::kUnsupportedFormat,
                "JPEG: " + std::to_string(pixels) + " pixels must be decoded as a whole, at most 2^28 are read so");
  }
  if (pixels / kMaxShrink > length) {
    throw damaged(std::to_string(length) + " bytes cannot hold " + std::to_string(pixels) + " pixels");
  }
  width_ = tile_width_ = ceil_div(stream_width_, shrink);
  height_ = tile_height_ = ceil_div(stream_height_, shrink);
}

std::string JpegStreamGrid::decode_tile(std::int64_t, std::int64_t, std::uint8_t* out, std::int64_t stride,
                                        bool tolerant) const {
  Scratch stream(place_.length);
  source_->read_at(place_.offset, stream.span());
  codecs::JpegDecoder& decoder = plain_jpeg_decoder();
  return decoder.decode(stream.span(), codecs::JpegColor::kAuto, stream_width_, stream_height_, 3, out, stride,
                        tolerant, shrink_);
}

void JpegStreamGrid::stored_ranges(std::int64_t, std::int64_t, std::vector<ByteRange>& out) const {
  out.push_back(place_);
}

}  // namespace histojet::slide
