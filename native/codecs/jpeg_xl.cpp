#include "codecs/jpeg_xl.hpp"

#include <dlfcn.h>
#include <jxl/decode.h>

#include <cstring>
#include <memory>
#include <string>

#include "base/error.hpp"

namespace histojet::codecs {
namespace {

/// The functions of libjxl that are used; the same in all versions from 0.7 on.
struct Library {
  decltype(&JxlDecoderCreate) create = nullptr;
  decltype(&JxlDecoderDestroy) destroy = nullptr;
  decltype(&JxlDecoderSubscribeEvents) subscribe = nullptr;
  decltype(&JxlDecoderSetKeepOrientation) keep_orientation = nullptr;
  decltype(&JxlDecoderSetInput) set_input = nullptr;
  decltype(&JxlDecoderProcessInput) process = nullptr;
  decltype(&JxlDecoderGetBasicInfo) basic_info = nullptr;
  decltype(&JxlDecoderSetImageOutCallback) set_callback = nullptr;
  bool loaded = false;
};

template <class Function>
bool find(void* handle, const char* name, Function& function) {
  function = reinterpret_cast<Function>(dlsym(handle, name));
  return function != nullptr;
}

/// Loaded once and kept: unloading a library that other threads may be in is not safe.
const Library& library() {
  static const Library loaded = [] {
    Library found;
    for (const char* name : {"libjxl.so.0.11", "libjxl.so.0.10", "libjxl.so.0.9", "libjxl.so.0.8", "libjxl.so.0.7"}) {
      void* handle = dlopen(name, RTLD_NOW | RTLD_LOCAL);
      if (handle == nullptr) continue;
      found.loaded = find(handle, "JxlDecoderCreate", found.create) &&
                     find(handle, "JxlDecoderDestroy", found.destroy) &&
                     find(handle, "JxlDecoderSubscribeEvents", found.subscribe) &&
                     find(handle, "JxlDecoderSetKeepOrientation", found.keep_orientation) &&
                     find(handle, "JxlDecoderSetInput", found.set_input) &&
                     find(handle, "JxlDecoderProcessInput", found.process) &&
                     find(handle, "JxlDecoderGetBasicInfo", found.basic_info) &&
                     find(handle, "JxlDecoderSetImageOutCallback", found.set_callback);
      if (found.loaded) return found;
    }
    return found;
  }();
  if (!loaded.loaded) {
    throw Error(ErrorCode::kUnsupportedFormat,
                "JPEG XL: no libjxl 0.7 to 0.11 is installed (Debian and Ubuntu: apt-get install libjxl0.7 or later; "
                "Fedora: dnf install libjxl)");
  }
  return loaded;
}

/// Where rows go; libjxl hands them over in pieces.
struct Target {
  std::int64_t width;
  std::int64_t height;
  int channels;
  std::uint8_t* out;
  std::int64_t stride;
  std::int64_t pixels = 0;  ///< handed over so far
};

void take_pixels(void* opaque, std::size_t x, std::size_t y, std::size_t count, const void* pixels) {
  Target& target = *static_cast<Target*>(opaque);
  const auto width = static_cast<std::size_t>(target.width);
  if (y >= static_cast<std::size_t>(target.height) || x >= width || count > width - x) return;
  const auto channels = static_cast<std::size_t>(target.channels);
  std::uint8_t* row = target.out + static_cast<std::int64_t>(y) * target.stride;
  std::memcpy(row + x * channels, pixels, count * channels);
  target.pixels += static_cast<std::int64_t>(count);
}

void check_info(const JxlBasicInfo& info, const Target& target) {
  constexpr std::uint32_t kMaxExtraChannels = 4;
  if (info.xsize != target.width || info.ysize != target.height) {
    throw Error(ErrorCode::kCorruptFile, "JPEG XL: the stream is " + std::to_string(info.xsize) + " x " +
                                             std::to_string(info.ysize) + " pixels, expected " +
                                             std::to_string(target.width) + " x " + std::to_string(target.height));
  }
  if (info.have_animation != 0) throw Error(ErrorCode::kUnsupportedFormat, "JPEG XL: animations are not supported");
  if (info.num_extra_channels > kMaxExtraChannels) {
    throw Error(ErrorCode::kUnsupportedFormat,
                "JPEG XL: " + std::to_string(info.num_extra_channels) + " extra channels are not supported");
  }
  if (target.channels == 1 && info.num_color_channels != 1) {
    throw Error(ErrorCode::kCorruptFile, "JPEG XL: a colour stream, expected grey");
  }
}

}  // namespace

void decode_jpeg_xl(std::span<const std::uint8_t> stream, std::int64_t width, std::int64_t height, int channels,
                    std::uint8_t* out, std::int64_t stride) {
  if ((channels != 1 && channels != 3 && channels != 4) || stride < width * channels) {
    throw Error(ErrorCode::kInvalidArgument, "JPEG XL: expected 1, 3 or 4 channels and a stride of at least one row");
  }
  // Some builds of libjxl print to stderr for streams that are hopelessly short.
  if (stream.size() < 12) throw Error(ErrorCode::kCorruptFile, "JPEG XL: the stream is too short");
  const Library& jxl = library();
  const std::unique_ptr<JxlDecoder, decltype(jxl.destroy)> decoder(jxl.create(nullptr), jxl.destroy);
  if (!decoder) throw Error(ErrorCode::kOutOfMemory, "JPEG XL: no memory for a decoder");
  Target target{width, height, channels, out, stride};
  const JxlPixelFormat format{static_cast<std::uint32_t>(channels), JXL_TYPE_UINT8, JXL_NATIVE_ENDIAN, 0};
  jxl.subscribe(decoder.get(), JXL_DEC_BASIC_INFO | JXL_DEC_FULL_IMAGE);
  jxl.keep_orientation(decoder.get(), JXL_TRUE);
  jxl.set_input(decoder.get(), stream.data(), stream.size());
  bool known = false;
  for (;;) {
    const JxlDecoderStatus status = jxl.process(decoder.get());
    JxlBasicInfo info;
    if (status == JXL_DEC_BASIC_INFO && jxl.basic_info(decoder.get(), &info) == JXL_DEC_SUCCESS) {
      check_info(info, target);
      known = true;
    } else if (status == JXL_DEC_NEED_IMAGE_OUT_BUFFER && known &&
               jxl.set_callback(decoder.get(), &format, take_pixels, &target) == JXL_DEC_SUCCESS) {
      continue;
    } else if (status == JXL_DEC_FULL_IMAGE && target.pixels == width * height) {
      return;
    } else {
      throw Error(ErrorCode::kCorruptFile, "JPEG XL: damaged or cut stream");
    }
  }
}

}  // namespace histojet::codecs
