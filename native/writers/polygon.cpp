#include "writers/polygon.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>

namespace histojet::writers {
namespace {

static_assert(std::endian::native == std::endian::little, "WKB is written in the machine's own byte order");

template <class Value>
void append(std::vector<std::uint8_t>& bytes, Value value) {
  const std::size_t at = bytes.size();
  bytes.resize(at + sizeof(value));
  std::memcpy(bytes.data() + at, &value, sizeof(value));
}

void measure(Polygon& polygon) {
  const std::vector<float>& ring = polygon.points;
  const std::size_t count = ring.size() / 2;
  // Relative to the first point: products of slide coordinates would cost all their digits.
  const double base_x = ring[0], base_y = ring[1];
  double twice_area = 0, moment_x = 0, moment_y = 0;
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t next = i + 1 < count ? i + 1 : 0;
    const double ax = ring[2 * i] - base_x, ay = ring[2 * i + 1] - base_y;
    const double bx = ring[2 * next] - base_x, by = ring[2 * next + 1] - base_y;
    const double cross = ax * by - bx * ay;
    twice_area += cross;
    moment_x += (ax + bx) * cross;
    moment_y += (ay + by) * cross;
  }
  polygon.area = std::abs(twice_area) / 2;
  polygon.centroid_x = base_x + (twice_area != 0 ? moment_x / (3 * twice_area) : 0);
  polygon.centroid_y = base_y + (twice_area != 0 ? moment_y / (3 * twice_area) : 0);
}

}  // namespace

void make_polygon(const Outline& outline, Polygon& polygon) {
  polygon.points.clear();
  for (const GridPoint& point : outline.points) {
    polygon.points.push_back(static_cast<float>(static_cast<double>(point.x) / 100));
    polygon.points.push_back(static_cast<float>(static_cast<double>(point.y) / 100));
  }
  polygon.left = polygon.right = polygon.points[0];
  polygon.top = polygon.bottom = polygon.points[1];
  for (std::size_t i = 0; i < polygon.points.size(); i += 2) {
    polygon.left = std::min(polygon.left, polygon.points[i]);
    polygon.right = std::max(polygon.right, polygon.points[i]);
    polygon.top = std::min(polygon.top, polygon.points[i + 1]);
    polygon.bottom = std::max(polygon.bottom, polygon.points[i + 1]);
  }
  measure(polygon);
}

void make_wkb(const Polygon& polygon, std::vector<std::uint8_t>& wkb) {
  constexpr std::uint8_t kLittleEndian = 1;
  constexpr std::uint32_t kPolygon = 3;
  wkb.clear();
  append(wkb, kLittleEndian);
  append(wkb, kPolygon);
  append(wkb, std::uint32_t{1});
  append(wkb, static_cast<std::uint32_t>(polygon.points.size() / 2 + 1));
  for (const float value : polygon.points) append(wkb, static_cast<double>(value));
  append(wkb, static_cast<double>(polygon.points[0]));
  append(wkb, static_cast<double>(polygon.points[1]));
}

}  // namespace histojet::writers
