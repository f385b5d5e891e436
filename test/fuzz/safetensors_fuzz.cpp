// Any bytes as a safetensors file: opening must answer or throw Error, and what it lists must be readable.
#include <cstdint>
#include <memory>

#include "base/error.hpp"
#include "weights/safetensors.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace histojet;
  try {
    const auto source = memory_source({data, data + size}, "fuzz.safetensors");
    const auto dict = weights::open_safetensors(source, weights::PrefixRule::kStrip);
    std::size_t bytes = 0;
    for (const std::string& name : dict->names()) bytes += dict->get(name).byte_size();
    if (bytes > size) __builtin_trap();
    if (dict->contains("no such tensor")) return 0;
    dict->get("no such tensor");
  } catch (const Error&) {
  }
  return 0;
}
