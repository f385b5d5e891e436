#include <algorithm>

#include "slide/dicom_dictionary.hpp"
#include "slide/dicom_elements.hpp"
#include "slide/dicom_instance.hpp"
#include "slide/text.hpp"

namespace histojet::slide {
namespace {

constexpr std::size_t kMaxProperties = 4000;
constexpr std::uint64_t kMaxValueBytes = 4096;
constexpr std::uint64_t kMaxValues = 64;

/// Text of one of the character sets that slides use: UTF-8 and ASCII stay, Latin-1 is converted.
std::string decode(std::string_view stored, bool latin1) {
  if (!latin1) return to_utf8(stored);
  std::string out;
  for (const char letter : stored) {
    const auto code = static_cast<unsigned char>(letter);
    if (code < 0x80) {
      out += letter;
    } else {
      out += static_cast<char>(0xC0 | code >> 6);
      out += static_cast<char>(0x80 | (code & 0x3F));
    }
  }
  return out;
}

bool is_text(const DicomElement& element) {
  constexpr std::string_view kTexts = "AE AS CS DA DS DT IS LO LT PN SH ST TM UC UI UR UT ";
  return kTexts.find(std::string(element.vr.data(), 2) + " ") != std::string_view::npos;
}

/// One value only, in which a backslash is a backslash (PS3.5, 6.4).
bool is_single_text(const DicomElement& element) {
  return element.is("LT") || element.is("ST") || element.is("UT") || element.is("UR");
}

/// "dicom.SequenceKeyword[0].Keyword"; empty when a name on the way is unknown.
std::string property_name(const DicomElements& elements, const DicomElement& element) {
  std::string name = "dicom.";
  for (const DicomStep& step : elements.path()) {
    const DicomAttribute* sequence = find_dicom_attribute(step.tag);
    if (sequence == nullptr) return {};
    name += std::string(sequence->keyword) + "[" + std::to_string(step.item) + "].";
  }
  const DicomAttribute* attribute = find_dicom_attribute(element.tag);
  return attribute == nullptr ? std::string() : name + attribute->keyword;
}

std::vector<std::string> values_of(DicomElements& elements, const DicomElement& element, bool latin1) {
  std::vector<std::string> values;
  if (is_single_text(element)) {
    values.push_back(decode(elements.text(element, kMaxValueBytes), latin1));
  } else if (is_text(element)) {
    for (const std::string& part : elements.texts(element)) values.push_back(decode(part, latin1));
  } else {
    const std::uint64_t count = std::min(DicomElements::number_count(element), kMaxValues);
    for (std::uint64_t i = 0; i < count; ++i) {
      if (const auto number = elements.number(element, i)) values.push_back(format_number(*number));
    }
  }
  return values;
}

}  // namespace

void add_dicom_properties(const ByteSource& source, std::map<std::string, std::string>& properties) {
  DicomElements elements(source);
  bool latin1 = false;
  std::size_t count = 0;
  for (DicomElement element; elements.next(element) && count < kMaxProperties;) {
    if (element.tag >= dicom_tag::kExtendedOffsets) break;
    if (!elements.top_level() && elements.path().front().tag == dicom_tag::kPerFrameGroups) break;
    if (element.length > kMaxValueBytes) continue;
    if (elements.top_level() && element.tag == dicom_tag::kCharacterSet) {
      latin1 = elements.text(element) == "ISO_IR 100";
    }
    const std::string name = property_name(elements, element);
    if (name.empty()) continue;
    const auto values = values_of(elements, element, latin1);
    for (std::size_t i = 0; i < values.size(); ++i, ++count) {
      properties[values.size() == 1 ? name : name + "[" + std::to_string(i) + "]"] = values[i];
    }
  }
}

}  // namespace histojet::slide
