#include <algorithm>
#include <span>
#include <string>
#include <string_view>

#include "writers/class_table.hpp"
#include "writers/document_file.hpp"
#include "writers/json_text.hpp"
#include "writers/measurement_columns.hpp"
#include "writers/nucleus_identity.hpp"
#include "writers/outline.hpp"
#include "writers/writer_format.hpp"

namespace histojet::writers {
namespace {

std::string header(bool metric, std::span<const std::string> measurements) {
  std::string line = std::string("id,x,y,class,probability,") + (metric ? "area_um2" : "area_px2") + ",x0,y0,x1,y1,";
  for (const std::string& name : measurements) line += name + ',';
  return line + "contour\n";
}

/// A field as RFC 4180 wants it: in quotes, which are doubled inside, when commas, quotes or line ends would split it.
/// Spaces at the ends are quoted too, because spreadsheets strip them otherwise.
std::string field(std::string_view value) {
  const bool plain = value.find_first_of(",\"\r\n") == std::string_view::npos &&
                     (value.empty() || (value.front() != ' ' && value.back() != ' '));
  if (plain) return std::string(value);
  std::string quoted = "\"";
  for (const char letter : value) quoted += letter == '"' ? std::string("\"\"") : std::string(1, letter);
  return quoted + '"';
}

/// One line per nucleus under a line of names: centroid, class, area, the contour's box, measurements if there are any,
/// and the contour as a WKT polygon whose ring is closed. Leaves out the nuclei that GeoJSON leaves out, so that both
/// hold the same ids.
class CsvWriter final : public NucleusWriter {
 public:
  explicit CsvWriter(const WriterOptions& options)
      : metric_(options.mpp > 0),
        file_(options.path, false, header(metric_, {}), ""),
        identity_(options.fingerprint, options.weights_hash),
        corner_(origin_of(options, Origin::kLevel0)),
        classes_(options.classes) {}

  void write(const nuclei::NucleusList& batch) override {
    const bool first = measurements_.take(batch);
    if (first && !measurements_.names().empty()) file_.replace_header(header(metric_, measurements_.names()));
    text_.clear();
    std::int64_t written = 0;
    for (std::size_t i = 0; i < batch.size(); ++i) {
      if (!make_outline(batch, i, corner_.x, corner_.y, outline_)) continue;
      append_line(batch, i);
      ++written;
    }
    file_.append(text_.view());
    count_ += written;
  }

  void close() override { file_.close(); }
  std::int64_t count() const override { return count_; }

 private:
  const std::string& class_field(const nuclei::NucleusList& batch, std::size_t i) {
    const std::size_t row = classes_.row(batch, i);
    while (fields_.size() <= row) fields_.push_back(field(classes_[fields_.size()].name));
    return fields_[row];
  }

  void append_box() {
    const auto [left, right] = std::ranges::minmax(outline_.points, {}, &GridPoint::x);
    const auto [top, bottom] = std::ranges::minmax(outline_.points, {}, &GridPoint::y);
    for (const std::int64_t edge : {left.x, top.y, right.x, bottom.y}) {
      text_.hundredths(edge);
      text_.put(',');
    }
  }

  void append_point(const GridPoint& point) {
    text_.hundredths(point.x);
    text_.put(' ');
    text_.hundredths(point.y);
  }

  void append_line(const nuclei::NucleusList& batch, std::size_t i) {
    const std::array<char, 36> id = identity_.next_text(batch.centroids[2 * i], batch.centroids[2 * i + 1]);
    text_.put(std::string_view(id.data(), id.size()));
    text_.put(',');
    text_.decimal(batch.centroids[2 * i] - corner_.x);
    text_.put(',');
    text_.decimal(batch.centroids[2 * i + 1] - corner_.y);
    text_.put(',');
    text_.put(class_field(batch, i));
    text_.put(',');
    if (i < batch.type_probabilities.size() && writable(batch.type_probabilities[i])) {
      text_.decimal(batch.type_probabilities[i]);
    }
    text_.put(',');
    text_.decimal(writable(batch.areas[i]) ? batch.areas[i] : 0);
    text_.put(',');
    append_box();
    for (const nuclei::MeasurementColumn& column : batch.measurements) {
      if (writable(column.values[i])) text_.four_decimals(column.values[i]);
      text_.put(',');
    }
    text_.put("\"POLYGON ((");
    for (const GridPoint& point : outline_.points) {
      append_point(point);
      text_.put(", ");
    }
    append_point(outline_.points.front());
    text_.put("))\"\n");
  }

  bool metric_;
  DocumentFile file_;
  MeasurementColumns measurements_;
  NucleusIdentity identity_;
  Corner corner_;
  ClassTable classes_;
  std::vector<std::string> fields_;
  JsonText text_;
  Outline outline_;
  std::int64_t count_ = 0;
};

}  // namespace

std::unique_ptr<NucleusWriter> make_csv(const WriterOptions& options) {
  return std::make_unique<CsvWriter>(options);
}

}  // namespace histojet::writers
