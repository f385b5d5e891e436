#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>

#include "base/error.hpp"
#include "slide/slide.hpp"

namespace histojet::fuzz {

inline void read_corners(const slide::Slide& slide, int level) {
  constexpr std::int64_t kSide = 64;
  const slide::Level& size = slide.levels()[static_cast<std::size_t>(level)];
  for (const bool far : {false, true}) {
    try {
      slide.read_region({.x = far ? size.width - kSide / 2 : -3,
                         .y = far ? size.height - kSide / 2 : -5,
                         .width = kSide,
                         .height = kSide,
                         .level = level,
                         .channels = far ? 4 : 3,
                         .level_coordinates = true});
    } catch (const Error&) {
    }
  }
}

/// Any bytes as a slide: opening, corners of every level and every associated image either work or throw Error.
/// `names`: what the file may be called, because extensions matter to formats that their content does not show; the
/// last byte chooses among them, and between strict and tolerant. OpenSlide is never asked.
inline void read_slide(const std::uint8_t* data, std::size_t size, std::span<const char* const> names) {
  constexpr std::size_t kMostLevels = 8;
  setenv("HISTOJET_THREADS", "1", 1);
  // Large fields make slow, not deep, inputs.
  if (size == 0 || size > 1 << 20) return;
  const std::uint8_t choice = data[size - 1];
  const bool tolerant = (choice & 1) != 0;
  try {
    const auto source = memory_source({data, data + size}, names[choice / 2 % names.size()]);
    const auto slide = slide::Slide::open(
        source, {.tolerant = tolerant, .max_cache_bytes = tolerant ? 1 << 20 : 0, .openslide = "off"});
    const std::size_t levels = std::min(slide->levels().size(), kMostLevels);
    for (std::size_t level = 0; level < levels; ++level) read_corners(*slide, static_cast<int>(level));
    for (const auto& name : slide->associated_images()) {
      try {
        slide->read_associated_image(name);
      } catch (const Error&) {
      }
    }
    slide->icc_profile();
    slide->fingerprint();
    slide->bounds();
  } catch (const Error&) {
  }
}

}  // namespace histojet::fuzz
