#include "writers/nucleus_writer.hpp"

#include <algorithm>
#include <cctype>

#include "base/error.hpp"
#include "writers/json_text.hpp"
#include "writers/writer_format.hpp"

namespace histojet::writers {
namespace {

/// Longer extensions stand first: ".geojson.gz" also ends in something that others may claim.
const std::vector<WriterFormat>& formats() {
  static const std::vector<WriterFormat> table{
      {"geojson.gz", {".geojson.gz"}, make_geojson_gz},     {"geojson", {".geojson"}, make_geojson},
      {"hovernet-json", {".json"}, make_hovernet_json},     {"csv", {".csv"}, make_csv},
      {"annotation-store", {".db"}, make_annotation_store}, {"dicom-ann", {".dcm"}, make_dicom_ann},
  };
  return table;
}

std::string known_formats() {
  std::string text;
  for (const WriterFormat& format : formats()) {
    text += (text.empty() ? "" : ", ") + format.name + " (" + format.extensions.front() + ")";
  }
  return text;
}

const WriterFormat& format_by_name(const std::string& name) {
  for (const WriterFormat& format : formats()) {
    if (format.name == name) return format;
  }
  throw Error(ErrorCode::kInvalidArgument, "unknown output format \"" + name + "\"; known are " + known_formats());
}

const WriterFormat& format_by_extension(const std::string& path, const std::string& other_formats) {
  std::string lower = path;
  std::ranges::transform(lower, lower.begin(), [](unsigned char letter) { return std::tolower(letter); });
  for (const WriterFormat& format : formats()) {
    for (const std::string& extension : format.extensions) {
      if (lower.ends_with(extension)) return format;
    }
  }
  throw Error(ErrorCode::kInvalidArgument, "cannot tell the output format from the name \"" + path + "\"; known are " +
                                               known_formats() + (other_formats.empty() ? "" : ", " + other_formats));
}

}  // namespace

std::unique_ptr<NucleusWriter> NucleusWriter::create(const WriterOptions& options) {
  if (options.path.empty()) throw Error(ErrorCode::kInvalidArgument, "the output's path is empty");
  const WriterFormat& format = options.format.empty() ? format_by_extension(options.path, options.other_formats)
                                                      : format_by_name(options.format);
  return format.make(options);
}

const std::vector<std::string>& writer_formats() {
  static const std::vector<std::string> names = [] {
    std::vector<std::string> list;
    for (const WriterFormat& format : formats()) list.push_back(format.name);
    return list;
  }();
  return names;
}

Corner origin_of(const WriterOptions& options, Origin default_origin) {
  if (options.origin.value_or(default_origin) == Origin::kLevel0) return {};
  return {static_cast<double>(options.bounds_x), static_cast<double>(options.bounds_y)};
}

std::string provenance_json(const WriterOptions& options, Origin default_origin) {
  const std::string& given = options.provenance;
  const std::size_t open = given.find_first_not_of(" \t\r\n");
  const bool present = open != std::string::npos;
  const std::size_t end = given.find_last_not_of(" \t\r\n");
  if (present && (given[open] != '{' || given[end] != '}' || open == end)) {
    throw Error(ErrorCode::kInvalidArgument, "expected the provenance as one JSON object, got \"" + given + "\"");
  }
  const std::string members = present ? given.substr(open + 1, end - open - 1) : "";
  if (members.find("\"origin\"") != std::string::npos) return given.substr(open, end - open + 1);
  const Corner corner = origin_of(options, default_origin);
  const bool bounds = options.origin.value_or(default_origin) == Origin::kBounds;
  JsonText offset;
  offset.decimal(corner.x);
  offset.put(',');
  offset.decimal(corner.y);
  std::string text = std::string("{\"origin\":\"") + (bounds ? "bounds" : "level0") + "\",\"offset\":[" +
                     std::string(offset.view()) + ']';
  if (members.find_first_not_of(" \t\r\n") != std::string::npos) text += "," + members;
  return text + "}";
}

}  // namespace histojet::writers
