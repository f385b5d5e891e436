#include "slide/dicom_frames.hpp"

#include <algorithm>

#include "base/error.hpp"

namespace histojet::slide {
namespace {

constexpr std::uint32_t kItemTag = 0xE000FFFE;  // as its little-endian bytes read
constexpr std::uint64_t kHeaderBytes = 8;
constexpr std::size_t kMaxFragments = 1 << 22;
constexpr std::size_t kMaxPieces = 4096;

std::uint64_t little(std::span<const std::uint8_t> bytes) {
  std::uint64_t value = 0;
  for (std::size_t i = bytes.size(); i > 0; --i) value = value << 8 | bytes[i - 1];
  return value;
}

std::vector<std::uint64_t> numbers(const ByteSource& source, ByteRange range, std::size_t size) {
  const auto bytes = source.read(range.offset, range.length);
  std::vector<std::uint64_t> values(bytes.size() / size);
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = little(std::span(bytes).subspan(i * size, size));
  return values;
}

}  // namespace

DicomFrames::DicomFrames(const DicomInstance& instance, std::uint64_t frame_bytes)
    : instance_(instance), frame_bytes_(frame_bytes) {}

std::optional<DicomFrames::Item> DicomFrames::item(std::uint64_t at) const {
  const std::uint64_t end = instance_.pixel_data.offset + instance_.pixel_data.length;
  if (at > end || end - at < kHeaderBytes || !instance_.source->contains(at, kHeaderBytes)) return std::nullopt;
  std::uint8_t header[kHeaderBytes];
  instance_.source->read_at(at, header);
  const auto tag = static_cast<std::uint32_t>(little(std::span(header).first(4)));
  const auto length = static_cast<std::uint32_t>(little(std::span(header).last(4)));
  if (tag != kItemTag || length == 0xFFFFFFFF) return std::nullopt;
  return Item{at + kHeaderBytes, length};
}

void DicomFrames::load_table() const {
  std::call_once(table_once_, [this] {
    const auto table = item(instance_.pixel_data.offset);
    if (!table) throw Error(ErrorCode::kCorruptFile, "the pixel data do not begin with an offset table");
    first_item_ = table->offset + table->length;
    load_extended_table();
    if (offsets_.empty()) load_basic_table(*table);
  });
}

void DicomFrames::load_extended_table() const {
  const ByteRange offsets = instance_.extended_offsets;
  const ByteRange lengths = instance_.extended_lengths;
  const std::uint64_t expected = instance_.frames * 8;
  if (offsets.length != expected || lengths.length != expected) return;
  offsets_ = numbers(*instance_.source, offsets, 8);
  lengths_ = numbers(*instance_.source, lengths, 8);
}

void DicomFrames::load_basic_table(const Item& table) const {
  if (table.length != instance_.frames * 4) return;
  auto offsets = numbers(*instance_.source, {table.offset, table.length}, 4);
  // Offsets that do not grow, or leave the file, are not what the fragments say.
  const std::uint64_t room = instance_.source->size() - std::min(first_item_, instance_.source->size());
  if (offsets.front() != 0 || offsets.back() >= room) return;
  if (std::ranges::adjacent_find(offsets, std::greater_equal()) != offsets.end()) return;
  offsets_ = std::move(offsets);
}

std::optional<std::vector<ByteRange>> DicomFrames::by_table(std::uint64_t frame) const {
  if (frame >= offsets_.size() || offsets_[frame] > instance_.source->size()) return std::nullopt;
  std::uint64_t at = first_item_ + offsets_[frame];
  if (!lengths_.empty()) {
    const auto found = item(at);
    if (!found || found->length < lengths_[frame]) return std::nullopt;
    return std::vector<ByteRange>{{found->offset, lengths_[frame]}};
  }
  std::vector<ByteRange> pieces;
  const std::uint64_t end = frame + 1 < offsets_.size() ? first_item_ + offsets_[frame + 1] : instance_.source->size();
  while (at < end && pieces.size() < kMaxPieces) {
    const auto found = item(at);
    if (!found) break;
    pieces.push_back({found->offset, found->length});
    at = found->offset + found->length;
  }
  // The last frame ends at the delimiter; the others end exactly where the next one begins.
  if (pieces.empty() || (frame + 1 < offsets_.size() && at != end)) return std::nullopt;
  return pieces;
}

bool DicomFrames::starts_image(const Item& item) const {
  std::uint8_t mark[2];
  if (item.length < 2 || !instance_.source->contains(item.offset, 2)) return false;
  instance_.source->read_at(item.offset, mark);
  return mark[0] == 0xFF && (mark[1] == 0xD8 || mark[1] == 0x4F);
}

void DicomFrames::walk() const {
  std::call_once(walk_once_, [this] {
    std::vector<std::uint32_t> marked;
    fragments_.clear();
    std::uint64_t at = first_item_;
    while (const auto found = item(at)) {
      if (fragments_.size() == kMaxFragments) {
        throw Error(ErrorCode::kUnsupportedFormat, "more than 4 million fragments and no offset table");
      }
      if (starts_image(*found)) marked.push_back(static_cast<std::uint32_t>(fragments_.size()));
      fragments_.push_back({found->offset, found->length});
      at = found->offset + found->length;
    }
    // Usually a fragment is a frame; where there are more, a frame begins with the start mark of its codec.
    if (instance_.frames == 1 && !fragments_.empty()) {
      beginnings_ = {0};
    } else if (fragments_.size() > instance_.frames) {
      if (marked.size() != instance_.frames) {
        throw Error(ErrorCode::kCorruptFile, std::to_string(fragments_.size()) + " fragments do not tell where " +
                                                 std::to_string(instance_.frames) + " frames begin");
      }
      beginnings_ = std::move(marked);
    } else {
      beginnings_.resize(fragments_.size());
      for (std::size_t i = 0; i < beginnings_.size(); ++i) beginnings_[i] = static_cast<std::uint32_t>(i);
    }
  });
}

std::vector<ByteRange> DicomFrames::pieces(std::uint64_t frame) const {
  if (!instance_.encapsulated) {
    const ByteRange data = instance_.pixel_data;
    if (frame_bytes_ == 0 || frame >= data.length / frame_bytes_) {
      throw Error(ErrorCode::kCorruptFile, "frame " + std::to_string(frame) + " lies beyond the pixel data");
    }
    return {{data.offset + frame * frame_bytes_, frame_bytes_}};
  }
  load_table();
  if (auto found = by_table(frame)) return *found;
  walk();
  if (frame >= beginnings_.size()) {
    throw Error(ErrorCode::kCorruptFile, "frame " + std::to_string(frame) + " is not in the file, which has " +
                                             std::to_string(beginnings_.size()) + " of " +
                                             std::to_string(instance_.frames) + " frames");
  }
  const std::size_t first = beginnings_[frame];
  const std::size_t last = frame + 1 < beginnings_.size() ? beginnings_[frame + 1] : fragments_.size();
  return {fragments_.begin() + static_cast<std::ptrdiff_t>(first),
          fragments_.begin() + static_cast<std::ptrdiff_t>(last)};
}

}  // namespace histojet::slide
