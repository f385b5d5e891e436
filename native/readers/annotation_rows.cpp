#include "readers/annotation_rows.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <utility>

#include "base/error.hpp"
#include "base/text.hpp"
#include "readers/document_source.hpp"
#include "readers/file_provenance.hpp"
#include "readers/json_scanner.hpp"
#include "readers/wkb.hpp"

namespace histojet::readers {
namespace {

constexpr int kMostRows = 4096;
/// Rows with many points or long properties end a batch early.
constexpr std::size_t kEnoughPoints = 1 << 19;
constexpr std::size_t kEnoughText = 4 << 20;
constexpr std::size_t kLongestText = 1 << 20;
/// Some three million points.
constexpr std::size_t kLargestGeometry = 48 << 20;
constexpr float kUnknown = std::numeric_limits<float>::quiet_NaN();

/// How a number names a class: 3, not 3.0.
std::string class_number(double value) {
  char text[32];
  const bool whole = value == std::floor(value) && std::abs(value) < 1e15;
  const auto [end, error] = whole ? std::to_chars(text, text + sizeof(text), static_cast<std::int64_t>(value))
                                  : std::to_chars(text, text + sizeof(text), value);
  return error == std::errc{} ? std::string(text, end) : "";
}

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kSpace = " \t\r\n";
  const std::size_t first = std::min(text.find_first_not_of(kSpace), text.size());
  return text.substr(first, text.find_last_not_of(kSpace) + 1 - first);
}

struct Properties {
  std::string type;
  bool typed = false;
  float probability = kUnknown;
};

Properties parse_properties(JsonScanner& json) {
  Properties properties;
  for (bool more = json.begin_object(); more; more = json.next_member()) {
    const std::string_view key = json.key();
    if (key == "type" && (json.peek() == '"' || json.at_number())) {
      properties.type = json.peek() == '"' ? std::string(json.string()) : class_number(json.number());
      properties.typed = true;
    } else if (key == "prob" && json.at_number()) {
      const double value = json.number();
      properties.probability = OutlineCollector::storable(value) ? static_cast<float>(value) : kUnknown;
    } else {
      json.skip();
    }
  }
  return properties;
}

}  // namespace

AnnotationRows::AnnotationRows(std::unique_ptr<SqliteInput> database)
    : database_(std::move(database)), unpacker_(kLargestGeometry) {
  check_tables();
  read_metadata();
  // By id and not by one long query, which would keep others from writing.
  rows_ = std::make_unique<SqliteQuery>(
      *database_, "SELECT rowid, geometry, properties FROM annotations WHERE rowid >= ?1 ORDER BY rowid LIMIT " +
                      std::to_string(kMostRows));
  last_id_ = std::numeric_limits<std::int64_t>::min();
}

void AnnotationRows::check_tables() {
  const std::vector<std::string> columns = database_->columns("annotations");
  if (columns.empty()) {
    unsupported(name(), "an SQLite database without a table \"annotations\"; expected TIAToolbox' annotation store");
  }
  for (const char* needed : {"geometry", "properties"}) {
    if (std::ranges::find(columns, needed) == columns.end()) {
      unsupported(name(), std::string("the table \"annotations\" has no column \"") + needed +
                              "\"; expected TIAToolbox' annotation store, version 1");
    }
  }
  // Such a column would stand for the row's number.
  if (std::ranges::find(columns, "rowid") != columns.end()) {
    unsupported(name(), "the table \"annotations\" has a column \"rowid\"");
  }
  if (database_->columns("metadata").empty()) {
    unsupported(name(), "an SQLite database without a table \"metadata\"; expected TIAToolbox' annotation store");
  }
}

void AnnotationRows::read_metadata() {
  SqliteQuery query(*database_,
                    "SELECT key, value FROM metadata WHERE key IN ('version', 'compression', 'provenance')");
  std::string compression = "null";
  while (query.step()) {
    const std::string key(query.text(0));
    const std::string value(query.text(1));
    if (key == "version" && !value.starts_with("\"1.")) {
      unsupported(name(), "an annotation store of version " + quote(value) + "; known is 1.0.1");
    } else if (key == "compression") {
      compression = value;
    } else if (key == "provenance" && value.size() <= kLongestProvenance && is_utf8(value)) {
      provenance_ = value;
    }
  }
  packed_ = compression == "\"zlib\"";
  if (!packed_ && compression != "null" && compression != "") {
    unsupported(name(), "geometry packed with " + quote(compression) + "; known are zlib and none");
  }
}

bool AnnotationRows::read(const CancelToken& cancel) {
  database_->obey(&cancel);
  rows_->reset();
  rows_->bind(1, last_id_);
  bool any = false;
  while (outlines_.point_count() < kEnoughPoints && texts_.size() < kEnoughText && rows_->step()) {
    if (!rows_->is_integer(0)) corrupt(name(), "a row of \"annotations\" has no number");
    const std::int64_t id = rows_->integer(0);
    if (begun_ && id <= last_id_) {
      if (id == last_id_ && !any) continue;
      corrupt(name(), "the rows of \"annotations\" are out of order at " + std::to_string(id));
    }
    begun_ = any = true;
    last_id_ = id;
    cancel.throw_if_cancelled();
    read_row(id);
  }
  rows_->reset();
  read_properties();
  database_->obey(nullptr);
  return any;
}

void AnnotationRows::read_row(std::int64_t id) {
  const std::size_t before = outlines_.size();
  const std::string where = name() + ": annotation " + std::to_string(id);
  if (rows_->is_null(1)) return;  // a point
  read_geometry(where);
  if (outlines_.size() == before) return;
  const std::string_view text = rows_->is_null(2) ? "{}" : trimmed(rows_->text(2));
  if (text.size() > kLongestText) corrupt(where, "its properties are longer than 1 MiB");
  if (!text.starts_with('{')) corrupt(where, "its properties are no JSON object");
  texts_ += text;
  texts_ += '\n';
  text_ends_.push_back(texts_.size());
  counts_.push_back(outlines_.size() - before);
  ids_.push_back(id);
}

void AnnotationRows::read_geometry(const std::string& where) {
  if (rows_->is_text(1)) unsupported(where, "geometry as text; expected well-known binary");
  const std::span<const std::uint8_t> blob = rows_->blob(1);
  append_wkb(packed_ ? unpacker_.unpack(blob, where + ": its geometry") : blob, outlines_, where);
}

/// One scanner for all rows: its buffer would cost more than a row's text.
void AnnotationRows::read_properties() {
  if (ids_.empty()) return;
  const std::uint8_t* data = reinterpret_cast<const std::uint8_t*>(texts_.data());
  JsonScanner json(open_document(memory_source({data, data + texts_.size()}, name() + ": properties")));
  for (std::size_t row = 0; row < ids_.size(); ++row) {
    const std::string where = name() + ": annotation " + std::to_string(ids_[row]);
    Properties properties;
    try {
      properties = parse_properties(json);
      json.peek();
    } catch (const Error& error) {
      if (error.code() != ErrorCode::kCorruptFile) throw;
      corrupt(where, "its properties are no JSON object");
    }
    if (json.offset() != text_ends_[row]) corrupt(where, "its properties are more or less than one JSON object");
    const std::uint8_t type =
        properties.typed ? classes_.type_of(properties.type, std::nullopt, name()) : classes_.unclassified(name());
    types_.insert(types_.end(), counts_[row], type);
    probabilities_.insert(probabilities_.end(), counts_[row], properties.probability);
  }
  texts_.clear();
  text_ends_.clear();
  counts_.clear();
  ids_.clear();
}

nuclei::NucleusList AnnotationRows::take() {
  nuclei::NucleusList list = outlines_.take();
  list.types = std::exchange(types_, {});
  const bool some = std::ranges::any_of(probabilities_, [](float value) { return !std::isnan(value); });
  if (some) list.type_probabilities = probabilities_;
  probabilities_.clear();
  return list;
}

}  // namespace histojet::readers
