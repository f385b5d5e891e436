// Any bytes as a slide: opening, a small region of every level and every associated image either work or throw Error.
// Seeds: the slides of the shared fixtures, also the malformed ones.

#include <algorithm>
#include <cstdint>
#include <cstdlib>

#include "base/error.hpp"
#include "slide/slide.hpp"

namespace {

using namespace histojet;
using slide::Slide;

constexpr std::size_t kMostLevels = 8;
constexpr std::int64_t kSide = 64;

void read_corners(const Slide& slide, int level) {
  const slide::Level& size = slide.levels()[static_cast<std::size_t>(level)];
  for (const bool far : {false, true}) {
    slide::RegionRequest request{.x = far ? size.width - kSide / 2 : -3,
                                 .y = far ? size.height - kSide / 2 : -5,
                                 .width = kSide,
                                 .height = kSide,
                                 .level = level,
                                 .channels = far ? 4 : 3,
                                 .level_coordinates = true};
    try {
      slide.read_region(request);
    } catch (const Error&) {
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  setenv("HISTOJET_THREADS", "1", 1);
  // Large fields make slow, not deep, inputs.
  if (size > 1 << 20) return 0;
  std::vector<std::uint8_t> bytes(data, data + size);
  const bool tolerant = size > 0 && (data[size - 1] & 1) != 0;
  try {
    const auto slide = Slide::open(memory_source(std::move(bytes), "fuzz.tif"),
                                   {.tolerant = tolerant, .max_cache_bytes = tolerant ? 1 << 20 : 0});
    const std::size_t levels = std::min(slide->levels().size(), kMostLevels);
    for (std::size_t level = 0; level < levels; ++level) read_corners(*slide, static_cast<int>(level));
    for (const auto& name : slide->associated_images()) {
      try {
        slide->read_associated_image(name);
      } catch (const Error&) {
      }
    }
    slide->icc_profile();
    slide->fingerprint();
    slide->bounds();
  } catch (const Error&) {
  }
  return 0;
}
