// OpenSlide 3.4 or later as a rival: answers requests on stdin with one JSON line each. Times are its own CPU and wall
// milliseconds; the slide stays open and its cache warm or cold as OpenSlide itself decides.
//   open PATH                         open and close a slide (what opening costs)
//   use PATH                          keep a slide open for the requests below
//   read SEED COUNT SIDE ALIGN        COUNT windows of SIDE px, at random multiples of ALIGN px
#include <openslide/openslide.h>
#include <time.h>

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <iostream>
#include <sstream>
#include <string>
#include <vector>

#include "../native/clock.hpp"
#include "windows.hpp"

namespace {

struct Stopwatch {
  double cpu = cpu_ms();
  double wall = wall_ms();
  void answer(const char* error) const {
    std::printf("{\"cpuMs\":%.4f,\"wallMs\":%.4f,\"error\":%s}\n", cpu_ms() - cpu, wall_ms() - wall,
                error == nullptr ? "null" : "\"OpenSlide could not read the slide\"");
    std::fflush(stdout);
  }
};

void read_windows(openslide_t* slide, std::istringstream& request) {
  std::uint32_t seed = 0, count = 0, side = 0, align = 1;
  request >> seed >> count >> side >> align;
  std::int64_t width = 0, height = 0;
  openslide_get_level0_dimensions(slide, &width, &height);
  std::vector<std::uint32_t> pixels(std::size_t{side} * side);
  WindowSequence windows(seed, width, height, side, align);
  const Stopwatch watch;
  for (std::uint32_t i = 0; i < count; ++i) {
    const auto [x, y] = windows.next();
    openslide_read_region(slide, pixels.data(), x, y, 0, side, side);
  }
  watch.answer(openslide_get_error(slide));
}

}  // namespace

int main() {
  openslide_t* slide = nullptr;
  std::string line;
  while (std::getline(std::cin, line)) {
    std::istringstream request(line);
    std::string verb, path;
    request >> verb;
    if (verb == "read" && slide != nullptr) {
      read_windows(slide, request);
      continue;
    }
    std::getline(request >> std::ws, path);
    const Stopwatch watch;
    openslide_t* opened = openslide_open(path.c_str());
    const char* error = opened == nullptr ? "unknown" : openslide_get_error(opened);
    if (verb == "use") {
      slide = opened;
    } else if (opened != nullptr) {
      openslide_close(opened);
    }
    watch.answer(error);
  }
  return 0;
}
