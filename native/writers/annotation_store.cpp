#include <optional>
#include <string>
#include <vector>

#include "base/digest.hpp"
#include "codecs/deflate.hpp"
#include "writers/class_table.hpp"
#include "writers/json_text.hpp"
#include "writers/measurement_columns.hpp"
#include "writers/nucleus_identity.hpp"
#include "writers/outline.hpp"
#include "writers/polygon.hpp"
#include "writers/sqlite_output.hpp"
#include "writers/writer_format.hpp"

namespace histojet::writers {
namespace {

/// Level 9 of zlib saves less than a hundredth on nuclei.
constexpr int kDeflateLevel = 1;

/// Tables of TIAToolbox' annotation store, version 1.0.1 (tiatoolbox/annotation/storage.py).
constexpr const char* kSchema =
    "CREATE TABLE metadata (key TEXT UNIQUE, value TEXT);"
    "CREATE VIRTUAL TABLE rtree USING rtree(id, min_x, max_x, min_y, max_y);"
    "CREATE TABLE annotations(id INTEGER PRIMARY KEY, key TEXT UNIQUE, objtype TEXT, cx FLOAT NOT NULL,"
    " cy FLOAT NOT NULL, geometry BLOB, properties TEXT, area FLOAT NOT NULL);";

constexpr const char* kInsertAnnotation =
    "INSERT OR IGNORE INTO annotations (id, key, objtype, cx, cy, geometry, properties, area)"
    " VALUES (?1, ?2, 'Polygon', ?3, ?4, ?5, ?6, ?7)";
constexpr const char* kInsertBox = "INSERT INTO rtree (id, min_x, max_x, min_y, max_y) VALUES (?1, ?2, ?3, ?4, ?5)";

/// TIAToolbox' annotation store (interop-formats 3): an SQLite file with zlib-packed WKB polygons and an R-tree over
/// their boxes. Each batch is one transaction. Leaves out the nuclei that GeoJSON leaves out.
class AnnotationStoreWriter final : public NucleusWriter {
 public:
  explicit AnnotationStoreWriter(const WriterOptions& options)
      : provenance_(provenance_json(options, Origin::kLevel0)),
        database_(options.path),
        identity_(options.fingerprint, options.weights_hash),
        corner_(origin_of(options, Origin::kLevel0)),
        metric_(options.mpp > 0),
        classes_(options.classes) {
    database_.run("BEGIN");
    database_.run(kSchema);
    put_metadata();
    database_.run("COMMIT");
    annotation_.emplace(database_, kInsertAnnotation);
    box_.emplace(database_, kInsertBox);
  }

  void write(const nuclei::NucleusList& batch) override {
    measurements_.take(batch);
    database_.run("BEGIN");
    std::int64_t written = 0;
    try {
      for (std::size_t i = 0; i < batch.size(); ++i) {
        if (!make_outline(batch, i, corner_.x, corner_.y, outline_)) continue;
        ++written;
        insert(batch, i, count_ + written);
      }
      database_.run("COMMIT");
    } catch (...) {
      database_.roll_back();
      throw;
    }
    count_ += written;
  }

  void close() override {
    if (closed_) return;
    box_.reset();
    annotation_.reset();
    database_.commit_file();
    closed_ = true;
  }

  std::int64_t count() const override { return count_; }

 private:
  /// The level is the one that TIAToolbox takes for annotations that it adds later.
  void put_metadata() {
    SqliteStatement insert(database_, "INSERT INTO metadata (key, value) VALUES (?1, ?2)");
    const std::pair<const char*, std::string> rows[] = {
        {"version", "\"1.0.1\""}, {"compression", "\"zlib\""}, {"compression_level", "9"}, {"provenance", provenance_}};
    for (const auto& [key, value] : rows) {
      insert.bind(1, std::string_view(key));
      insert.bind(2, std::string_view(value));
      insert.run();
    }
  }

  void make_properties(const nuclei::NucleusList& batch, std::size_t i) {
    properties_.clear();
    properties_.put("{\"type\":");
    properties_.string(classes_[classes_.row(batch, i)].name);
    if (i < batch.type_probabilities.size() && writable(batch.type_probabilities[i])) {
      properties_.put(",\"prob\":");
      properties_.decimal(batch.type_probabilities[i]);
    }
    append_measurements(batch, i);
    properties_.put('}');
  }

  /// The column `area` is that of the polygon in pixels.
  void append_measurements(const nuclei::NucleusList& batch, std::size_t i) {
    if (batch.measurements.empty()) return;
    if (metric_ && writable(batch.areas[i])) {
      properties_.put(",\"area_um2\":");
      properties_.four_decimals(batch.areas[i]);
    }
    for (const nuclei::MeasurementColumn& column : batch.measurements) {
      if (!writable(column.values[i])) continue;
      properties_.put(',');
      properties_.string(column.name);
      properties_.put(':');
      properties_.four_decimals(column.values[i]);
    }
  }

  void insert(const nuclei::NucleusList& batch, std::size_t i, std::int64_t id) {
    make_polygon(outline_, polygon_);
    make_wkb(polygon_, wkb_);
    make_properties(batch, i);
    const std::string key = identity_.next_id(batch.centroids[2 * i], batch.centroids[2 * i + 1]);
    const std::vector<std::uint8_t> geometry = codecs::deflate_zlib(wkb_, kDeflateLevel);
    annotation_->bind(1, id);
    annotation_->bind(2, std::string_view(key));
    annotation_->bind(3, polygon_.centroid_x);
    annotation_->bind(4, polygon_.centroid_y);
    annotation_->bind(5, std::span<const std::uint8_t>(geometry));
    annotation_->bind(6, properties_.view());
    annotation_->bind(7, polygon_.area);
    if (!annotation_->run()) {
      // The key occurred long before (NucleusIdentity looks back a limited way): the row's number tells them apart.
      const std::string other_key = name_based_uuid(key + ' ' + std::to_string(id));
      annotation_->bind(2, std::string_view(other_key));
      annotation_->run();
    }
    box_->bind(1, id);
    box_->bind(2, double{polygon_.left});
    box_->bind(3, double{polygon_.right});
    box_->bind(4, double{polygon_.top});
    box_->bind(5, double{polygon_.bottom});
    box_->run();
  }

  std::string provenance_;
  SqliteOutput database_;
  std::optional<SqliteStatement> annotation_;
  std::optional<SqliteStatement> box_;
  NucleusIdentity identity_;
  Corner corner_;
  bool metric_;
  MeasurementColumns measurements_;
  ClassTable classes_;
  JsonText properties_;
  Outline outline_;
  Polygon polygon_;
  std::vector<std::uint8_t> wkb_;
  std::int64_t count_ = 0;
  bool closed_ = false;
};

}  // namespace

std::unique_ptr<NucleusWriter> make_annotation_store(const WriterOptions& options) {
  return std::make_unique<AnnotationStoreWriter>(options);
}

}  // namespace histojet::writers
