#include "readers/geojson_features.hpp"

#include <utility>

#include "base/text.hpp"
#include "readers/file_provenance.hpp"
#include "readers/json_color.hpp"

namespace histojet::readers {
namespace {

/// Collections within collections.
constexpr std::size_t kMostLevels = 32;
/// Points of one feature, 64 MiB of numbers: its class may come last, so that all of it must wait.
constexpr std::size_t kMostFeaturePoints = std::size_t{8} << 20;

enum class Member { kGeometry, kProperties, kType, kCoordinates, kFeatures, kProvenance, kOther };

Member member_named(std::string_view key) {
  if (key == "geometry") return Member::kGeometry;
  if (key == "properties") return Member::kProperties;
  if (key == "type") return Member::kType;
  if (key == "coordinates") return Member::kCoordinates;
  if (key == "features") return Member::kFeatures;
  if (key == "histojet") return Member::kProvenance;
  return Member::kOther;
}

}  // namespace

bool GeoJsonFeatures::step() {
  if (levels_.empty()) {
    while (json_.accept(',')) {
    }
    const char letter = json_.peek();
    if (letter == 0) {
      if (!begun_) json_.fail("expected GeoJSON, but the document ends too early");
      return false;
    }
    if (letter == '{') {
      start_object();
    } else if (letter == '[') {
      begun_ = true;
      if (json_.begin_array()) levels_.push_back(Level::kArray);
      first_ = true;
    } else {
      json_.fail("expected GeoJSON features, got " + quote(std::string_view(&letter, 1)));
    }
    return true;
  }
  if (!std::exchange(first_, false) && !json_.next_element()) {
    const Level level = levels_.back();
    levels_.pop_back();
    if (level == Level::kCollection) {
      read_members(json_.next_member(), {.type = Type::kCollection, .has_features = true});
    }
    return true;
  }
  if (json_.peek() != '{') json_.fail("expected GeoJSON features, got another value");
  start_object();
  return true;
}

void GeoJsonFeatures::start_object() {
  read_members(json_.begin_object(), {});
}

void GeoJsonFeatures::read_members(bool more, Element element) {
  for (; more; more = json_.next_member()) {
    switch (member_named(json_.key())) {
      case Member::kGeometry:
        read_geometry();
        break;
      case Member::kProperties:
        read_properties(element);
        break;
      case Member::kType:
        element.type = read_type();
        break;
      case Member::kCoordinates:
        element.has_coordinates = true;
        read_coordinates(element.type);
        break;
      case Member::kFeatures:
        if (opens_features(element)) return;
        break;
      case Member::kProvenance:
        read_provenance();
        break;
      case Member::kOther:
        json_.skip();
        break;
    }
  }
  finish(element);
}

bool GeoJsonFeatures::opens_features(Element& element) {
  const bool collection = element.type == Type::kNone || element.type == Type::kCollection;
  if (!collection || json_.peek() != '[') {
    json_.skip();
    return false;
  }
  if (levels_.size() == kMostLevels) json_.fail("feature collections are nested too deep");
  begun_ = true;
  element.has_features = true;
  if (!json_.begin_array()) return false;
  levels_.push_back(Level::kCollection);
  first_ = true;
  return true;
}

void GeoJsonFeatures::read_provenance() {
  if (!levels_.empty() || json_.peek() != '{') return json_.skip();
  std::string text = json_.raw(kLongestProvenance);
  if (provenance_.empty() && is_utf8(text)) provenance_ = std::move(text);
}

void GeoJsonFeatures::finish(const Element& element) {
  begun_ = true;
  if (element.type == Type::kGeometryCollection) {
    unsupported(json_.name(), "element " + std::to_string(elements_) + " is a GeometryCollection");
  }
  const bool polygon = element.type == Type::kPolygon || element.type == Type::kMultiPolygon;
  const bool geometry = element.has_coordinates && (polygon || element.type == Type::kOther);
  const bool collection = element.has_features && element.type != Type::kFeature;
  if (!geometry && !collection && element.type != Type::kFeature) {
    json_.fail("expected GeoJSON features, got another object");
  }
  if (geometry && !polygon) outlines_.discard_untyped();
  ++elements_;
  if (outlines_.size() == outlines_.typed_count()) return;
  outlines_.give_type(element.has_class ? classes_.type_of(class_name_, element.color, json_.name())
                                        : classes_.unclassified(json_.name()));
}

GeoJsonFeatures::Type GeoJsonFeatures::type_named(std::string_view name) {
  if (name == "Feature") return Type::kFeature;
  if (name == "Polygon") return Type::kPolygon;
  if (name == "MultiPolygon") return Type::kMultiPolygon;
  if (name == "FeatureCollection") return Type::kCollection;
  if (name == "GeometryCollection") return Type::kGeometryCollection;
  return Type::kOther;
}

GeoJsonFeatures::Type GeoJsonFeatures::read_type() {
  if (json_.peek() == '"') return type_named(json_.string());
  json_.skip();
  return Type::kNone;
}

void GeoJsonFeatures::read_geometry() {
  outlines_.discard_untyped();  // of two geometries the last one counts
  if (json_.peek() != '{') {
    json_.skip();
    return;
  }
  Type type = Type::kNone;
  Type fits = Type::kNone;
  for (bool more = json_.begin_object(); more; more = json_.next_member()) {
    const std::string_view key = json_.key();
    if (key == "type") {
      type = read_type();
    } else if (key == "coordinates") {
      fits = read_coordinates(type);
    } else {
      json_.skip();
    }
  }
  if (type == Type::kGeometryCollection) {
    unsupported(json_.name(), "feature " + std::to_string(elements_) + " is a GeometryCollection");
  }
  if (type != fits) outlines_.discard_untyped();
}

GeoJsonFeatures::Type GeoJsonFeatures::read_coordinates(Type type) {
  outlines_.discard_untyped();
  if (json_.peek() != '[') {
    json_.skip();
    return Type::kOther;
  }
  if (type == Type::kNone) {
    const int depth = json_.brackets_ahead();
    type = depth == 3 ? Type::kPolygon : depth == 4 ? Type::kMultiPolygon : Type::kOther;
  }
  if (type == Type::kPolygon) {
    read_polygon();
  } else if (type == Type::kMultiPolygon) {
    for (bool more = json_.begin_array(); more; more = json_.next_element()) read_polygon();
  } else {
    json_.skip();
    return Type::kOther;
  }
  return type;
}

/// Takes the first ring; the others are holes.
void GeoJsonFeatures::read_polygon() {
  if (json_.peek() != '[') return json_.skip();
  bool first = true;
  for (bool more = json_.begin_array(); more; more = json_.next_element()) {
    if (std::exchange(first, false) && json_.peek() == '[') {
      read_ring();
    } else {
      json_.skip();
    }
  }
}

void GeoJsonFeatures::read_ring() {
  const std::size_t most = kMostFeaturePoints + outlines_.typed_point_count();
  for (bool more = json_.begin_array(); more; more = json_.next_element()) {
    read_position();
    if (outlines_.point_count() > most) {
      json_.fail("feature " + std::to_string(elements_) + " has more than " + std::to_string(kMostFeaturePoints) +
                 " points");
    }
  }
  outlines_.finish_ring();
}

void GeoJsonFeatures::read_position() {
  if (json_.peek() != '[' || !json_.begin_array() || !json_.at_number()) fail_position();
  const double x = json_.number();
  if (!json_.next_element() || !json_.at_number()) fail_position();
  const double y = json_.number();
  while (json_.next_element()) json_.skip();  // height
  if (!OutlineCollector::storable(x) || !OutlineCollector::storable(y)) fail_position();
  outlines_.add(x, y);
}

void GeoJsonFeatures::fail_position() {
  json_.fail("feature " + std::to_string(elements_) + " has a position that is no pair of finite numbers");
}

void GeoJsonFeatures::read_properties(Element& element) {
  if (json_.peek() != '{') return json_.skip();
  for (bool more = json_.begin_object(); more; more = json_.next_member()) {
    if (json_.key() == "classification") {
      read_classification(element);
    } else {
      json_.skip();
    }
  }
}

void GeoJsonFeatures::read_classification(Element& element) {
  class_name_.clear();
  element.color.reset();
  if (json_.peek() == '"') {
    class_name_ = json_.string();
  } else if (json_.peek() == '{') {
    for (bool more = json_.begin_object(); more; more = json_.next_member()) {
      read_class_member(element);
    }
  } else {
    json_.skip();
  }
  element.has_class = !class_name_.empty();
}

void GeoJsonFeatures::read_class_member(Element& element) {
  const std::string_view key = json_.key();
  if (key == "color" || key == "colorRGB") {
    if (const auto color = read_color(json_)) element.color = color;
  } else if (key == "name") {
    if (json_.peek() != '"') return json_.skip();
    class_name_ = json_.string();
  } else if (key == "names") {
    if (json_.peek() != '[') return json_.skip();
    read_names();
  } else {
    json_.skip();
  }
}

/// QuPath's derived classes, each part a text. A plain name beats them.
void GeoJsonFeatures::read_names() {
  std::string joined;
  for (bool more = json_.begin_array(); more; more = json_.next_element()) {
    if (!joined.empty()) joined += ": ";
    if (json_.peek() == '"') {
      joined += json_.string();
    } else {
      joined += json_.raw(1024);
    }
    if (joined.size() > kLongestProvenance) json_.fail("the name of a class is too long");
  }
  if (class_name_.empty()) class_name_ = std::move(joined);
}

}  // namespace histojet::readers
