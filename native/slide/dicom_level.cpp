#include "slide/dicom_level.hpp"

#include <algorithm>
#include <cstring>
#include <tuple>

#include "base/error.hpp"
#include "base/text.hpp"
#include "codecs/jpeg.hpp"
#include "codecs/jpeg_2000.hpp"
#include "codecs/packbits.hpp"
#include "slide/dicom_elements.hpp"
#include "slide/scratch.hpp"

namespace histojet::slide {
namespace {

// No supported codec shrinks more than this, so a longer claim is a lie.
constexpr std::uint64_t kMaxShrink = 4096;
constexpr std::uint64_t kMaxFrameBytes = 1 << 30;

codecs::JpegDecoder& jpeg_decoder() {
  thread_local codecs::JpegDecoder decoder;
  return decoder;
}

/// Writes the samples of a plane into one channel, or (grey) into all three.
void spread(const std::uint8_t* from, std::uint8_t* to, std::int64_t pixels, bool grey) {
  for (std::int64_t i = 0; i < pixels; ++i, ++from, to += 3) {
    to[0] = *from;
    if (grey) to[1] = to[2] = *from;
  }
}

}  // namespace

DicomLevel::DicomLevel(std::vector<DicomInstance> parts) {
  for (DicomInstance& part : parts) parts_.push_back({std::move(part), nullptr});
  check_parts();
  width_ = instance().total_columns;
  height_ = instance().total_rows;
  tile_width_ = instance().columns;
  tile_height_ = instance().rows;
  read_layout();
  for (Part& part : parts_) part.frames = std::make_unique<const DicomFrames>(part.instance, frame_bytes());
  const bool one_frame = parts_.size() == 1 && instance().frames == 1 && instance().positions.empty();
  full_ = instance().tiled_full || (one_frame && tiles_across() * tiles_down() == 1);
  full_ ? place_full() : place_sparse();
}

void DicomLevel::check_parts() const {
  const auto key = [](const DicomInstance& part) {
    return std::tuple(part.total_columns, part.total_rows, part.columns, part.rows, part.samples, part.bits_allocated,
                      part.photometric, part.transfer_syntax, part.tiled_full, part.separate_planes, part.is_signed);
  };
  for (const Part& part : parts_) {
    if (key(part.instance) != key(instance())) {
      corrupt(part.instance.name(),
              "differs in size or samples from " + instance().name() + ", with which it forms one concatenation");
    }
  }
}

void DicomLevel::read_layout() {
  const DicomInstance& first = instance();
  const std::string& syntax = first.transfer_syntax;
  if (first.bits_allocated != 8 || first.is_signed || (first.samples != 3 && first.samples != 1)) {
    unsupported(first.name(), "expected 1 or 3 unsigned samples of 8 bits, got " + std::to_string(first.samples) +
                                  (first.is_signed ? " signed" : "") + " of " + std::to_string(first.bits_allocated));
  }
  if (frame_bytes() > kMaxFrameBytes) unsupported(first.name(), "a single frame exceeds the limit of 1 GiB");
  const std::string uid = "1.2.840.10008.1.2";
  if (syntax == uid || syntax == uid + ".1") codec_ = Codec::kRaw;
  if (syntax == uid + ".4.50") codec_ = Codec::kJpeg;
  if (syntax == uid + ".4.90" || syntax == uid + ".4.91") codec_ = Codec::kJpeg2000;
  if (syntax == uid + ".5") codec_ = Codec::kRle;
  const std::string& colour = first.photometric;
  const bool grey = colour == "MONOCHROME2" && first.samples == 1;
  const bool rgb = colour == "RGB" && first.samples == 3;
  const bool ycc = (colour == "YBR_FULL_422" || colour == "YBR_FULL") && first.samples == 3;
  const bool transformed = (colour == "YBR_RCT" || colour == "YBR_ICT") && first.samples == 3;
  const bool understood = grey || rgb || (ycc && (codec_ == Codec::kJpeg || codec_ == Codec::kJpeg2000)) ||
                          (transformed && codec_ == Codec::kJpeg2000);
  if (codec_ == Codec::kUnknown) {
    unreadable_ = "the transfer syntax " + transfer_syntax_name(syntax) + " is not supported";
  } else if (!understood) {
    unreadable_ = "photometric interpretation " + quote(colour) + " with " + std::to_string(first.samples) +
                  " samples is not supported in " + transfer_syntax_name(syntax);
  } else if (first.encapsulated == (codec_ == Codec::kRaw)) {
    unreadable_ = "the pixel data are not stored as the transfer syntax " + transfer_syntax_name(syntax) + " says";
  }
}

void DicomLevel::place_full() {
  const auto tiles = static_cast<std::uint64_t>(tiles_across()) * static_cast<std::uint64_t>(tiles_down());
  std::uint64_t frames = 0;
  for (const Part& part : parts_) {
    if (parts_.size() > 1 && part.instance.concatenation_offset != frames) {
      corrupt(part.instance.name(), "begins with frame " + std::to_string(part.instance.concatenation_offset) +
                                        " of its concatenation, expected " + std::to_string(frames) +
                                        " (is a part missing?)");
    }
    frames += part.instance.frames;
  }
  if (frames > tiles && frames % tiles == 0) {
    unsupported(instance().name(), "several focal planes or optical paths (" + std::to_string(frames) + " frames for " +
                                       std::to_string(tiles) + " tiles)");
  }
  if (frames != tiles) {
    corrupt(instance().name(), "expected " + std::to_string(tiles) + " frames of a full tiling of " +
                                   std::to_string(width_) + " x " + std::to_string(height_) + " pixels, got " +
                                   std::to_string(frames));
  }
}

void DicomLevel::place_sparse() {
  for (std::size_t p = 0; p < parts_.size(); ++p) {
    const DicomInstance& part = parts_[p].instance;
    if (part.positions.size() != part.frames) {
      corrupt(part.name(), "gives positions for " + std::to_string(part.positions.size()) + " of " +
                               std::to_string(part.frames) + " frames");
    }
    for (std::uint64_t frame = 0; frame < part.frames; ++frame) {
      const auto [x, y] = part.positions[frame];
      if (x < 0 || y < 0 || x >= width_ || y >= height_) {
        corrupt(part.name(), "frame " + std::to_string(frame) + " lies outside of the pixel matrix");
      }
      if (x % tile_width_ != 0 || y % tile_height_ != 0) {
        unsupported(part.name(), "frames that do not lie on the grid of tiles");
      }
      const auto index = static_cast<std::uint64_t>(y / tile_height_ * tiles_across() + x / tile_width_);
      places_.push_back({index, {static_cast<std::int32_t>(p), frame}});
    }
  }
  std::ranges::stable_sort(places_, {}, &std::pair<std::uint64_t, Place>::first);
  if (std::ranges::adjacent_find(places_, {}, &std::pair<std::uint64_t, Place>::first) != places_.end()) {
    unsupported(instance().name(), "several frames at one place (focal planes or optical paths)");
  }
  for (Part& part : parts_) {
    part.instance.positions.clear();
    part.instance.positions.shrink_to_fit();
  }
}

DicomLevel::Place DicomLevel::place(std::int64_t column, std::int64_t row) const {
  const auto index = static_cast<std::uint64_t>(row * tiles_across() + column);
  if (!full_) {
    const auto found = std::ranges::lower_bound(places_, index, {}, &std::pair<std::uint64_t, Place>::first);
    return found != places_.end() && found->first == index ? found->second : Place{};
  }
  std::uint64_t frame = index;
  for (std::size_t p = 0; p < parts_.size(); ++p) {
    if (frame < parts_[p].instance.frames) return {static_cast<std::int32_t>(p), frame};
    frame -= parts_[p].instance.frames;
  }
  return {};
}

std::vector<ByteRange> DicomLevel::pieces(const Place& place) const {
  return parts_[static_cast<std::size_t>(place.part)].frames->pieces(place.frame);
}

std::uint64_t DicomLevel::frame_bytes() const {
  return static_cast<std::uint64_t>(tile_width_) * static_cast<std::uint64_t>(tile_height_) *
         static_cast<std::uint64_t>(instance().samples);
}

std::vector<std::shared_ptr<const ByteSource>> DicomLevel::sources() const {
  std::vector<std::shared_ptr<const ByteSource>> all;
  for (const Part& part : parts_) all.push_back(part.instance.source);
  return all;
}

bool DicomLevel::has_tile(std::int64_t column, std::int64_t row) const {
  return place(column, row).part >= 0;
}

void DicomLevel::check_tile(std::int64_t column, std::int64_t row) const {
  if (!unreadable_.empty()) throw Error(ErrorCode::kUnsupportedFormat, unreadable_);
  const Place where = place(column, row);
  const ByteSource& source = *parts_[static_cast<std::size_t>(where.part)].instance.source;
  std::uint64_t total = 0;
  for (const ByteRange& piece : pieces(where)) {
    if (!source.contains(piece.offset, piece.length)) {
      throw Error(ErrorCode::kCorruptFile, std::to_string(piece.length) + " bytes at offset " +
                                               std::to_string(piece.offset) + " lie beyond the end of the file");
    }
    total += piece.length;
  }
  if (total < frame_bytes() / kMaxShrink) {
    throw Error(ErrorCode::kCorruptFile, std::to_string(total) + " bytes in the file cannot hold " +
                                             std::to_string(frame_bytes()) + " bytes of samples");
  }
}

std::string DicomLevel::decode_tile(std::int64_t column, std::int64_t row, std::uint8_t* out, std::int64_t stride,
                                    bool tolerant) const {
  check_tile(column, row);
  const Place where = place(column, row);
  const auto ranges = pieces(where);
  std::uint64_t total = 0;
  for (const ByteRange& range : ranges) total += range.length;
  Scratch stream(total);
  std::size_t filled = 0;
  for (const ByteRange& range : ranges) {
    parts_[static_cast<std::size_t>(where.part)].instance.source->read_at(range.offset,
                                                                          stream.span().subspan(filled, range.length));
    filled += range.length;
  }
  const std::string& colour = instance().photometric;
  const bool ycc = colour.starts_with("YBR_FULL");
  if (codec_ == Codec::kJpeg) {
    const auto meaning = instance().samples == 1 ? codecs::JpegColor::kGrey
                         : ycc                   ? codecs::JpegColor::kYCbCr
                                                 : codecs::JpegColor::kRgb;
    codecs::JpegDecoder& decoder = jpeg_decoder();
    decoder.set_tables({});
    return decoder.decode(stream.span(), meaning, tile_width_, tile_height_, 3, out, stride, tolerant);
  }
  if (codec_ == Codec::kJpeg2000) {
    const auto meaning = instance().samples == 1 ? codecs::Jpeg2000Color::kGrey
                         : ycc                   ? codecs::Jpeg2000Color::kYCbCr
                                                 : codecs::Jpeg2000Color::kRgb;
    return codecs::decode_jpeg_2000(stream.span(), meaning, tile_width_, tile_height_, 3, out, stride, tolerant);
  }
  codec_ == Codec::kRle ? decode_rle(stream.span(), out, stride) : decode_raw(stream.span(), out, stride);
  return {};
}

void DicomLevel::decode_raw(std::span<const std::uint8_t> samples, std::uint8_t* out, std::int64_t stride) const {
  const int count = instance().samples;
  if (count == 3 && !instance().separate_planes) {
    const auto row_bytes = static_cast<std::size_t>(tile_width_ * 3);
    for (std::int64_t y = 0; y < tile_height_; ++y) {
      std::memcpy(out + y * stride, samples.data() + static_cast<std::size_t>(y) * row_bytes, row_bytes);
    }
    return;
  }
  for (int c = 0; c < count; ++c) {
    const std::uint8_t* plane = samples.data() + c * tile_width_ * tile_height_;
    for (std::int64_t y = 0; y < tile_height_; ++y) {
      spread(plane + y * tile_width_, out + y * stride + c, tile_width_, count == 1);
    }
  }
}

void DicomLevel::decode_rle(std::span<const std::uint8_t> stream, std::uint8_t* out, std::int64_t stride) const {
  // PS3.5, annex G: a header of 16 numbers (count of segments, their offsets), then one PackBits segment per byte
  // plane.
  constexpr std::size_t kHeader = 64;
  const auto count = static_cast<std::size_t>(instance().samples);
  const auto number = [&](std::size_t index) {
    std::uint32_t value = 0;
    for (std::size_t i = 4; i > 0; --i) value = value << 8 | stream[index * 4 + i - 1];
    return std::size_t{value};
  };
  if (stream.size() < kHeader || number(0) != count) {
    throw Error(ErrorCode::kCorruptFile, "the RLE header does not name " + std::to_string(count) + " segments");
  }
  const auto plane_bytes = static_cast<std::size_t>(tile_width_ * tile_height_);
  Scratch plane(plane_bytes);
  for (std::size_t c = 0; c < count; ++c) {
    const std::size_t start = number(1 + c);
    const std::size_t end = c + 1 < count ? number(2 + c) : stream.size();
    if (start < kHeader || end < start || end > stream.size()) {
      throw Error(ErrorCode::kCorruptFile, "an RLE segment lies outside of its frame");
    }
    codecs::decode_packbits(stream.subspan(start, end - start), plane.span());
    for (std::int64_t y = 0; y < tile_height_; ++y) {
      spread(plane.data() + y * tile_width_, out + y * stride + c, tile_width_, count == 1);
    }
  }
}

}  // namespace histojet::slide
