#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace histojet::writers {

/// Group in the upper, element in the lower sixteen bits, as in 0x00080018.
using DicomTag = std::uint32_t;

/// Longest value of an element: an even 32-bit length that is not the mark of an undefined one (PS3.5, section 7.1).
inline constexpr std::uint64_t kMostDicomValueBytes = 0xfffffffe;

/// Throws Error kUnsupportedFormat, naming `what`, when a value of `bytes` bytes has no room in an element.
void check_dicom_length(std::uint64_t bytes, std::string_view what);

/// Grows DICOM elements in explicit VR little endian (PS3.5, section 7.1.2). The caller keeps tags in ascending order.
/// Values of odd length get their pad: a space for text, a zero for UIDs and bytes.
class DicomElements {
 public:
  const std::string& bytes() const { return bytes_; }

  /// The 128 zero bytes and "DICM" that start a file (PS3.10, section 7.1).
  void preamble();
  /// Any text VR, UI included. @throws Error kUnsupportedFormat when it is longer than its VR's length field can say.
  void text(DicomTag tag, std::string_view vr, std::string_view value);
  void us(DicomTag tag, std::uint16_t value);
  void us(DicomTag tag, const std::array<std::uint16_t, 3>& values);
  void ul(DicomTag tag, std::uint32_t value);
  void ob(DicomTag tag, std::string_view value);
  /// Tag, VR and length of a value that follows from elsewhere; `bytes` is even (all values are 32-bit numbers).
  void begin_value(DicomTag tag, std::string_view vr, std::uint64_t bytes);
  /// A sequence of one item. @throws Error kUnsupportedFormat.
  void sequence(DicomTag tag, const DicomElements& item);
  /// Sequence and items of undefined length, which end with a delimiter: they may be longer than a length can say.
  void begin_sequence(DicomTag tag);
  void begin_item();
  void end_item();
  void end_sequence();
  void append(const DicomElements& other) { bytes_ += other.bytes_; }

 private:
  void number(std::uint64_t value, int bytes);
  void tag(DicomTag tag);
  void short_header(DicomTag tag, std::string_view vr, std::size_t length);
  void long_header(DicomTag tag, std::string_view vr, std::uint32_t length);

  std::string bytes_;
};

/// A UID derived from `name` (PS3.5, section B.2): "2.25." and the decimal number of a version 5 UUID.
std::string dicom_uid(std::string_view name);

/// `value` as a text of at most `most_characters` characters on one line, as LO wants it: control characters become
/// spaces, backslashes, which separate values, become slashes.
std::string dicom_line(std::string_view value, std::size_t most_characters);

/// An sRGB colour as DICOM's CIELab of the profile connection space (D50; PS3.3, section C.10.7.1.1): L* 0…100 and a*,
/// b* -128…127 over the whole range of sixteen bits.
std::array<std::uint16_t, 3> dicom_cielab(const std::array<std::uint8_t, 3>& srgb);

}  // namespace histojet::writers
