#pragma once

#include <cstdint>
#include <cstring>
#include <map>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace histojet::test {

/// A strict reader of DICOM in explicit VR little endian, for checking what writers write: tags ascend, lengths are
/// even and end where they say.
struct DicomValue {
  using Dataset = std::map<std::uint32_t, DicomValue>;
  std::string vr;
  std::string bytes;           ///< with the pad
  std::vector<Dataset> items;  ///< of a sequence

  /// Text without its pad.
  std::string text() const {
    std::string value = bytes;
    while (!value.empty() && (value.back() == ' ' || value.back() == '\0')) value.pop_back();
    return value;
  }
  template <class Value>
  std::vector<Value> numbers() const {
    std::vector<Value> values(bytes.size() / sizeof(Value));
    if (values.size() * sizeof(Value) != bytes.size()) throw std::runtime_error("DICOM: a broken number");
    if (!values.empty()) std::memcpy(values.data(), bytes.data(), bytes.size());
    return values;
  }
};

class DicomParser {
 public:
  using Dataset = DicomValue::Dataset;

  /// The whole file, file meta group included.
  static Dataset file(std::string_view text) {
    if (text.size() < 132 || text.substr(128, 4) != "DICM") throw std::runtime_error("DICOM: no preamble");
    DicomParser parser(text.substr(132));
    Dataset result = parser.dataset(text.size() - 132);
    return result;
  }

 private:
  static constexpr std::uint32_t kUndefined = 0xffffffff;
  explicit DicomParser(std::string_view text) : text_(text) {}

  std::uint32_t number(int bytes) {
    std::uint32_t value = 0;
    for (int i = 0; i < bytes; ++i) value |= std::uint32_t{static_cast<std::uint8_t>(text_.at(at_++))} << (8 * i);
    return value;
  }
  std::uint32_t tag() {
    const std::uint32_t group = number(2);
    return group << 16 | number(2);
  }

  /// Elements up to `end`, or up to the delimiter of an item of undefined length.
  Dataset dataset(std::size_t end) {
    Dataset result;
    std::uint32_t last = 0;
    while (at_ < end) {
      const std::uint32_t key = tag();
      if (key == 0xfffee00d && end == text_.size() + 1) {
        if (number(4) != 0) throw std::runtime_error("DICOM: a delimiter with a length");
        return result;
      }
      if (key <= last) throw std::runtime_error("DICOM: tags do not ascend at byte " + std::to_string(at_));
      last = key;
      result[key] = element();
    }
    if (at_ != end) throw std::runtime_error("DICOM: an element reaches over its container");
    return result;
  }

  DicomValue element() {
    DicomValue value;
    value.vr = text_.substr(at_, 2);
    at_ += 2;
    static const std::string kLong = "OB OD OF OL OV OW SQ SV UC UN UR UT UV";
    const bool is_long = kLong.find(value.vr) != std::string::npos;
    if (is_long && number(2) != 0) throw std::runtime_error("DICOM: reserved bytes");
    const std::uint32_t length = number(is_long ? 4 : 2);
    if (value.vr == "SQ") {
      value.items = sequence(length);
      return value;
    }
    if (length % 2 != 0 || length > text_.size() - at_) throw std::runtime_error("DICOM: length of " + value.vr);
    value.bytes = text_.substr(at_, length);
    at_ += length;
    return value;
  }

  std::vector<Dataset> sequence(std::uint32_t length) {
    std::vector<Dataset> items;
    const std::size_t end = length == kUndefined ? text_.size() : at_ + length;
    while (at_ < end) {
      const std::uint32_t key = tag();
      const std::uint32_t size = number(4);
      if (key == 0xfffee0dd && length == kUndefined) return items;
      if (key != 0xfffee000) throw std::runtime_error("DICOM: expected an item");
      items.push_back(dataset(size == kUndefined ? text_.size() + 1 : at_ + size));
    }
    if (length == kUndefined || at_ != end) throw std::runtime_error("DICOM: a sequence does not end");
    return items;
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

}  // namespace histojet::test
