#include "writers/nucleus_columns.hpp"

#include <cstring>
#include <limits>

#include "writers/json_text.hpp"

namespace histojet::writers {
namespace {

/// A slice is copied on JavaScript's thread: half a millisecond.
constexpr std::size_t kMostRows = 4096;
constexpr std::size_t kEnoughGeometryBytes = 512 << 10;

std::uint8_t hex_digit(char letter) {
  return static_cast<std::uint8_t>(letter <= '9' ? letter - '0' : letter - 'a' + 10);
}

template <class Value>
void append_column(std::vector<std::uint8_t>& bytes, std::vector<Value>& column) {
  const std::size_t at = bytes.size();
  const std::size_t length = column.size() * sizeof(Value);
  bytes.resize(at + length);
  if (length > 0) std::memcpy(bytes.data() + at, column.data(), length);
  column.clear();
}

}  // namespace

NucleusColumnEncoder::NucleusColumnEncoder(const WriterOptions& options)
    : provenance_(provenance_json(options, Origin::kLevel0)),
      metric_(options.mpp > 0),
      corner_(origin_of(options, Origin::kLevel0)),
      identity_(options.fingerprint, options.weights_hash),
      classes_(options.classes) {}

NucleusColumns NucleusColumnEncoder::encode(const nuclei::NucleusList& batch, std::size_t first) {
  measurements_.take(batch);
  measured_.resize(batch.measurements.size());
  NucleusColumns columns;
  std::size_t i = first;
  for (; i < batch.size() && columns.rows < kMostRows && geometry_.size() < kEnoughGeometryBytes; ++i) {
    if (!make_outline(batch, i, corner_.x, corner_.y, outline_)) continue;
    ++columns.rows;
    make_polygon(outline_, polygon_);
    make_wkb(polygon_, wkb_);
    geometry_.insert(geometry_.end(), wkb_.begin(), wkb_.end());
    geometry_end_.push_back(static_cast<std::uint32_t>(geometry_.size()));
    const float x = batch.centroids[2 * i];
    const float y = batch.centroids[2 * i + 1];
    append_id(x, y);
    x_.push_back(static_cast<float>(x - corner_.x));
    y_.push_back(static_cast<float>(y - corner_.y));
    const bool probable = i < batch.type_probabilities.size() && writable(batch.type_probabilities[i]);
    probability_.push_back(probable ? batch.type_probabilities[i] : std::numeric_limits<float>::quiet_NaN());
    area_.push_back(writable(batch.areas[i]) ? batch.areas[i] : 0);
    for (std::size_t m = 0; m < measured_.size(); ++m) measured_[m].push_back(batch.measurements[m].values[i]);
    box_.insert(box_.end(), {polygon_.left, polygon_.top, polygon_.right, polygon_.bottom});
    row_.push_back(static_cast<std::uint32_t>(classes_.row(batch, i)));
  }
  columns.next = i;
  for (auto* column : {&x_, &y_, &probability_, &area_, &box_}) append_column(columns.bytes, *column);
  append_column(columns.bytes, row_);
  append_column(columns.bytes, geometry_end_);
  append_column(columns.bytes, id_);
  for (auto& column : measured_) append_column(columns.bytes, column);
  append_column(columns.bytes, geometry_);
  columns.measurements = measurements_.names();
  columns.classes = classes_json();
  return columns;
}

void NucleusColumnEncoder::append_id(double x, double y) {
  const std::string text = identity_.next_id(x, y);
  for (std::size_t at = 0; at + 1 < text.size(); at += 2) {
    if (text[at] == '-') ++at;
    id_.push_back(static_cast<std::uint8_t>(hex_digit(text[at]) << 4 | hex_digit(text[at + 1])));
  }
}

std::string NucleusColumnEncoder::classes_json() const {
  JsonText text;
  text.put('[');
  for (std::size_t row = 0; row < classes_.size(); ++row) {
    text.put(row > 0 ? ",{\"id\":" : "{\"id\":");
    text.integer(static_cast<std::int64_t>(row));
    text.put(",\"name\":");
    text.string(classes_[row].name);
    text.put(",\"color\":[");
    for (int c = 0; c < 3; ++c) {
      if (c > 0) text.put(',');
      text.integer(classes_[row].color[c]);
    }
    text.put("]}");
  }
  text.put(']');
  return std::string(text.view());
}

}  // namespace histojet::writers
