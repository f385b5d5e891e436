#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "readers/file_classes.hpp"
#include "readers/json_scanner.hpp"
#include "readers/outline_collector.hpp"

namespace histojet::readers {

/// Walks over the elements of a GeoJSON document, one per step.
class GeoJsonFeatures {
 public:
  explicit GeoJsonFeatures(std::unique_ptr<DocumentSource> document) : json_(std::move(document)) {}

  /// Reads on to the end of the next element or to the beginning of the next list of elements; false at the end of the
  /// document.
  bool step();
  /// Has the first element or list of elements begun?
  bool begun() const { return begun_; }

  /// Outlines so far, all with types.
  OutlineCollector& outlines() { return outlines_; }
  FileClasses& classes() { return classes_; }
  const FileClasses& classes() const { return classes_; }
  /// The member "histojet" of the document, empty without one; what stands behind the features counts as well.
  const std::string& provenance() const { return provenance_; }

 private:
  enum class Type { kNone, kFeature, kCollection, kPolygon, kMultiPolygon, kGeometryCollection, kOther };
  /// One list of elements that is being read.
  enum class Level { kArray, kCollection };
  /// What is known of the element that is being read.
  struct Element {
    Type type = Type::kNone;
    bool has_coordinates = false;
    bool has_features = false;
    bool has_class = false;
    std::optional<Color> color;
  };

  static Type type_named(std::string_view name);
  void start_object();
  /// Reads members up to the end of the object, or to a list of features, which becomes the innermost level.
  void read_members(bool more, Element element);
  bool opens_features(Element& element);
  void read_provenance();
  void finish(const Element& element);
  Type read_type();
  void read_geometry();
  /// Coordinates of a geometry whose type may still be unknown; returns the type that they fit, kOther for none.
  Type read_coordinates(Type type);
  void read_polygon();
  void read_ring();
  void read_position();
  void read_properties(Element& element);
  void read_classification(Element& element);
  void read_class_member(Element& element);
  void read_names();
  [[noreturn]] void fail_position();

  JsonScanner json_;
  std::vector<Level> levels_;
  bool begun_ = false;
  bool first_ = true;  ///< of the innermost list: no element was read yet
  std::uint64_t elements_ = 0;
  OutlineCollector outlines_;
  FileClasses classes_;
  std::string class_name_;
  std::string provenance_;
};

}  // namespace histojet::readers
