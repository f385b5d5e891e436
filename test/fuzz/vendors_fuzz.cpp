// TIFF files of vendors. Seeds: as for tiff_fuzz.
#include "read_slide.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  constexpr const char* kNames[] = {"fuzz.ndpi", "fuzz.tiff", "fuzz.scn", "fuzz.bif", "fuzz.tif"};
  histojet::fuzz::read_slide(data, size, kNames);
  return 0;
}
