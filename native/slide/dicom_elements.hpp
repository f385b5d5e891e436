#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/byte_source.hpp"

namespace histojet::slide {

inline constexpr std::uint64_t kUndefinedLength = 0xFFFFFFFF;

/// One data element that is no sequence; its value is located, not read.
struct DicomElement {
  std::uint32_t tag = 0;  ///< group << 16 | element
  std::array<char, 2> vr{};
  std::uint64_t offset = 0;
  std::uint64_t length = 0;  ///< kUndefinedLength for encapsulated pixel data only

  bool is(std::string_view name) const { return std::string_view(vr.data(), 2) == name; }
};

/// Where an element stands: item `item` (from 0) of the sequence `tag`, outermost first.
struct DicomStep {
  std::uint32_t tag = 0;
  std::uint64_t item = 0;
};

/// Walks the data elements of a DICOM Part 10 file (PS3.10, PS3.5) in file order, entering sequences: no tree is built,
/// nesting is at most 16 deep, and every length is checked against its surroundings. Little endian with explicit or
/// implicit value representations; the pixel data are the last element. Private sequences of implicit files are passed
/// over as plain values. Every failure is an Error kCorruptFile with the place in the file; a transfer syntax whose
/// data set cannot be walked (deflated, big endian) is kUnsupportedFormat.
class DicomElements {
 public:
  /// Reads the file meta information. `source` must outlive the walk.
  explicit DicomElements(const ByteSource& source);

  const std::string& transfer_syntax() const { return transfer_syntax_; }
  /// The next element, or false at the end of the file and behind the pixel data.
  bool next(DicomElement& element);
  /// The sequences around the element that `next` gave.
  std::span<const DicomStep> path() const { return path_; }
  bool top_level() const { return path_.empty(); }
  /// True when exactly the sequences of `tags` lie around the element.
  bool inside(std::initializer_list<std::uint32_t> tags) const;

  /// The value as it is stored, without padding; cut after `limit` bytes.
  std::string text(const DicomElement& element, std::uint64_t limit = 1024);
  /// The parts of a text value between backslashes, trimmed.
  std::vector<std::string> texts(const DicomElement& element);
  /// Value number `index` of a numeric or numeric text element; nothing when there is none.
  std::optional<double> number(const DicomElement& element, std::size_t index = 0);
  /// How many values a binary number element holds; 0 for other elements.
  static std::uint64_t number_count(const DicomElement& element);
  /// The first value as a whole number within [0, most]. @throws Error kCorruptFile.
  std::uint64_t integer(const DicomElement& element, std::uint64_t most = 0xFFFFFFFF);

 private:
  /// A sequence, or an item of one; ends at `end` or at its delimiter.
  struct Scope {
    bool is_item = false;
    bool implicit = false;
    std::optional<std::uint64_t> end;
  };

  [[noreturn]] void fail(const std::string& reason) const;
  std::uint64_t little(std::uint64_t offset, std::size_t bytes);
  void read_meta();
  /// Ends scopes that are complete. False when the walk is over.
  bool leave();
  void enter_item();
  DicomElement read_header(bool implicit);
  void enter_sequence(const DicomElement& element, bool implicit);
  std::uint64_t limit() const;

  const ByteSource& source_;
  std::string transfer_syntax_;
  bool implicit_ = false;
  bool finished_ = false;
  std::uint64_t at_ = 0;
  std::vector<Scope> scopes_;
  std::vector<DicomStep> path_;
  std::vector<std::uint8_t> window_;
  std::uint64_t window_offset_ = 0;
};

/// "JPEG-LS lossless (1.2.840.10008.1.2.4.80)": what messages call a transfer syntax.
std::string transfer_syntax_name(const std::string& uid);

}  // namespace histojet::slide
