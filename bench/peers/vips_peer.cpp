// libvips as a rival for windows of a slide, through its C API at its best: the file opened once for random access, one
// region object, one thread. Answers requests on stdin with one JSON line each, as openslide_peer.cpp does.
//   use PATH                          keep a slide open for the requests below
//   read SEED COUNT SIDE ALIGN        COUNT windows of SIDE px, at random multiples of ALIGN px
#include <time.h>
#include <vips/vips.h>

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <iostream>
#include <sstream>
#include <string>

#include "../native/clock.hpp"
#include "windows.hpp"

int main(int, char** arguments) {
  if (VIPS_INIT(arguments[0]) != 0) return 1;
  vips_concurrency_set(1);
  VipsImage* image = nullptr;
  VipsRegion* region = nullptr;
  for (std::string line; std::getline(std::cin, line);) {
    std::istringstream request(line);
    std::string verb;
    request >> verb;
    const double cpu = cpu_ms();
    const double wall = wall_ms();
    bool good = true;
    if (verb == "use") {
      std::string path;
      std::getline(request >> std::ws, path);
      good = vips_tiffload(path.c_str(), &image, "access", VIPS_ACCESS_RANDOM, nullptr) == 0;
      if (good) region = vips_region_new(image);
    } else if (region != nullptr) {
      std::uint32_t seed = 0, count = 0, side = 0, align = 1;
      request >> seed >> count >> side >> align;
      WindowSequence windows(seed, vips_image_get_width(image), vips_image_get_height(image), side, align);
      for (std::uint32_t i = 0; i < count && good; ++i) {
        const auto [x, y] = windows.next();
        const VipsRect area{static_cast<int>(x), static_cast<int>(y), static_cast<int>(side), static_cast<int>(side)};
        good = vips_region_prepare(region, &area) == 0;
      }
    }
    std::printf("{\"cpuMs\":%.4f,\"wallMs\":%.4f,\"error\":%s}\n", cpu_ms() - cpu, wall_ms() - wall,
                good ? "null" : "\"libvips could not read the slide\"");
    std::fflush(stdout);
  }
  return 0;
}
