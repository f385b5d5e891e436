#include <bit>
#include <cmath>
#include <cstring>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/digest.hpp"
#include "base/error.hpp"
#include "base/part_file.hpp"
#include "writers/class_table.hpp"
#include "writers/dicom_ann_attributes.hpp"
#include "writers/dicom_elements.hpp"
#include "writers/json_text.hpp"
#include "writers/measurement_columns.hpp"
#include "writers/outline.hpp"
#include "writers/polygon.hpp"
#include "writers/spool_file.hpp"
#include "writers/writer_format.hpp"

namespace histojet::writers {
namespace {

static_assert(std::endian::native == std::endian::little, "spooled numbers go into a little-endian file as they are");

/// What the points' file does not say about a polygon.
struct Shape {
  std::uint32_t points = 0;
  float area = 0;
};

template <class Value>
std::span<const std::uint8_t> bytes_of(std::span<const Value> values) {
  return {reinterpret_cast<const std::uint8_t*>(values.data()), values.size_bytes()};
}

/// Polygons of one class on their way to disk, and the measurements of each.
struct SpooledClass {
  SpoolFile points;
  SpoolFile shapes;
  std::optional<SpoolFile> measured;  ///< rows of one value per measurement
  std::uint64_t count = 0;
  std::vector<std::uint64_t> missing;  ///< how many polygons lack each measurement

  SpooledClass(const std::string& part, std::size_t row, std::size_t measurements)
      : points(part + ".points-" + std::to_string(row)),
        shapes(part + ".shapes-" + std::to_string(row)),
        missing(measurements) {
    if (measurements > 0) measured.emplace(part + ".measured-" + std::to_string(row));
  }

  /// Refuses what an element could not hold before anything is written. @throws Error kUnsupportedFormat, kIo.
  void append(const Polygon& polygon, float area, std::span<const float> measurements) {
    const auto added = bytes_of(std::span<const float>(polygon.points));
    check_dicom_length(points.size() + added.size(), "the coordinates of one class");
    const Shape shape{static_cast<std::uint32_t>(polygon.points.size() / 2), area};
    points.append(added);
    shapes.append(bytes_of(std::span(&shape, 1)));
    if (measured) measured->append(bytes_of(measurements));
    for (std::size_t m = 0; m < measurements.size(); ++m) missing[m] += std::isnan(measurements[m]) ? 1 : 0;
    ++count;
  }

  /// One measurement of every polygon that has it, made by `number` from its value and the polygon's number, which
  /// counts from 1.
  template <class Value>
  void write_measured(PartFile& file, std::size_t m, const std::function<Value(float, std::uint32_t)>& number) {
    static_assert(sizeof(Value) == 4);
    std::vector<Value> values;
    std::size_t column = 0;
    std::uint32_t polygon = 1;
    measured->read([&](std::span<const std::uint8_t> piece) {
      values.clear();
      for (std::size_t at = 0; at + sizeof(float) <= piece.size(); at += sizeof(float)) {
        if (column == m) {
          float value;
          std::memcpy(&value, piece.data() + at, sizeof(value));
          if (!std::isnan(value)) values.push_back(number(value, polygon));
        }
        if (++column < missing.size()) continue;
        column = 0;
        ++polygon;
      }
      file.append(bytes_of(std::span<const Value>(values)));
    });
  }

  /// One 32-bit number per polygon, made by `number` from its shape.
  template <class Value>
  void write_numbers(PartFile& file, const std::function<Value(const Shape&)>& number) {
    static_assert(sizeof(Value) == 4);
    std::vector<Value> values;
    shapes.read([&](std::span<const std::uint8_t> piece) {
      values.clear();
      for (std::size_t at = 0; at + sizeof(Shape) <= piece.size(); at += sizeof(Shape)) {
        Shape shape;
        std::memcpy(&shape, piece.data() + at, sizeof(shape));
        values.push_back(number(shape));
      }
      file.append(bytes_of(std::span<const Value>(values)));
    });
  }
};

/// DICOM Microscopy Bulk Simple Annotations (interop-formats 6.1; PS3.3, section A.87): a group of polygons per class.
/// Values are preceded by their lengths, so polygons wait in nameless files beside the target until close(). A writer
/// that is dropped leaves a whole `.part`; a killed process leaves an empty one.
class DicomAnnWriter final : public NucleusWriter {
 public:
  explicit DicomAnnWriter(const WriterOptions& options)
      : provenance_(provenance_json(options, Origin::kLevel0)),
        fingerprint_(options.fingerprint),
        weights_hash_(options.weights_hash),
        file_(options.path),
        corner_(origin_of(options, Origin::kLevel0)),
        metric_(options.mpp > 0),
        classes_(options.classes) {
    content_.update(fingerprint_ + '\n' + weights_hash_ + '\n' + provenance_ + '\n');
    for (const NucleusClass& entry : options.classes) content_.update(entry.name + '\n');
  }

  ~DicomAnnWriter() override {
    if (state_ == State::kClosed) return;
    try {
      if (state_ == State::kOpen) {
        assemble();
      } else {
        file_.discard();
      }
    } catch (...) {  // NOLINT: nobody is left to hear of it
      file_.discard();
    }
  }

  void write(const nuclei::NucleusList& batch) override {
    check_open();
    measurements_.take(batch);
    std::int64_t written = 0;
    try {
      for (std::size_t i = 0; i < batch.size(); ++i) {
        if (!make_outline(batch, i, corner_.x, corner_.y, outline_)) continue;
        append(batch, i);
        ++written;
      }
    } catch (...) {
      state_ = State::kBroken;
      throw;
    }
    count_ += written;
  }

  void close() override {
    if (state_ == State::kClosed) return;
    check_open();
    state_ = State::kBroken;  // unless the file is whole in the end
    assemble();
    file_.commit();
    state_ = State::kClosed;
  }

  std::int64_t count() const override { return count_; }

 private:
  enum class State { kOpen, kBroken, kClosed };

  void check_open() const {
    if (state_ == State::kOpen) return;
    const bool closed = state_ == State::kClosed;
    throw Error(closed ? ErrorCode::kDisposed : ErrorCode::kIo,
                "cannot write " + file_.path() + (closed ? ": already closed" : ": an earlier write failed"));
  }

  void append(const nuclei::NucleusList& batch, std::size_t i) {
    make_polygon(outline_, polygon_);
    const std::size_t row = classes_.row(batch, i);
    const float area = metric_ && writable(batch.areas[i]) ? batch.areas[i] : 0;
    measured_.clear();
    for (const nuclei::MeasurementColumn& column : batch.measurements) measured_.push_back(column.values[i]);
    const auto group = groups_.try_emplace(row, file_.part_path(), row, measured_.size()).first;
    group->second.append(polygon_, area, measured_);
    const auto type = static_cast<std::uint8_t>(row);
    content_.update(std::span(&type, 1));
    content_.update(bytes_of(std::span<const float>(polygon_.points)));
    content_.update(bytes_of(std::span<const float>(measured_)));
  }

  void assemble() {
    DicomRun run{.study_seed = fingerprint_,
                 .series_seed = fingerprint_ + '\n' + weights_hash_,
                 .instance_seed = hex(content_.finish()),
                 .provenance = provenance_};
    // Slides without a fingerprint would all be one study.
    if (fingerprint_.empty()) run.study_seed = run.series_seed = run.instance_seed;
    DicomElements start = dicom_ann_start(run);
    start.begin_sequence(kAnnotationGroupSequence);
    file_.append(start.bytes());
    int number = 0;
    for (auto& [row, group] : groups_) write_group(run, ++number, classes_[row], group);
    DicomElements end;
    end.end_sequence();
    append_dicom_ann_end(run, end);
    file_.append(end.bytes());
  }

  void write_group(const DicomRun& run, int number, const NucleusClass& entry, SpooledClass& group) {
    DicomElements start;
    start.begin_item();
    append_group_start(number, entry, start);
    start.begin_value(kPointCoordinatesData, "OF", group.points.size());
    file_.append(start.bytes());
    group.points.read([&](std::span<const std::uint8_t> piece) { file_.append(piece); });

    DicomElements index;
    index.begin_value(kLongPrimitivePointIndexList, "OL", 4 * group.count);
    file_.append(index.bytes());
    std::uint32_t next = 1;
    group.write_numbers<std::uint32_t>(file_, [&](const Shape& shape) {
      const std::uint32_t first = next;
      next += 2 * shape.points;
      return first;
    });
    if (metric_ || !measurements_.names().empty()) write_measurements(group);

    DicomElements rest;
    append_group_rest(run, number, entry, static_cast<std::uint32_t>(group.count), rest);
    rest.end_item();
    file_.append(rest.bytes());
  }

  void write_measurements(SpooledClass& group) {
    DicomElements start;
    start.begin_sequence(kMeasurementsSequence);
    if (metric_) append_measurement_start("area_um2", 4 * group.count, start);
    file_.append(start.bytes());
    if (metric_) {
      group.write_numbers<float>(file_, [](const Shape& shape) { return shape.area; });
      DicomElements end;
      append_measurement_end(end);
      file_.append(end.bytes());
    }
    for (std::size_t m = 0; m < measurements_.names().size(); ++m) write_measurement(group, m);
    DicomElements end;
    end.end_sequence();
    file_.append(end.bytes());
  }

  /// Polygons without a value are left out of the values; an index list then says which ones there are.
  void write_measurement(SpooledClass& group, std::size_t m) {
    const std::uint64_t value_bytes = 4 * (group.count - group.missing[m]);
    DicomElements start;
    append_measurement_start(measurements_.names()[m], value_bytes, start);
    file_.append(start.bytes());
    group.write_measured<float>(file_, m, [](float value, std::uint32_t) { return value; });
    if (group.missing[m] > 0) {
      DicomElements index;
      index.begin_value(kAnnotationIndexList, "OL", value_bytes);
      file_.append(index.bytes());
      group.write_measured<std::uint32_t>(file_, m, [](float, std::uint32_t polygon) { return polygon; });
    }
    DicomElements end;
    append_measurement_end(end);
    file_.append(end.bytes());
  }

  std::string provenance_;
  std::string fingerprint_;
  std::string weights_hash_;
  PartFile file_;
  Corner corner_;
  bool metric_;
  MeasurementColumns measurements_;
  std::vector<float> measured_;
  ClassTable classes_;
  std::map<std::size_t, SpooledClass> groups_;
  Sha256 content_;
  Outline outline_;
  Polygon polygon_;
  std::int64_t count_ = 0;
  State state_ = State::kOpen;
};

}  // namespace

std::unique_ptr<NucleusWriter> make_dicom_ann(const WriterOptions& options) {
  return std::make_unique<DicomAnnWriter>(options);
}

}  // namespace histojet::writers
