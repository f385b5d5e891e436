#include "slide/openslide_library.hpp"

#include <dlfcn.h>

#include <map>
#include <mutex>

namespace histojet::slide {
namespace {

struct Loaded {
  std::unique_ptr<const OpenSlideLibrary> library;
  std::string why_not;
};

template <class Function>
bool find(void* module, const char* name, Function& function) {
  function = reinterpret_cast<Function>(dlsym(module, name));
  return function != nullptr;
}

bool find_required(void* module, OpenSlideLibrary& library) {
  return find(module, "openslide_detect_vendor", library.detect_vendor) &&
         find(module, "openslide_open", library.open) && find(module, "openslide_close", library.close) &&
         find(module, "openslide_get_error", library.get_error) &&
         find(module, "openslide_get_level_count", library.get_level_count) &&
         find(module, "openslide_get_level_dimensions", library.get_level_dimensions) &&
         find(module, "openslide_get_level_downsample", library.get_level_downsample) &&
         find(module, "openslide_read_region", library.read_region);
}

/// What a library lacks of these is a feature less.
void find_optional(void* module, OpenSlideLibrary& library) {
  find(module, "openslide_get_version", library.get_version);
  if (!find(module, "openslide_get_property_names", library.get_property_names) ||
      !find(module, "openslide_get_property_value", library.get_property_value)) {
    library.get_property_names = nullptr;
  }
  if (!find(module, "openslide_get_associated_image_names", library.get_associated_image_names) ||
      !find(module, "openslide_get_associated_image_dimensions", library.get_associated_image_dimensions) ||
      !find(module, "openslide_read_associated_image", library.read_associated_image)) {
    library.get_associated_image_names = nullptr;
  }
  if (!find(module, "openslide_get_icc_profile_size", library.get_icc_profile_size) ||
      !find(module, "openslide_read_icc_profile", library.read_icc_profile)) {
    library.get_icc_profile_size = nullptr;
  }
  if (!find(module, "openslide_cache_create", library.cache_create) ||
      !find(module, "openslide_set_cache", library.set_cache) ||
      !find(module, "openslide_cache_release", library.cache_release)) {
    library.cache_create = nullptr;
  }
}

Loaded load_first(const std::string& choice) {
  const bool search = choice == "auto";
  void* module = dlopen(search ? "libopenslide.so.1" : choice.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (module == nullptr && search) module = dlopen("libopenslide.so.0", RTLD_NOW | RTLD_LOCAL);
  if (module == nullptr) {
    const char* reason = search ? nullptr : dlerror();
    return {nullptr, search
                         ? "OpenSlide could read it, but is not installed (Debian, Ubuntu: apt install libopenslide0)"
                         : "OpenSlide cannot be loaded: " + std::string(reason != nullptr ? reason : choice)};
  }
  auto library = std::make_unique<OpenSlideLibrary>();
  if (!find_required(module, *library)) {
    dlclose(module);
    return {nullptr, (search ? std::string("libopenslide") : choice) + " lacks functions of OpenSlide 3.4"};
  }
  find_optional(module, *library);
  return {std::move(library), {}};
}

}  // namespace

const OpenSlideLibrary* OpenSlideLibrary::load(const std::string& choice, std::string& why_not) {
  // Never destroyed: slides may outlive the end of main.
  static auto* mutex = new std::mutex;
  static auto* known = new std::map<std::string, Loaded>;
  std::lock_guard lock(*mutex);
  auto found = known->find(choice);
  if (found == known->end()) {
    Loaded loaded = load_first(choice);
    why_not = loaded.why_not;
    // A library that is missing may be installed while the process runs, so only success is kept.
    if (!loaded.library) return nullptr;
    found = known->emplace(choice, std::move(loaded)).first;
  }
  return found->second.library.get();
}

}  // namespace histojet::slide
