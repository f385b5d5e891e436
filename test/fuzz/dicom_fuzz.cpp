// Any bytes as a DICOM file: opening, two small regions and every associated image either work or throw Error. Seeds:
// the DICOM files of the shared fixtures, also the malformed ones.

#include <cstdint>
#include <cstdlib>

#include "base/error.hpp"
#include "slide/slide.hpp"

namespace {

using namespace histojet;
using slide::Slide;

constexpr std::int64_t kSide = 64;

void read_corner(const Slide& slide, std::int64_t x, std::int64_t y) {
  try {
    slide.read_region({.x = x, .y = y, .width = kSide, .height = kSide, .channels = 4, .level_coordinates = true});
  } catch (const Error&) {
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  setenv("HISTOJET_THREADS", "1", 1);
  if (size > 1 << 20) return 0;
  std::vector<std::uint8_t> bytes(data, data + size);
  const bool tolerant = size > 0 && (data[size - 1] & 1) != 0;
  try {
    const auto slide = Slide::open(memory_source(std::move(bytes), "fuzz.dcm"),
                                   {.tolerant = tolerant, .max_cache_bytes = tolerant ? 1 << 20 : 0});
    read_corner(*slide, -3, -5);
    read_corner(*slide, slide->width() - kSide / 2, slide->height() - kSide / 2);
    for (const auto& name : slide->associated_images()) {
      try {
        slide->read_associated_image(name);
      } catch (const Error&) {
      }
    }
    slide->icc_profile();
    slide->fingerprint();
  } catch (const Error&) {
  }
  return 0;
}
