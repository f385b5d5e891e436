#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace histojet::test {

using Bytes = std::vector<std::uint8_t>;

/// Writes DICOM data sets (little endian, explicit or implicit) for tests of the reader.
class DicomBuilder {
 public:
  explicit DicomBuilder(bool implicit = false) : implicit_(implicit) {}

  const Bytes& bytes() const { return bytes_; }

  DicomBuilder& raw(std::uint32_t tag, std::string_view vr, const Bytes& value) {
    header(tag, vr, static_cast<std::uint32_t>(value.size() + value.size() % 2));
    append(value);
    if (value.size() % 2 != 0) bytes_.push_back(is_text(vr) ? ' ' : 0);
    return *this;
  }
  DicomBuilder& text(std::uint32_t tag, std::string_view vr, const std::string& value) {
    return raw(tag, vr, Bytes(value.begin(), value.end()));
  }
  /// US (2 bytes) or UL, SL (4 bytes).
  DicomBuilder& number(std::uint32_t tag, std::string_view vr, std::uint32_t value) {
    return raw(tag, vr, little(value, vr == "US" ? 2 : 4));
  }
  /// `undefined`: with delimiters in place of lengths.
  DicomBuilder& sequence(std::uint32_t tag, const std::vector<Bytes>& items, bool undefined = false) {
    Bytes inner;
    for (const Bytes& item : items) {
      add_item(inner, item, undefined);
    }
    if (undefined) put(inner, {0xFE, 0xFF, 0xDD, 0xE0, 0, 0, 0, 0});
    header(tag, "SQ", undefined ? 0xFFFFFFFF : static_cast<std::uint32_t>(inner.size()));
    return append(inner);
  }
  /// Encapsulated pixel data: the offset table, then fragments.
  DicomBuilder& fragments(const Bytes& table, const std::vector<Bytes>& fragments) {
    header(0x7FE00010, "OB", 0xFFFFFFFF);
    Bytes inner;
    add_item(inner, table, false);
    for (const Bytes& fragment : fragments) add_item(inner, fragment, false);
    put(inner, {0xFE, 0xFF, 0xDD, 0xE0, 0, 0, 0, 0});
    return append(inner);
  }
  DicomBuilder& append(const Bytes& more) {
    bytes_.insert(bytes_.end(), more.begin(), more.end());
    return *this;
  }

  static Bytes little(std::uint64_t value, std::size_t size) {
    Bytes out(size);
    for (std::size_t i = 0; i < size; ++i) out[i] = static_cast<std::uint8_t>(value >> (8 * i));
    return out;
  }

  /// Preamble, mark and file meta information before a data set.
  static Bytes file(const std::string& transfer_syntax, const Bytes& data_set) {
    DicomBuilder meta;
    meta.text(0x00020010, "UI", transfer_syntax);
    Bytes out(128);
    put(out, {'D', 'I', 'C', 'M'});
    out.insert(out.end(), meta.bytes().begin(), meta.bytes().end());
    out.insert(out.end(), data_set.begin(), data_set.end());
    return out;
  }

 private:
  static bool is_text(std::string_view vr) { return vr != "OB" && vr != "UI" && vr != "OV"; }
  static void put(Bytes& out, std::initializer_list<std::uint8_t> more) { out.insert(out.end(), more); }
  static void add_item(Bytes& out, const Bytes& item, bool undefined) {
    put(out, {0xFE, 0xFF, 0x00, 0xE0});
    const Bytes length = little(undefined ? 0xFFFFFFFF : item.size() + item.size() % 2, 4);
    out.insert(out.end(), length.begin(), length.end());
    out.insert(out.end(), item.begin(), item.end());
    if (item.size() % 2 != 0) out.push_back(0);
    if (undefined) put(out, {0xFE, 0xFF, 0x0D, 0xE0, 0, 0, 0, 0});
  }
  void header(std::uint32_t tag, std::string_view vr, std::uint32_t length) {
    append(little(tag >> 16, 2));
    append(little(tag & 0xFFFF, 2));
    if (implicit_) {
      append(little(length, 4));
      return;
    }
    bytes_.insert(bytes_.end(), vr.begin(), vr.end());
    const bool is_long = vr == "OB" || vr == "SQ" || vr == "OV" || vr == "UN";
    if (is_long) append({0, 0});
    append(little(length, is_long ? 4 : 2));
  }

  bool implicit_;
  Bytes bytes_;
};

/// One file of a whole-slide series; what tests vary.
struct DicomFile {
  std::string transfer_syntax = "1.2.840.10008.1.2.1";
  std::string sop_class = "1.2.840.10008.5.1.4.1.1.77.1.6";
  std::string sop_instance = "1.2.3.1";
  std::string series = "1.2.3";
  std::string kind = "VOLUME";
  std::string photometric = "RGB";
  std::uint32_t width = 5;
  std::uint32_t height = 3;
  std::uint32_t tile_width = 2;
  std::uint32_t tile_height = 2;
  std::uint32_t samples = 3;
  std::uint32_t planar = 0;
  std::uint32_t bits = 8;
  std::uint32_t frames = 0;  ///< 0: as many as the tiling has
  std::string concatenation;
  std::uint32_t frame_offset = 0;
  bool full = true;
  bool undefined_lengths = false;
  /// Column and row of each frame, from 1, for sparse files.
  std::vector<std::pair<std::uint32_t, std::uint32_t>> positions;
  /// Tables of 64-bit numbers; left out when empty.
  Bytes extended_offsets;
  Bytes extended_lengths;

  std::uint32_t tiles() const {
    return ((width + tile_width - 1) / tile_width) * ((height + tile_height - 1) / tile_height);
  }
  bool implicit() const { return transfer_syntax == "1.2.840.10008.1.2"; }

  /// Everything before the pixel data.
  DicomBuilder head() const {
    const bool plain = implicit();
    DicomBuilder data(plain);
    data.text(0x00080008, "CS", "ORIGINAL\\PRIMARY\\" + kind + "\\NONE");
    data.text(0x00080016, "UI", sop_class);
    data.text(0x00080018, "UI", sop_instance);
    data.text(0x00080060, "CS", "SM");
    data.text(0x0020000E, "UI", series);
    if (!concatenation.empty()) {
      data.text(0x00209161, "UI", concatenation);
      data.number(0x00209228, "UL", frame_offset);
    }
    data.text(0x00209311, "CS", full ? "TILED_FULL" : "TILED_SPARSE");
    data.number(0x00280002, "US", samples);
    data.text(0x00280004, "CS", photometric);
    data.number(0x00280006, "US", planar);
    data.text(0x00280008, "IS", std::to_string(frames == 0 ? tiles() : frames));
    data.number(0x00280010, "US", tile_height);
    data.number(0x00280011, "US", tile_width);
    data.number(0x00280100, "US", bits);
    data.number(0x00280103, "US", 0);
    data.number(0x00480006, "UL", width);
    data.number(0x00480007, "UL", height);
    data.sequence(0x00480105, {DicomBuilder(plain).text(0x00480112, "DS", "40.0").bytes()}, undefined_lengths);
    data.text(0x22000005, "LT", "A\\B");
    const Bytes spacing = DicomBuilder(plain).text(0x00280030, "DS", "0.0005\\0.00025").bytes();
    const Bytes measures = DicomBuilder(plain).sequence(0x00289110, {spacing}, undefined_lengths).bytes();
    data.sequence(0x52009229, {measures}, undefined_lengths);
    std::vector<Bytes> groups;
    for (const auto& [column, row] : positions) {
      const Bytes place = DicomBuilder(plain).number(0x0048021E, "SL", column).number(0x0048021F, "SL", row).bytes();
      groups.push_back(DicomBuilder(plain).sequence(0x0048021A, {place}, undefined_lengths).bytes());
    }
    if (!groups.empty()) data.sequence(0x52009230, groups, undefined_lengths);
    if (!extended_offsets.empty()) data.raw(0x7FE00001, "OV", extended_offsets);
    if (!extended_lengths.empty()) data.raw(0x7FE00002, "OV", extended_lengths);
    return data;
  }
  Bytes with_raw(const Bytes& pixels) const {
    return DicomBuilder::file(transfer_syntax, head().raw(0x7FE00010, "OB", pixels).bytes());
  }
  Bytes with_fragments(const Bytes& table, const std::vector<Bytes>& pieces) const {
    return DicomBuilder::file(transfer_syntax, head().fragments(table, pieces).bytes());
  }
};

}  // namespace histojet::test
