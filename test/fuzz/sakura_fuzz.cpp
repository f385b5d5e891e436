// Sakura slides, that is SQLite databases. Seeds: those of the shared fixtures; without them (annotation stores are all
// that scripts/fuzz-seeds.mjs makes) few inputs come past the names of the tables.
#include "read_slide.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  constexpr const char* kNames[] = {"fuzz.svslide"};
  histojet::fuzz::read_slide(data, size, kNames);
  return 0;
}
