#include "writers/dicom_elements.hpp"

#include <algorithm>
#include <cmath>

#include "base/digest.hpp"
#include "base/error.hpp"

namespace histojet::writers {
namespace {

constexpr std::uint32_t kUndefinedLength = 0xffffffff;
constexpr DicomTag kItem = 0xfffee000;
constexpr DicomTag kItemEnd = 0xfffee00d;
constexpr DicomTag kSequenceEnd = 0xfffee0dd;

/// These have a length of 32 bits after two reserved bytes, all others one of 16 bits.
bool has_long_length(std::string_view vr) {
  constexpr std::string_view kLong[] = {"OB", "OD", "OF", "OL", "OV", "OW", "SQ", "SV", "UC", "UN", "UR", "UT", "UV"};
  return std::ranges::find(kLong, vr) != std::end(kLong);
}

}  // namespace

void check_dicom_length(std::uint64_t bytes, std::string_view what) {
  if (bytes <= kMostDicomValueBytes) return;
  throw Error(ErrorCode::kUnsupportedFormat, "DICOM: " + std::string(what) + " would take " + std::to_string(bytes) +
                                                 " bytes, expected at most " + std::to_string(kMostDicomValueBytes) +
                                                 "; split the slide's nuclei over several files");
}

void DicomElements::number(std::uint64_t value, int bytes) {
  for (int i = 0; i < bytes; ++i) bytes_ += static_cast<char>(value >> (8 * i) & 0xff);
}

void DicomElements::tag(DicomTag tag) {
  number(tag >> 16, 2);
  number(tag & 0xffff, 2);
}

void DicomElements::short_header(DicomTag element, std::string_view vr, std::size_t length) {
  if (length > 0xffff) {
    throw Error(ErrorCode::kUnsupportedFormat, "DICOM: a value of " + std::to_string(length) +
                                                   " bytes does not fit a " + std::string(vr) +
                                                   " element, expected at most 65535");
  }
  tag(element);
  bytes_ += vr;
  number(length, 2);
}

void DicomElements::long_header(DicomTag element, std::string_view vr, std::uint32_t length) {
  tag(element);
  bytes_ += vr;
  number(0, 2);
  number(length, 4);
}

void DicomElements::preamble() {
  bytes_.append(128, '\0');
  bytes_ += "DICM";
}

void DicomElements::text(DicomTag element, std::string_view vr, std::string_view value) {
  const std::size_t padded = value.size() + value.size() % 2;
  if (has_long_length(vr)) {
    check_dicom_length(padded, "a text");
    long_header(element, vr, static_cast<std::uint32_t>(padded));
  } else {
    short_header(element, vr, padded);
  }
  bytes_ += value;
  if (padded != value.size()) bytes_ += vr == "UI" ? '\0' : ' ';
}

void DicomElements::us(DicomTag element, std::uint16_t value) {
  short_header(element, "US", 2);
  number(value, 2);
}

void DicomElements::us(DicomTag element, const std::array<std::uint16_t, 3>& values) {
  short_header(element, "US", 6);
  for (const std::uint16_t value : values) number(value, 2);
}

void DicomElements::ul(DicomTag element, std::uint32_t value) {
  short_header(element, "UL", 4);
  number(value, 4);
}

void DicomElements::ob(DicomTag element, std::string_view value) {
  begin_value(element, "OB", value.size() + value.size() % 2);
  bytes_ += value;
  if (value.size() % 2 != 0) bytes_ += '\0';
}

void DicomElements::begin_value(DicomTag element, std::string_view vr, std::uint64_t bytes) {
  check_dicom_length(bytes, "a value");
  long_header(element, vr, static_cast<std::uint32_t>(bytes));
}

void DicomElements::sequence(DicomTag element, const DicomElements& item) {
  check_dicom_length(item.bytes_.size() + 8, "a sequence");
  long_header(element, "SQ", static_cast<std::uint32_t>(item.bytes_.size() + 8));
  tag(kItem);
  number(item.bytes_.size(), 4);
  bytes_ += item.bytes_;
}

void DicomElements::begin_sequence(DicomTag element) {
  long_header(element, "SQ", kUndefinedLength);
}

void DicomElements::begin_item() {
  tag(kItem);
  number(kUndefinedLength, 4);
}

void DicomElements::end_item() {
  tag(kItemEnd);
  number(0, 4);
}

void DicomElements::end_sequence() {
  tag(kSequenceEnd);
  number(0, 4);
}

std::string dicom_uid(std::string_view name) {
  unsigned __int128 number = 0;
  for (const char letter : name_based_uuid(name)) {
    if (letter != '-') number = number * 16 + static_cast<unsigned>(letter <= '9' ? letter - '0' : letter - 'a' + 10);
  }
  std::string digits;
  for (; number > 0; number /= 10)
    digits.insert(digits.begin(), static_cast<char>('0' + static_cast<int>(number % 10)));
  return "2.25." + digits;
}

std::string dicom_line(std::string_view value, std::size_t most_characters) {
  std::string line;
  std::size_t characters = 0;
  for (const char letter : value) {
    const auto code = static_cast<unsigned char>(letter);
    // Bytes that continue a character of UTF-8 belong to the one that was counted.
    if ((code & 0xc0) != 0x80 && ++characters > most_characters) break;
    line += letter == '\\' ? '/' : code < 0x20 || code == 0x7f ? ' ' : letter;
  }
  return line;
}

std::array<std::uint16_t, 3> dicom_cielab(const std::array<std::uint8_t, 3>& srgb) {
  std::array<double, 3> linear{};
  for (int c = 0; c < 3; ++c) {
    const double value = srgb[c] / 255.0;
    linear[c] = value <= 0.04045 ? value / 12.92 : std::pow((value + 0.055) / 1.055, 2.4);
  }
  // sRGB's primaries adapted to D50 by Bradford's method, as in its ICC profile (IEC 61966-2-1, ICC.1).
  constexpr double kToXyz[3][3] = {
      {0.4360747, 0.3850649, 0.1430804}, {0.2225045, 0.7168786, 0.0606169}, {0.0139322, 0.0971045, 0.7141733}};
  std::array<double, 3> root{};
  for (int row = 0; row < 3; ++row) {
    const double white = kToXyz[row][0] + kToXyz[row][1] + kToXyz[row][2];
    double value = 0;
    for (int c = 0; c < 3; ++c) value += kToXyz[row][c] * linear[c];
    value /= white;
    constexpr double kEdge = 6.0 / 29;
    root[row] = value > kEdge * kEdge * kEdge ? std::cbrt(value) : value / (3 * kEdge * kEdge) + 4.0 / 29;
  }
  const double lightness = 116 * root[1] - 16;
  const double a = 500 * (root[0] - root[1]);
  const double b = 200 * (root[1] - root[2]);
  const auto whole_range = [](double share) {
    return static_cast<std::uint16_t>(std::lround(std::clamp(share, 0.0, 1.0) * 65535));
  };
  return {whole_range(lightness / 100), whole_range((a + 128) / 255), whole_range((b + 128) / 255)};
}

}  // namespace histojet::writers
