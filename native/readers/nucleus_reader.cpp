#include "readers/nucleus_reader.hpp"

#include "base/byte_source.hpp"
#include "base/error.hpp"
#include "base/text.hpp"
#include "readers/annotation_store_reader.hpp"
#include "readers/document_source.hpp"
#include "readers/geojson_reader.hpp"
#include "readers/hovernet_json_reader.hpp"
#include "readers/reader_format.hpp"

namespace histojet::readers {
namespace {

/// What recognise() gets to see of a file: enough for the provenance that may stand first.
constexpr std::size_t kHeadBytes = 64 << 10;

/// Formats that much would fit stand last.
const std::vector<ReaderFormat>& formats() {
  static const std::vector<ReaderFormat> table{
      {"annotation-store", looks_like_annotation_store, open_annotation_store_file},
      {"hovernet-json", looks_like_hovernet_json, open_hovernet_json_file},
      {"geojson", looks_like_geojson, open_geojson_file},
  };
  return table;
}

std::string known_formats() {
  std::string text;
  for (const ReaderFormat& format : formats()) text += (text.empty() ? "" : ", ") + format.name;
  return text;
}

const ReaderFormat& format_by_name(const std::string& name) {
  for (const ReaderFormat& format : formats()) {
    if (format.name == name) return format;
  }
  throw Error(ErrorCode::kInvalidArgument, "unknown format of nuclei \"" + name + "\"; known are " + known_formats());
}

/// The first bytes of a file, unpacked where it is packed.
std::vector<std::uint8_t> head_of(const std::string& path) {
  const auto document = open_document(open_file(path));
  std::vector<std::uint8_t> head(kHeadBytes);
  std::size_t filled = 0;
  while (filled < head.size()) {
    const std::size_t count = document->read(std::span(head).subspan(filled));
    if (count == 0) break;
    filled += count;
  }
  head.resize(filled);
  return head;
}

const ReaderFormat& format_by_content(const std::string& path) {
  const std::vector<std::uint8_t> head = head_of(path);
  for (const ReaderFormat& format : formats()) {
    if (format.recognise(head)) return format;
  }
  unsupported(path, (head.empty() ? "the file is empty" : "no known file of nuclei") + std::string("; known are ") +
                        known_formats());
}

}  // namespace

std::unique_ptr<NucleusReader> NucleusReader::open(const std::string& path, const std::string& format) {
  if (path.empty()) throw Error(ErrorCode::kInvalidArgument, "the path of the file of nuclei is empty");
  return (format.empty() ? format_by_content(path) : format_by_name(format)).open(path);
}

const std::vector<std::string>& reader_formats() {
  static const std::vector<std::string> names = [] {
    std::vector<std::string> list;
    for (const ReaderFormat& format : formats()) list.push_back(format.name);
    return list;
  }();
  return names;
}

}  // namespace histojet::readers
