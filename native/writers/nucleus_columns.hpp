#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "nuclei/nucleus_list.hpp"
#include "writers/class_table.hpp"
#include "writers/measurement_columns.hpp"
#include "writers/nucleus_identity.hpp"
#include "writers/nucleus_writer.hpp"
#include "writers/outline.hpp"
#include "writers/polygon.hpp"
#include "writers/writer_format.hpp"

namespace histojet::writers {

/// Some nuclei as the columns of a table, one after the other without gaps (little-endian, n = `rows`):
///
///   float32 x[n], y[n]         centroid, pixels
///   float32 probability[n]     of the class; NaN where there is none
///   float32 area[n]            square micrometres, or square pixels without mpp
///   float32 box[n][4]          of the polygon: x0, y0, x1, y1
///   uint32  row[n]             of the class table
///   uint32  geometry_end[n]    end of each geometry, counted from the first one's begin
///   uint8   id[n][16]          UUID
///   float32 measurement[m][n]  one column after the other, in the order of `measurements`; NaN where there is none
///   uint8   geometry[]         well-known binary
struct NucleusColumns {
  std::size_t rows = 0;
  std::size_t next = 0;  ///< first nucleus of the list that was not looked at
  std::vector<std::uint8_t> bytes;
  std::string classes;  ///< classes_json() after these rows
  std::vector<std::string> measurements;
};

/// Turns nuclei into columns for formats that are written outside the core (Parquet): the same ids, classes and
/// polygons as the annotation store's, and the same nuclei left out. Not safe from several threads at once.
class NucleusColumnEncoder {
 public:
  /// @throws Error kInvalidArgument when the provenance is no JSON object.
  explicit NucleusColumnEncoder(const WriterOptions& options);

  /// The nuclei from `first` on: up to 4096 of them, fewer when their geometry passes half a MiB.
  /// @throws Error kInvalidArgument when their measurements are not those of the first nuclei.
  NucleusColumns encode(const nuclei::NucleusList& batch, std::size_t first);

  /// `[{"id":0,"name":"…","color":[r,g,b]},…]`, with the classes that were met beyond the given ones.
  std::string classes_json() const;
  const std::string& provenance() const { return provenance_; }
  /// True when areas are in square micrometres.
  bool metric() const { return metric_; }

 private:
  void append_id(double x, double y);

  std::string provenance_;
  bool metric_;
  Corner corner_;
  NucleusIdentity identity_;
  ClassTable classes_;
  Outline outline_;
  Polygon polygon_;
  std::vector<std::uint8_t> wkb_;
  std::vector<float> x_, y_, probability_, area_, box_;
  std::vector<std::uint32_t> row_, geometry_end_;
  std::vector<std::uint8_t> id_, geometry_;
  MeasurementColumns measurements_;
  std::vector<std::vector<float>> measured_;
};

}  // namespace histojet::writers
