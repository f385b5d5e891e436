#include "codecs/webp.hpp"

#include <webp/decode.h>

#include <climits>
#include <string>

#include "base/error.hpp"

namespace histojet::codecs {

void decode_webp(std::span<const std::uint8_t> stream, std::int64_t width, std::int64_t height, int channels,
                 std::uint8_t* out, std::int64_t stride) {
  if ((channels != 3 && channels != 4) || stride < width * channels || stride > INT_MAX) {
    throw Error(ErrorCode::kInvalidArgument, "WebP: expected 3 or 4 channels and a stride of at least one row");
  }
  WebPBitstreamFeatures features;
  if (WebPGetFeatures(stream.data(), stream.size(), &features) != VP8_STATUS_OK) {
    throw Error(ErrorCode::kCorruptFile, "WebP: damaged or cut header");
  }
  if (features.has_animation != 0) throw Error(ErrorCode::kUnsupportedFormat, "WebP: animations are not supported");
  if (features.width != width || features.height != height) {
    throw Error(ErrorCode::kCorruptFile, "WebP: the stream is " + std::to_string(features.width) + " x " +
                                             std::to_string(features.height) + " pixels, expected " +
                                             std::to_string(width) + " x " + std::to_string(height));
  }
  const auto size = static_cast<std::size_t>((height - 1) * stride + width * channels);
  const auto decode = channels == 3 ? WebPDecodeRGBInto : WebPDecodeRGBAInto;
  if (decode(stream.data(), stream.size(), out, size, static_cast<int>(stride)) == nullptr) {
    throw Error(ErrorCode::kCorruptFile, "WebP: damaged or cut stream");
  }
}

}  // namespace histojet::codecs
