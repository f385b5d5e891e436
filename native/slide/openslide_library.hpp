#pragma once

#include <cstdint>
#include <memory>
#include <string>

namespace histojet::slide {

/// The C interface of OpenSlide (openslide.h of 3.4.1 and 4.0), found at run time: nothing of it is linked or shipped.
/// Functions that only 4.0 has are null in an older library.
struct OpenSlideLibrary {
  struct Handle;

  const char* (*detect_vendor)(const char* path) = nullptr;
  Handle* (*open)(const char* path) = nullptr;
  void (*close)(Handle* handle) = nullptr;
  const char* (*get_error)(Handle* handle) = nullptr;
  std::int32_t (*get_level_count)(Handle* handle) = nullptr;
  void (*get_level_dimensions)(Handle* handle, std::int32_t level, std::int64_t* width, std::int64_t* height) = nullptr;
  double (*get_level_downsample)(Handle* handle, std::int32_t level) = nullptr;
  void (*read_region)(Handle* handle, std::uint32_t* argb, std::int64_t x, std::int64_t y, std::int32_t level,
                      std::int64_t width, std::int64_t height) = nullptr;
  const char* const* (*get_property_names)(Handle* handle) = nullptr;
  const char* (*get_property_value)(Handle* handle, const char* name) = nullptr;
  const char* const* (*get_associated_image_names)(Handle* handle) = nullptr;
  void (*get_associated_image_dimensions)(Handle* handle, const char* name, std::int64_t* width,
                                          std::int64_t* height) = nullptr;
  void (*read_associated_image)(Handle* handle, const char* name, std::uint32_t* argb) = nullptr;
  const char* (*get_version)() = nullptr;
  // From 4.0 on.
  std::int64_t (*get_icc_profile_size)(Handle* handle) = nullptr;
  void (*read_icc_profile)(Handle* handle, void* bytes) = nullptr;
  void* (*cache_create)(std::size_t bytes) = nullptr;
  void (*set_cache)(Handle* handle, void* cache) = nullptr;
  void (*cache_release)(void* cache) = nullptr;

  /// The library of `choice`: "auto" looks for libopenslide.so.1 and libopenslide.so.0, else a path. Loaded once and
  /// never unloaded, because GLib cannot be. Null with the reason in `why_not`. Safe from any thread.
  static const OpenSlideLibrary* load(const std::string& choice, std::string& why_not);
};

}  // namespace histojet::slide
