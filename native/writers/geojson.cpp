#include "base/error.hpp"
#include "writers/class_table.hpp"
#include "writers/document_file.hpp"
#include "writers/json_text.hpp"
#include "writers/measurement_columns.hpp"
#include "writers/nucleus_identity.hpp"
#include "writers/outline.hpp"
#include "writers/writer_format.hpp"

namespace histojet::writers {
namespace {

/// `{"name":…,"color":[r,g,b]}`
void put_class(JsonText& text, const NucleusClass& entry) {
  text.put("{\"name\":");
  text.string(entry.name);
  text.put(",\"color\":[");
  for (int c = 0; c < 3; ++c) {
    if (c > 0) text.put(',');
    text.integer(entry.color[c]);
  }
  text.put("]}");
}

/// The provenance with the class table, so that readers give the classes the numbers they have here.
std::string header(const WriterOptions& options) {
  std::string provenance = provenance_json(options, Origin::kBounds);
  if (provenance.find("\"classes\"") == std::string::npos) {
    JsonText text;
    text.put(",\"classes\":[");
    const ClassTable classes(options.classes);
    for (std::size_t i = 0; i < classes.size(); ++i) {
      if (i > 0) text.put(',');
      put_class(text, classes[i]);
    }
    text.put(']');
    provenance.insert(provenance.rfind('}'), text.view());
  }
  return "{\"type\":\"FeatureCollection\",\"histojet\":" + provenance + ",\"features\":[\n";
}

/// `,"properties":{…"classification":{…},"measurements":{` of one class: everything but the numbers.
std::string properties_text(const NucleusClass& entry) {
  JsonText text;
  text.put("]},\"properties\":{\"objectType\":\"detection\",\"classification\":");
  put_class(text, entry);
  text.put(",\"measurements\":{");
  return std::string(text.view());
}

/// QuPath detections, one Feature per line (interop-formats 1): closed rings on the 0.01-pixel grid, a class with a
/// colour, measurements under QuPath's names. A nucleus whose outline has no area on that grid cannot be imported by
/// QuPath (it rejects the file) and is left out.
class GeoJsonWriter final : public NucleusWriter {
 public:
  GeoJsonWriter(const WriterOptions& options, bool compressed)
      : file_(options.path, compressed, header(options), "\n]}\n"),
        identity_(options.fingerprint, options.weights_hash),
        corner_(origin_of(options, Origin::kBounds)),
        mpp_(options.mpp),
        classes_(options.classes) {
    area_name_ = mpp_ > 0 ? "\"Nucleus: Area µm^2\":" : "\"Nucleus: Area px^2\":";
    perimeter_name_ = mpp_ > 0 ? ",\"Nucleus: Perimeter µm\":" : ",\"Nucleus: Perimeter px\":";
  }

  void write(const nuclei::NucleusList& batch) override {
    if (measurements_.take(batch)) {
      for (const std::string& name : measurements_.names()) {
        JsonText text;
        text.put(',');
        text.string(qupath_name(name));
        text.put(':');
        measurement_texts_.emplace_back(text.view());
      }
    }
    text_.clear();
    std::int64_t written = 0;
    for (std::size_t i = 0; i < batch.size(); ++i) {
      if (!make_outline(batch, i, corner_.x, corner_.y, outline_)) continue;
      if (count_ + written > 0) text_.put(",\n");
      append_feature(batch, i);
      ++written;
    }
    if (written == 0) return;
    file_.append(text_.view());
    count_ += written;
  }

  void close() override { file_.close(); }
  std::int64_t count() const override { return count_; }

 private:
  const std::string& class_text(const nuclei::NucleusList& batch, std::size_t i) {
    const std::size_t row = classes_.row(batch, i);
    while (class_texts_.size() <= row) class_texts_.push_back(properties_text(classes_[class_texts_.size()]));
    return class_texts_[row];
  }

  void append_ring() {
    text_.put('[');
    for (const GridPoint& point : outline_.points) text_.point(point.x, point.y, ',');
    text_.point(outline_.points.front().x, outline_.points.front().y, ']');
  }

  void append_feature(const nuclei::NucleusList& batch, std::size_t i) {
    text_.put("{\"type\":\"Feature\",\"id\":\"");
    const std::array<char, 36> id = identity_.next_text(batch.centroids[2 * i], batch.centroids[2 * i + 1]);
    text_.put(std::string_view(id.data(), id.size()));
    text_.put("\",\"geometry\":{\"type\":\"Polygon\",\"coordinates\":[");
    append_ring();
    text_.put(class_text(batch, i));
    if (i < batch.type_probabilities.size() && writable(batch.type_probabilities[i])) {
      text_.put("\"Class probability\":");
      text_.decimal(batch.type_probabilities[i]);
      text_.put(',');
    }
    text_.put(area_name_);
    text_.decimal(writable(batch.areas[i]) ? batch.areas[i] : 0);
    batch.measurements.empty() ? append_shape() : append_measurements(batch, i);
    text_.put("}}}");
  }

  /// Of nuclei that were not measured: what the outline in the file tells.
  void append_shape() {
    text_.put(perimeter_name_);
    text_.decimal(outline_.perimeter * (mpp_ > 0 ? mpp_ : 1));
    text_.put(",\"Nucleus: Circularity\":");
    text_.decimal(outline_.circularity());
  }

  void append_measurements(const nuclei::NucleusList& batch, std::size_t i) {
    for (std::size_t m = 0; m < batch.measurements.size(); ++m) {
      const float value = batch.measurements[m].values[i];
      if (!writable(value)) continue;
      text_.put(measurement_texts_[m]);
      text_.four_decimals(value);
    }
  }

  DocumentFile file_;
  NucleusIdentity identity_;
  Corner corner_;
  double mpp_;
  ClassTable classes_;
  std::vector<std::string> class_texts_;
  std::string area_name_;
  std::string perimeter_name_;
  MeasurementColumns measurements_;
  std::vector<std::string> measurement_texts_;  ///< `,"name":`
  JsonText text_;
  Outline outline_;
  std::int64_t count_ = 0;
};

}  // namespace

std::unique_ptr<NucleusWriter> make_geojson(const WriterOptions& options) {
  return std::make_unique<GeoJsonWriter>(options, false);
}

std::unique_ptr<NucleusWriter> make_geojson_gz(const WriterOptions& options) {
  return std::make_unique<GeoJsonWriter>(options, true);
}

}  // namespace histojet::writers
