#include "slide/dicom_elements.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdio>

#include "base/error.hpp"
#include "base/text.hpp"
#include "slide/dicom_dictionary.hpp"
#include "slide/text.hpp"

namespace histojet::slide {
namespace {

constexpr std::size_t kMaxDepth = 16;
constexpr std::uint64_t kWindow = 64 << 10;
constexpr std::uint64_t kMetaStart = 132;
constexpr std::uint32_t kItem = 0xFFFEE000;
constexpr std::uint32_t kItemEnd = 0xFFFEE00D;
constexpr std::uint32_t kSequenceEnd = 0xFFFEE0DD;

std::string tag_name(std::uint32_t tag) {
  char text[16];
  std::snprintf(text, sizeof text, "(%04X,%04X)", tag >> 16, tag & 0xFFFF);
  return text;
}

/// Value representations whose length has 16 bits (PS3.5, table 7.1-2).
bool has_short_length(std::string_view vr) {
  constexpr std::string_view kShort = "AE AS AT CS DA DS DT FD FL IS LO LT PN SH SL SS ST TM UI UL US ";
  return kShort.find(std::string(vr) + " ") != std::string_view::npos;
}

/// Bytes per value of a binary number, 0 for everything else.
std::size_t number_size(const DicomElement& element) {
  if (element.is("US") || element.is("SS")) return 2;
  if (element.is("UL") || element.is("SL") || element.is("FL")) return 4;
  return element.is("FD") || element.is("UV") || element.is("SV") ? 8 : 0;
}

std::string_view without_padding(std::string_view text) {
  const auto last = text.find_last_not_of(std::string_view(" \0", 2));
  return last == std::string_view::npos ? std::string_view() : text.substr(0, last + 1);
}

}  // namespace

DicomElements::DicomElements(const ByteSource& source) : source_(source) {
  read_meta();
}

void DicomElements::fail(const std::string& reason) const {
  corrupt_at(source_.name(), at_, reason);
}

std::uint64_t DicomElements::little(std::uint64_t offset, std::size_t bytes) {
  if (offset < window_offset_ || offset + bytes > window_offset_ + window_.size()) {
    if (!source_.contains(offset, bytes)) fail("the file ends inside a data element (truncated?)");
    window_ = source_.read(offset, std::min(kWindow, source_.size() - offset));
    window_offset_ = offset;
  }
  std::uint64_t value = 0;
  for (std::size_t i = bytes; i > 0; --i) value = value << 8 | window_[offset - window_offset_ + i - 1];
  return value;
}

void DicomElements::read_meta() {
  at_ = kMetaStart - 4;
  if (little(at_, 4) != 0x4D434944) fail("expected the mark DICM");
  at_ = kMetaStart;
  // The group is always explicit; it ends where the group number changes.
  while (at_ < source_.size() && little(at_, 2) == 2) {
    const DicomElement element = read_header(false);
    if (element.length == kUndefinedLength || element.length > source_.size() - element.offset) {
      fail("the file meta information reaches beyond the file");
    }
    at_ = element.offset + element.length;
    if (element.tag == dicom_tag::kTransferSyntax) transfer_syntax_ = text(element);
  }
  if (transfer_syntax_.empty()) fail("no transfer syntax in the file meta information");
  implicit_ = transfer_syntax_ == "1.2.840.10008.1.2";
  if (transfer_syntax_ == "1.2.840.10008.1.2.2" || transfer_syntax_ == "1.2.840.10008.1.2.1.99") {
    unsupported(source_.name(), "the transfer syntax " + transfer_syntax_name(transfer_syntax_) + " is not supported");
  }
}

std::uint64_t DicomElements::limit() const {
  for (auto scope = scopes_.rbegin(); scope != scopes_.rend(); ++scope) {
    if (scope->end) return *scope->end;
  }
  return source_.size();
}

bool DicomElements::leave() {
  while (!scopes_.empty() && scopes_.back().end && at_ >= *scopes_.back().end) {
    if (at_ > *scopes_.back().end) fail("a data element reaches beyond its sequence");
    if (!scopes_.back().is_item) path_.pop_back();
    scopes_.pop_back();
  }
  return !scopes_.empty() || at_ < source_.size();
}

DicomElement DicomElements::read_header(bool implicit) {
  DicomElement element;
  element.tag = static_cast<std::uint32_t>(little(at_, 2) << 16 | little(at_ + 2, 2));
  const bool delimiter = element.tag >> 16 == 0xFFFE;
  if (implicit || delimiter) {
    element.offset = at_ + 8;
    element.length = little(at_ + 4, 4);
    const DicomAttribute* known = find_dicom_attribute(element.tag);
    const char* vr = delimiter ? "" : known != nullptr ? known->vr : "UN";
    if (!delimiter) element.vr = {vr[0], vr[1]};
    return element;
  }
  element.vr = {static_cast<char>(little(at_ + 4, 1)), static_cast<char>(little(at_ + 5, 1))};
  for (const char letter : element.vr) {
    if (letter < 'A' || letter > 'Z') fail("expected a value representation at " + tag_name(element.tag));
  }
  const bool is_short = has_short_length({element.vr.data(), 2});
  element.offset = at_ + (is_short ? 8 : 12);
  element.length = is_short ? little(at_ + 6, 2) : little(at_ + 8, 4);
  return element;
}

void DicomElements::enter_sequence(const DicomElement& element, bool implicit) {
  if (scopes_.size() >= 2 * kMaxDepth) fail("sequences are nested deeper than " + std::to_string(kMaxDepth));
  Scope scope{.is_item = false, .implicit = implicit, .end = std::nullopt};
  if (element.length != kUndefinedLength) {
    if (element.length > limit() - element.offset) fail("the sequence " + tag_name(element.tag) + " is too long");
    scope.end = element.offset + element.length;
  }
  at_ = element.offset;
  scopes_.push_back(scope);
  path_.push_back({element.tag, ~std::uint64_t{0}});  // the first item makes it 0
}

void DicomElements::enter_item() {
  const DicomElement header = read_header(true);
  if (header.offset > limit()) fail("an item header reaches beyond its sequence");
  if (header.tag == kSequenceEnd && !scopes_.back().end) {
    at_ = header.offset;
    scopes_.pop_back();
    path_.pop_back();
    return;
  }
  if (header.tag != kItem) fail("expected an item of " + tag_name(path_.back().tag) + ", got " + tag_name(header.tag));
  Scope scope{.is_item = true, .implicit = scopes_.back().implicit, .end = std::nullopt};
  if (header.length != kUndefinedLength) {
    if (header.length > limit() - header.offset) fail("an item of " + tag_name(path_.back().tag) + " is too long");
    scope.end = header.offset + header.length;
  }
  at_ = header.offset;
  ++path_.back().item;
  scopes_.push_back(scope);
}

bool DicomElements::next(DicomElement& element) {
  while (!finished_ && leave()) {
    if (!scopes_.empty() && !scopes_.back().is_item) {
      enter_item();
      continue;
    }
    const bool implicit = scopes_.empty() ? implicit_ : scopes_.back().implicit;
    element = read_header(implicit);
    if (element.offset > limit()) fail("a data element reaches beyond its sequence");
    if (element.tag == kItemEnd && !scopes_.empty() && !scopes_.back().end) {
      at_ = element.offset;
      scopes_.pop_back();
      continue;
    }
    if (element.tag >> 16 == 0xFFFE) fail("unexpected delimiter " + tag_name(element.tag));
    if (element.tag == dicom_tag::kPixelData && scopes_.empty()) {
      finished_ = true;
      return true;
    }
    const bool undefined = element.length == kUndefinedLength;
    if (element.is("SQ") || undefined) {
      // An unknown element of undefined length is a sequence with implicit representations (PS3.5, 6.2.2).
      enter_sequence(element, implicit || element.is("UN"));
      continue;
    }
    if (element.length > limit() - element.offset) fail("the value of " + tag_name(element.tag) + " is too long");
    at_ = element.offset + element.length;
    return true;
  }
  return false;
}

bool DicomElements::inside(std::initializer_list<std::uint32_t> tags) const {
  return std::ranges::equal(path_, tags, {}, &DicomStep::tag);
}

std::string DicomElements::text(const DicomElement& element, std::uint64_t limit) {
  const auto bytes = source_.read(element.offset, std::min(limit, element.length));
  const std::string_view stored(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  return std::string(without_padding(stored));
}

std::vector<std::string> DicomElements::texts(const DicomElement& element) {
  const std::string all = text(element);
  std::vector<std::string> parts;
  for (std::size_t start = 0; start <= all.size();) {
    const std::size_t end = std::min(all.find('\\', start), all.size());
    parts.emplace_back(trim(std::string_view(all).substr(start, end - start)));
    start = end + 1;
  }
  return parts;
}

std::uint64_t DicomElements::number_count(const DicomElement& element) {
  const std::size_t size = number_size(element);
  return size == 0 ? 0 : element.length / size;
}

std::optional<double> DicomElements::number(const DicomElement& element, std::size_t index) {
  const std::size_t size = number_size(element);
  if (size == 0) {
    const auto parts = texts(element);
    return index < parts.size() ? parse_number(parts[index]) : std::nullopt;
  }
  if (index >= element.length / size) return std::nullopt;
  const std::uint64_t bits = little(element.offset + index * size, size);
  if (element.is("FL")) return std::bit_cast<float>(static_cast<std::uint32_t>(bits));
  if (element.is("FD")) return std::bit_cast<double>(bits);
  if (element.is("SS")) return static_cast<std::int16_t>(bits);
  if (element.is("SL")) return static_cast<std::int32_t>(bits);
  if (element.is("SV")) return static_cast<double>(static_cast<std::int64_t>(bits));
  return static_cast<double>(bits);
}

std::uint64_t DicomElements::integer(const DicomElement& element, std::uint64_t most) {
  const double value = number(element).value_or(-1);
  if (!(value >= 0) || value > static_cast<double>(most) || value != std::floor(value)) {
    corrupt_at(source_.name(), element.offset,
               "expected a whole number of 0 to " + std::to_string(most) + " in " + tag_name(element.tag));
  }
  return static_cast<std::uint64_t>(value);
}

std::string transfer_syntax_name(const std::string& uid) {
  struct Known {
    const char* suffix;
    const char* name;
  };
  // Below 1.2.840.10008.1.2 (PS3.6, table A-1).
  constexpr Known kKnown[] = {
      {"", "implicit little endian"},
      {".1", "explicit little endian"},
      {".1.99", "deflated explicit little endian"},
      {".2", "explicit big endian"},
      {".4.50", "JPEG baseline"},
      {".4.51", "JPEG extended"},
      {".4.57", "JPEG lossless"},
      {".4.70", "JPEG lossless, first order"},
      {".4.80", "JPEG-LS lossless"},
      {".4.81", "JPEG-LS near-lossless"},
      {".4.90", "JPEG 2000 lossless"},
      {".4.91", "JPEG 2000"},
      {".4.92", "JPEG 2000 multi-component lossless"},
      {".4.93", "JPEG 2000 multi-component"},
      {".4.100", "MPEG-2"},
      {".4.102", "MPEG-4"},
      {".4.107", "HEVC"},
      {".4.110", "JPEG XL lossless"},
      {".4.111", "JPEG XL from JPEG"},
      {".4.112", "JPEG XL"},
      {".4.201", "HTJ2K lossless"},
      {".4.202", "HTJ2K lossless, RPCL"},
      {".4.203", "HTJ2K"},
      {".5", "RLE lossless"},
  };
  for (const Known& known : kKnown) {
    if (uid == std::string("1.2.840.10008.1.2") + known.suffix) return std::string(known.name) + " (" + uid + ")";
  }
  return quote(uid);
}

}  // namespace histojet::slide
