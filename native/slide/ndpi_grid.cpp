#include "slide/ndpi_grid.hpp"

#include <algorithm>
#include <cstring>

#include "base/checked.hpp"
#include "base/error.hpp"
#include "slide/scratch.hpp"

namespace histojet::slide {
namespace {

constexpr std::uint64_t kMaxIntervals = 1 << 26;
constexpr std::size_t kScanChunk = 1 << 20;
// Blocks are large enough that a run of the decompressor pays and small enough that random reads waste little.
constexpr std::int64_t kBlockPixels = 1 << 16;
constexpr std::int64_t kBlockSide = 256;
// Well above what any quality setting produces.
constexpr std::uint64_t kMaxBytesPerPixel = 8;
constexpr std::uint64_t kMarkerBytes = 2;

bool is_restart(const std::uint8_t* at) {
  return at[0] == 0xFF && at[1] >= 0xD0 && at[1] <= 0xD7;
}

void put_marker(std::uint8_t* at, std::uint8_t code) {
  at[0] = 0xFF;
  at[1] = code;
}

}  // namespace

RestartStream::RestartStream(const TiffFile& file, const TiffDirectory& directory, JpegFrame frame, ByteRange place,
                             std::int64_t width, std::int64_t height)
    : source_(file.source()),
      directory_(directory),
      frame_(std::move(frame)),
      place_(place),
      width_(width),
      height_(height) {
  const codecs::JpegHeader& header = frame_.header;
  const std::int64_t units_across = ceil_div(width, header.unit_width);
  interval_width_ = std::int64_t{header.restart_interval} * header.unit_width;
  if (!header.single_scan || header.restart_interval < 1 || units_across % header.restart_interval != 0 ||
      interval_width_ > kMaxJpegSide) {
    throw Error(ErrorCode::kUnsupportedFormat,
                "JPEG: restart markers after each " + std::to_string(header.restart_interval) +
                    " units do not divide rows of " + std::to_string(units_across) + " units");
  }
  across_ = units_across / header.restart_interval;
  down_ = ceil_div(height, header.unit_height);
  // Each interval but the last ends with a marker of two bytes and holds at least one.
  if (count() > kMaxIntervals || count() > place.length) {
    throw Error(ErrorCode::kCorruptFile, "JPEG: " + std::to_string(place.length) + " bytes cannot hold " +
                                             std::to_string(count()) + " restart intervals");
  }
}

const std::vector<std::uint64_t>& RestartStream::listed() const {
  std::call_once(listed_once_, [this] {
    if (directory_.count(tag::kNdpiRestarts) != count()) return;
    try {
      std::vector<std::uint64_t> starts = directory_.integers(tag::kNdpiRestarts, count());
      if (directory_.count(tag::kNdpiRestartsHigh) == count()) {
        const auto high = directory_.integers(tag::kNdpiRestartsHigh, count());
        for (std::size_t i = 0; i < starts.size(); ++i) starts[i] |= high[i] << 32;
      }
      // What leaves the stream is never used, so that the sum may not wrap either.
      for (std::uint64_t& start : starts) start = start <= place_.length ? place_.offset + start : 0;
      starts.front() = frame_.scan;
      listed_ = std::move(starts);
    } catch (const Error& error) {
      // A damaged table is as good as none: the markers themselves tell.
      if (error.code() != ErrorCode::kCorruptFile) throw;
    }
  });
  return listed_;
}

const std::vector<std::uint64_t>& RestartStream::scanned() const {
  std::call_once(scanned_once_, [this] {
    try {
      scanned_ = scan();
    } catch (const Error& error) {
      // Kept, so that a damaged stream of gigabytes is not searched again for each tile.
      if (error.code() != ErrorCode::kCorruptFile) throw;
      scan_error_ = error.what();
    }
  });
  if (!scan_error_.empty()) throw Error(ErrorCode::kCorruptFile, scan_error_);
  return scanned_;
}

std::vector<std::uint64_t> RestartStream::scan() const {
  std::vector<std::uint64_t> starts{frame_.scan};
  std::vector<std::uint8_t> chunk(kScanChunk);
  for (std::uint64_t at = frame_.scan; at < end() && starts.size() < count();) {
    const auto size = static_cast<std::size_t>(std::min<std::uint64_t>(kScanChunk, end() - at));
    source_.read_at(at, std::span(chunk).first(size));
    std::size_t i = 0;
    while (i + 1 < size && starts.size() < count()) {
      const auto* found = static_cast<const std::uint8_t*>(std::memchr(chunk.data() + i, 0xFF, size - 1 - i));
      if (found == nullptr) {
        i = size - 1;
        break;
      }
      i = static_cast<std::size_t>(found - chunk.data());
      if (is_restart(found)) starts.push_back(at + i + kMarkerBytes);
      // After FF FF the second may begin a marker.
      i += found[1] == 0xFF ? 1 : 2;
    }
    // The last byte of a chunk may be the first half of a marker; it comes again in the next one.
    at += std::max<std::size_t>(i, 1);
  }
  if (starts.size() < count()) {
    throw Error(ErrorCode::kCorruptFile, "JPEG: expected " + std::to_string(count() - 1) + " restart markers, found " +
                                             std::to_string(starts.size() - 1));
  }
  return starts;
}

ByteRange RestartStream::interval(const std::vector<std::uint64_t>& starts, std::uint64_t index) const {
  const std::uint64_t begin = starts[index];
  const bool last = index + 1 == count();
  const std::uint64_t stop = last ? end() : starts[index + 1];
  if (begin < frame_.scan || stop > end() || stop < begin + (last ? 0 : kMarkerBytes)) return {};
  const auto longest = static_cast<std::uint64_t>(interval_width_ * interval_height()) * kMaxBytesPerPixel + 4096;
  const std::uint64_t length = stop - begin - (last ? 0 : kMarkerBytes);
  // Some writers fill the file up behind the last interval.
  if (last) return {begin, std::min(length, longest)};
  return length > longest ? ByteRange{} : ByteRange{begin, length};
}

std::size_t RestartStream::stripe_bytes(const std::vector<std::uint64_t>& starts, const Stripe& stripe) const {
  std::size_t total = frame_.head.size();
  for (std::int64_t i = 0; i < stripe.rows; ++i) {
    const ByteRange place = interval(starts, index(stripe.column, stripe.first_row + i));
    if (place.length == 0) return 0;
    total += static_cast<std::size_t>(place.length + kMarkerBytes);
  }
  return total;
}

bool RestartStream::assemble(const std::vector<std::uint64_t>& starts, const Stripe& stripe,
                             std::uint8_t* stream) const {
  std::uint8_t* data = stream + frame_.head.size();
  for (std::int64_t i = 0; i < stripe.rows; ++i) {
    // The markers on both sides are read along, checked, and replaced by those that the new order needs.
    const std::uint64_t number = index(stripe.column, stripe.first_row + i);
    const ByteRange place = interval(starts, number);
    const bool last = number + 1 == count();
    const std::uint64_t length = place.length + kMarkerBytes + (last ? 0 : kMarkerBytes);
    source_.read_at(place.offset - kMarkerBytes, {data - kMarkerBytes, static_cast<std::size_t>(length)});
    if (number > 0 && !is_restart(data - kMarkerBytes)) return false;
    if (!last && !is_restart(data + place.length)) return false;
    if (i > 0) put_marker(data - kMarkerBytes, static_cast<std::uint8_t>(0xD0 + (i - 1) % 8));
    data += place.length + kMarkerBytes;
  }
  put_marker(data - kMarkerBytes, 0xD9);
  std::copy(frame_.head.begin(), frame_.head.end(), stream);
  set_jpeg_size({stream, frame_.head.size()}, frame_.size_at, interval_width_, stripe.rows * interval_height());
  return true;
}

std::string RestartStream::decode_stripe(const Stripe& stripe, int shrink, const codecs::JpegWindow* window,
                                         std::uint8_t* out, std::int64_t stride, bool tolerant) const {
  const std::int64_t height = stripe.rows * interval_height();
  for (const auto* starts : {&listed(), static_cast<const std::vector<std::uint64_t>*>(nullptr)}) {
    if (starts == nullptr) starts = &scanned();
    if (starts->empty()) continue;
    Scratch stream(stripe_bytes(*starts, stripe));
    if (stream.span().empty() || !assemble(*starts, stripe, stream.data())) continue;
    codecs::JpegDecoder& decoder = plain_jpeg_decoder();
    if (window == nullptr) {
      return decoder.decode(stream.span(), codecs::JpegColor::kAuto, interval_width_, height, 3, out, stride, tolerant,
                            shrink);
    }
    decoder.decode_window(stream.span(), codecs::JpegColor::kAuto, interval_width_, height, 3, *window, out, stride,
                          shrink);
    return {};
  }
  throw Error(ErrorCode::kCorruptFile, "JPEG: a restart interval is empty or too long");
}

std::int64_t RestartStream::rows_at_once(std::int64_t rows) const {
  // With vertically subsampled colour the decompressor would smooth across the borders of intervals, which other
  // readers do not; without, rows of units do not see each other.
  return interval_height() == 8 ? rows : 1;
}

std::string RestartStream::decode(const Stripe& stripe, int shrink, std::uint8_t* out, std::int64_t stride,
                                  bool tolerant) const {
  const std::int64_t step = rows_at_once(stripe.rows);
  std::string warning;
  for (std::int64_t row = 0; row < stripe.rows; row += step) {
    std::uint8_t* at = out + row * interval_height() / shrink * stride;
    std::string said =
        decode_stripe({stripe.column, stripe.first_row + row, step}, shrink, nullptr, at, stride, tolerant);
    if (warning.empty()) warning = std::move(said);
  }
  return warning;
}

void RestartStream::decode_part(const Stripe& stripe, int shrink, const Rect& part, std::uint8_t* out,
                                std::int64_t stride) const {
  const std::int64_t high = interval_height() / shrink;
  const std::int64_t bottom = part.y + part.height;
  const std::int64_t stop = ceil_div(bottom, high);
  const std::int64_t step = rows_at_once(stop - part.y / high);
  for (std::int64_t row = part.y / high; row < stop; row += step) {
    const std::int64_t top = std::max(part.y, row * high);
    const codecs::JpegWindow window{part.x, top - row * high, part.width, std::min(bottom, (row + step) * high) - top};
    decode_stripe({stripe.column, stripe.first_row + row, step}, shrink, &window, out + (top - part.y) * stride, stride,
                  false);
  }
}

void RestartStream::stored_ranges(const Stripe& stripe, std::vector<ByteRange>& out) const {
  const std::vector<std::uint64_t>& starts = listed();
  if (starts.empty()) return;
  for (std::int64_t row = stripe.first_row; row < stripe.first_row + stripe.rows; ++row) {
    const ByteRange place = interval(starts, index(stripe.column, row));
    if (place.length > 0) out.push_back({place.offset - kMarkerBytes, place.length + 2 * kMarkerBytes});
  }
}

NdpiGrid::NdpiGrid(std::shared_ptr<const RestartStream> stream, int shrink)
    : stream_(std::move(stream)), shrink_(shrink) {
  const std::int64_t unit = stream_->interval_height();
  // Shrunk levels take more of the stream for a block, because its pixels are fewer.
  const std::int64_t pixels = shrink == 1 ? kBlockPixels : 4 * kBlockPixels;
  intervals_across_ = std::clamp<std::int64_t>(kBlockSide * shrink / stream_->interval_width(), 1, stream_->across());
  const std::int64_t block_width = intervals_across_ * stream_->interval_width();
  const std::int64_t rows = std::min({pixels / block_width, kBlockSide * shrink, kMaxJpegSide}) / unit;
  intervals_down_ = std::clamp<std::int64_t>(rows, 1, stream_->down());
  width_ = stream_->width() / shrink;
  height_ = stream_->height() / shrink;
  tile_width_ = block_width / shrink;
  tile_height_ = intervals_down_ * unit / shrink;
}

std::vector<RestartStream::Stripe> NdpiGrid::stripes(std::int64_t column, std::int64_t row) const {
  const std::int64_t first_row = row * intervals_down_;
  const std::int64_t rows = std::min(intervals_down_, stream_->down() - first_row);
  const std::int64_t first = column * intervals_across_;
  const std::int64_t stop = std::min(first + intervals_across_, stream_->across());
  std::vector<RestartStream::Stripe> found;
  for (std::int64_t i = first; i < stop; ++i) found.push_back({i, first_row, rows});
  return found;
}

std::string NdpiGrid::decode_tile(std::int64_t column, std::int64_t row, std::uint8_t* out, std::int64_t stride,
                                  bool tolerant) const {
  std::string warning;
  for (const RestartStream::Stripe& stripe : stripes(column, row)) {
    std::string said = stream_->decode(stripe, shrink_, out, stride, tolerant);
    if (warning.empty()) warning = std::move(said);
    out += stream_->interval_width() / shrink_ * 3;
  }
  return warning;
}

bool NdpiGrid::decode_part(std::int64_t column, std::int64_t row, const Rect& part, std::uint8_t* out,
                           std::int64_t stride) const {
  const std::int64_t width = stream_->interval_width() / shrink_;
  std::int64_t left = 0;
  for (const RestartStream::Stripe& stripe : stripes(column, row)) {
    const std::int64_t from = std::max(part.x, left);
    const std::int64_t to = std::min(part.x + part.width, left + width);
    if (from < to) {
      stream_->decode_part(stripe, shrink_, {from - left, part.y, to - from, part.height}, out + (from - part.x) * 3,
                           stride);
    }
    left += width;
  }
  return true;
}

void NdpiGrid::stored_ranges(std::int64_t column, std::int64_t row, std::vector<ByteRange>& out) const {
  for (const RestartStream::Stripe& stripe : stripes(column, row)) stream_->stored_ranges(stripe, out);
}

}  // namespace histojet::slide
