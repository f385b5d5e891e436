#include "readers/json_color.hpp"

#include <cmath>

namespace histojet::readers {
namespace {

using Color = std::array<std::uint8_t, 3>;

std::optional<Color> packed_color(double value) {
  if (!(std::abs(value) < 4294967296.0)) return std::nullopt;
  const auto bits = static_cast<std::uint64_t>(static_cast<std::int64_t>(value));
  return Color{static_cast<std::uint8_t>(bits >> 16), static_cast<std::uint8_t>(bits >> 8),
               static_cast<std::uint8_t>(bits)};
}

}  // namespace

std::optional<Color> read_color(JsonScanner& json) {
  if (json.at_number()) return packed_color(json.number());
  if (json.peek() != '[') {
    json.skip();
    return std::nullopt;
  }
  Color color{};
  std::size_t count = 0;
  bool valid = true;
  for (bool more = json.begin_array(); more; more = json.next_element(), ++count) {
    if (count >= 3 || !json.at_number()) {
      valid = valid && count >= 3;
      json.skip();
      continue;
    }
    const double value = json.number();
    valid = valid && value >= 0 && value <= 255;
    if (valid) color[count] = static_cast<std::uint8_t>(value);
  }
  if (!valid || count < 3) return std::nullopt;
  return color;
}

}  // namespace histojet::readers
