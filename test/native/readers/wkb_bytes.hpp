#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <utility>
#include <vector>

namespace histojet::test {

using Ring = std::vector<std::pair<double, double>>;

/// Builds well-known binary piece by piece.
class WkbBytes {
 public:
  explicit WkbBytes(bool big_endian = false) : big_(big_endian) {}

  WkbBytes& kind(std::uint32_t code) {
    bytes_.push_back(big_ ? 0 : 1);
    return put(code);
  }
  template <class Value>
  WkbBytes& put(Value value) {
    std::uint8_t raw[sizeof(Value)];
    std::memcpy(raw, &value, sizeof(Value));
    for (std::size_t i = 0; i < sizeof(Value); ++i) bytes_.push_back(raw[big_ ? sizeof(Value) - 1 - i : i]);
    return *this;
  }
  WkbBytes& ring(const Ring& points) {
    put(static_cast<std::uint32_t>(points.size()));
    for (const auto& [x, y] : points) put(x).put(y);
    return *this;
  }
  WkbBytes& polygon(const std::vector<Ring>& rings) {
    kind(3).put(static_cast<std::uint32_t>(rings.size()));
    for (const Ring& points : rings) ring(points);
    return *this;
  }
  const std::vector<std::uint8_t>& bytes() const { return bytes_; }

 private:
  static_assert(std::endian::native == std::endian::little);
  bool big_;
  std::vector<std::uint8_t> bytes_;
};

/// A closed square.
inline Ring square(double x, double y, double side) {
  return {{x, y}, {x + side, y}, {x + side, y + side}, {x, y + side}, {x, y}};
}

}  // namespace histojet::test
