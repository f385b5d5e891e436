#include "readers/wkb.hpp"

#include <bit>
#include <cstring>

#include "base/text.hpp"

namespace histojet::readers {
namespace {

enum Kind : std::uint32_t {
  kPoint = 1,
  kLineString = 2,
  kPolygon = 3,
  kMultiPoint = 4,
  kMultiLineString = 5,
  kMultiPolygon = 6,
  kGeometryCollection = 7,
};

constexpr std::size_t kPointBytes = 16;

class WkbReader {
 public:
  WkbReader(std::span<const std::uint8_t> bytes, OutlineCollector& outlines, const std::string& where)
      : bytes_(bytes), outlines_(outlines), where_(where) {}

  std::size_t geometry() {
    switch (const std::uint32_t kind = header()) {
      case kPoint:
      case kLineString:
      case kMultiPoint:
      case kMultiLineString:
        return 0;
      case kPolygon:
        return whole(polygon());
      case kMultiPolygon:
        return whole(parts());
      default:
        unsupported(where_, kind == kGeometryCollection
                                ? "a geometry collection; expected polygons"
                                : "well-known binary of kind " + std::to_string(kind) + "; expected polygons");
    }
  }

 private:
  std::size_t whole(std::size_t added) const {
    if (at_ != bytes_.size()) corrupt(where_, std::to_string(bytes_.size() - at_) + " bytes follow its geometry");
    return added;
  }

  /// Byte order and kind, in which other programs put flags for further coordinates.
  std::uint32_t header() {
    const std::uint8_t order = take<std::uint8_t>();
    if (order > 1) corrupt(where_, "its geometry begins with byte order " + std::to_string(order) + ", not 0 or 1");
    swapped_ = (order == 1) != (std::endian::native == std::endian::little);
    const auto kind = take<std::uint32_t>();
    constexpr std::uint32_t kExtended = 0xe0000000;
    if ((kind & kExtended) != 0 || (kind >= 1000 && kind < 4000)) {
      unsupported(where_, "coordinates with Z or M or a reference system; expected plain x and y");
    }
    return kind;
  }

  std::size_t parts() {
    const auto count = take<std::uint32_t>();
    std::size_t added = 0;
    for (std::uint32_t i = 0; i < count; ++i) {
      if (header() != kPolygon) corrupt(where_, "a multipolygon holds something else than polygons");
      added += polygon();
    }
    return added;
  }

  /// The first ring is the outer one.
  std::size_t polygon() {
    const auto rings = take<std::uint32_t>();
    std::size_t added = 0;
    for (std::uint32_t i = 0; i < rings; ++i) {
      const auto points = take<std::uint32_t>();
      if (points > (bytes_.size() - at_) / kPointBytes) {
        corrupt(where_, "a ring of " + std::to_string(points) + " points is cut");
      }
      if (i == 0) {
        added = ring(points);
      } else {
        at_ += kPointBytes * points;
      }
    }
    return added;
  }

  std::size_t ring(std::uint32_t points) {
    for (std::uint32_t i = 0; i < points; ++i) {
      const auto x = take<double>();
      const auto y = take<double>();
      if (!OutlineCollector::storable(x) || !OutlineCollector::storable(y)) {
        corrupt(where_, "point " + std::to_string(i) + " of its outline is not finite");
      }
      outlines_.add(x, y);
    }
    return outlines_.finish_ring() ? 1 : 0;
  }

  template <class Value>
  Value take() {
    if (sizeof(Value) > bytes_.size() - at_) corrupt(where_, "its geometry is cut");
    std::uint8_t raw[sizeof(Value)];
    for (std::size_t i = 0; i < sizeof(Value); ++i) {
      raw[i] = bytes_[at_ + (swapped_ ? sizeof(Value) - 1 - i : i)];
    }
    at_ += sizeof(Value);
    Value value;
    std::memcpy(&value, raw, sizeof(Value));
    return value;
  }

  std::span<const std::uint8_t> bytes_;
  OutlineCollector& outlines_;
  const std::string& where_;
  std::size_t at_ = 0;
  bool swapped_ = false;
};

}  // namespace

std::size_t append_wkb(std::span<const std::uint8_t> bytes, OutlineCollector& outlines, const std::string& where) {
  return WkbReader(bytes, outlines, where).geometry();
}

}  // namespace histojet::readers
