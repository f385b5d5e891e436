// Any bytes as a Sakura slide, that is as an SQLite database: opening, a small region of every level and every
// associated image either work or throw Error. Seeds: small databases with the tables of a slide; without them few
// inputs come past the names of the tables.

#include <algorithm>
#include <cstdint>
#include <cstdlib>

#include "base/error.hpp"
#include "slide/slide.hpp"

namespace {

using namespace histojet;
using slide::Slide;

constexpr int kMostLevels = 4;

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  setenv("HISTOJET_THREADS", "1", 1);
  if (size > 1 << 20) return 0;
  try {
    const auto slide = Slide::open(memory_source({data, data + size}, "fuzz.svslide"), {.max_cache_bytes = 0});
    const int levels = std::min(static_cast<int>(slide->levels().size()), kMostLevels);
    for (int level = 0; level < levels; ++level) {
      try {
        slide->read_region({.x = -3, .y = -5, .width = 64, .height = 64, .level = level, .level_coordinates = true});
      } catch (const Error&) {
      }
    }
    for (const auto& name : slide->associated_images()) {
      try {
        slide->read_associated_image(name);
      } catch (const Error&) {
      }
    }
  } catch (const Error&) {
  }
  return 0;
}
