#pragma once

#include <array>
#include <cstdint>
#include <string>

namespace histojet::nuclei {

/// One row of a class table: name and colour (red, green, blue) of type id `i` (its index).
struct NucleusClass {
  std::string name;
  std::array<std::uint8_t, 3> color{};
};

}  // namespace histojet::nuclei
