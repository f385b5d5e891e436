#pragma once

#include <cstdlib>
#include <stdexcept>
#include <string>
#include <vector>

#include "base/image.hpp"
#include "npz.hpp"

namespace histojet::test {

/// An 8-bit RGB PNG without interlacing, for tests below the codecs' floor. For trusted files: checks no sums.
inline Image read_rgb_png(const std::string& path) {
  const std::vector<std::uint8_t> file = file_bytes(path);
  const auto u32 = [&](std::size_t at) {
    return static_cast<std::uint32_t>(file.at(at)) << 24 | file.at(at + 1) << 16 | file.at(at + 2) << 8 |
           file.at(at + 3);
  };
  if (file.size() < 33 || file[24] != 8 || file[25] != 2 || file[28] != 0) throw std::runtime_error("png: " + path);
  Image image(u32(16), u32(20), 3);
  std::vector<std::uint8_t> packed;
  for (std::size_t at = 8; at + 12 <= file.size(); at += u32(at) + 12) {
    if (std::string(file.begin() + static_cast<std::ptrdiff_t>(at + 4),
                    file.begin() + static_cast<std::ptrdiff_t>(at + 8)) != "IDAT") {
      continue;
    }
    const auto data = file.begin() + static_cast<std::ptrdiff_t>(at + 8);
    packed.insert(packed.end(), data, data + static_cast<std::ptrdiff_t>(u32(at)));
  }
  // Two bytes of zlib header come before the deflate data.
  const std::vector<std::uint8_t> rows = Inflater(packed.data() + 2, packed.size() - 2).run();
  const std::int64_t width = 3 * image.width;
  for (std::int64_t y = 0; y < image.height; ++y) {
    const std::uint8_t* source = rows.data() + y * (width + 1);
    const int filter = *source++;
    std::uint8_t* row = image.row(y);
    for (std::int64_t x = 0; x < width; ++x) {
      const int left = x < 3 ? 0 : row[x - 3];
      const int up = y == 0 ? 0 : image.row(y - 1)[x];
      const int corner = x < 3 || y == 0 ? 0 : image.row(y - 1)[x - 3];
      const int slope = left + up - corner;
      const int nearest =
          std::abs(slope - left) <= std::abs(slope - up) && std::abs(slope - left) <= std::abs(slope - corner) ? left
          : std::abs(slope - up) <= std::abs(slope - corner)                                                   ? up
                                                                                                               : corner;
      const int guesses[] = {0, left, up, (left + up) / 2, nearest};
      row[x] = static_cast<std::uint8_t>(source[x] + guesses[filter]);
    }
  }
  return image;
}

}  // namespace histojet::test
