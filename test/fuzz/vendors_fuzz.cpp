// Any bytes as a slide of a vendor: opening, corners of every level and every associated image either work or throw
// Error. Seeds: the slides of the shared fixtures (.ndpi, .tiff, .scn, .bif, .tif), also the malformed ones.

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdlib>

#include "base/error.hpp"
#include "slide/slide.hpp"

namespace {

using namespace histojet;
using slide::Slide;

constexpr std::size_t kMostLevels = 8;
constexpr std::int64_t kSide = 64;
// Extensions only matter to formats that are not known by their content.
constexpr std::array<const char*, 5> kNames{"fuzz.ndpi", "fuzz.tiff", "fuzz.scn", "fuzz.bif", "fuzz.tif"};

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
  if (size == 0 || size > 1 << 20) return 0;
  const std::uint8_t choice = data[size - 1];
  const bool tolerant = (choice & 1) != 0;
  try {
    const auto source = memory_source({data, data + size}, kNames[choice % kNames.size()]);
    const auto slide =
        Slide::open(source, {.tolerant = tolerant, .max_cache_bytes = tolerant ? 1 << 20 : 0, .openslide = "off"});
    const std::size_t levels = std::min(slide->levels().size(), kMostLevels);
    for (std::size_t level = 0; level < levels; ++level) read_corners(*slide, static_cast<int>(level));
    for (const auto& name : slide->associated_images()) {
      try {
        slide->read_associated_image(name);
      } catch (const Error&) {
      }
    }
    slide->icc_profile();
    slide->bounds();
  } catch (const Error&) {
  }
  return 0;
}
