// Our reader through its C++ API, answering the same requests as the rivals of bench/peers in a process of its own.
//   use PATH                          keep a slide open for the requests below
//   read SEED COUNT SIDE ALIGN        COUNT windows of SIDE px, at random multiples of ALIGN px

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <iostream>
#include <sstream>
#include <vector>

#include "../peers/windows.hpp"
#include "base/error.hpp"
#include "clock.hpp"
#include "slide/slide.hpp"

namespace {

void read_windows(const histojet::slide::Slide& slide, std::istringstream& request) {
  std::uint32_t seed = 0, count = 0, side = 0, align = 1;
  request >> seed >> count >> side >> align;
  std::vector<std::uint8_t> pixels(std::size_t{3} * side * side);
  WindowSequence windows(seed, slide.width(), slide.height(), side, align);
  for (std::uint32_t i = 0; i < count; ++i) {
    const auto [x, y] = windows.next();
    slide.read_region({.x = x, .y = y, .width = side, .height = side}, pixels, {});
  }
}

}  // namespace

int main() {
  setenv("HISTOJET_THREADS", "1", 0);
  std::shared_ptr<const histojet::slide::Slide> slide;
  for (std::string line; std::getline(std::cin, line);) {
    std::istringstream request(line);
    std::string verb;
    request >> verb;
    const double cpu = cpu_ms();
    const double wall = wall_ms();
    const char* error = "null";
    try {
      if (verb == "use") {
        std::string path;
        std::getline(request >> std::ws, path);
        slide = histojet::slide::Slide::open(path);
      } else if (slide) {
        read_windows(*slide, request);
      }
    } catch (const histojet::Error& failure) {
      std::fprintf(stderr, "%s\n", failure.what());
      error = "\"histojet could not read the slide\"";
    }
    std::printf("{\"cpuMs\":%.4f,\"wallMs\":%.4f,\"error\":%s}\n", cpu_ms() - cpu, wall_ms() - wall, error);
    std::fflush(stdout);
  }
  return 0;
}
