// Any text is a configuration of Pixel-Mamba or gives an Error; a configuration reads back from what is written of it.

#include <cstdint>
#include <string_view>

#include "base/error.hpp"
#include "models/pixel_mamba/config.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace histojet;
  try {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const models::PixelMambaConfig config = models::parse_pixel_mamba(text);
    if (!(models::parse_pixel_mamba(models::pixel_mamba_json(config)) == config)) __builtin_trap();
  } catch (const Error&) {
  }
  return 0;
}
