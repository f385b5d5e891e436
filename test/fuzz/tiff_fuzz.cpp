// TIFF files. Seeds: those of scripts/fuzz-seeds.mjs and of the shared fixtures, also the malformed ones.
#include "read_slide.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  constexpr const char* kNames[] = {"fuzz.tif"};
  histojet::fuzz::read_slide(data, size, kNames);
  return 0;
}
