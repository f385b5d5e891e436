#include "histojet/image.hpp"

#include <string>

#include "base/error.hpp"

namespace histojet {

Image composite_on_white(Image image) {
  if (image.channels == 3) return image;
  if (image.channels != 4) {
    throw Error(ErrorCode::kInvalidArgument,
                "expected a picture with 3 or 4 channels, got " + std::to_string(image.channels));
  }
  Image rgb(image.width, image.height, 3);
  const std::uint8_t* from = image.data.data();
  for (std::uint8_t* to = rgb.data.data(); to != rgb.data.data() + rgb.data.size(); to += 3, from += 4) {
    const int alpha = from[3];
    for (int c = 0; c < 3; ++c) to[c] = static_cast<std::uint8_t>((from[c] * alpha + 255 * (255 - alpha) + 127) / 255);
  }
  return rgb;
}

}  // namespace histojet
