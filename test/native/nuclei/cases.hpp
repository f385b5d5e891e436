#pragma once

#include <random>
#include <string>
#include <vector>

#include "fixtures.hpp"
#include "json.hpp"
#include "npz.hpp"
#include "nuclei/components.hpp"
#include "nuclei/postprocess.hpp"

namespace histojet::test {

/// The network outputs stored under `prefix` ("" or "name.").
inline Maps maps_of(const Npz& npz, const std::string& prefix = "") {
  Maps maps;
  const NpyArray& np = npz.at(prefix + "np_prob");
  maps.height = np.shape[0];
  maps.width = np.shape[1];
  maps.np = np.as<float>();
  maps.hv = npz.at(prefix + "hv").as<float>();
  if (npz.contains(prefix + "tp")) maps.tp = npz.at(prefix + "tp").as<std::uint8_t>();
  return maps;
}

inline nuclei::PostprocessOptions compat(nuclei::Variant variant) {
  nuclei::PostprocessOptions options;
  options.variant = variant;
  options.compat = true;
  return options;
}

/// One component that covers a whole tile.
inline nuclei::Components whole_tile(std::int64_t height, std::int64_t width) {
  nuclei::BitMask mask(height, width);
  mask.invert();
  return nuclei::label4(mask);
}

inline nuclei::BitMask mask_from(const std::vector<int>& pixels, std::int64_t height, std::int64_t width) {
  nuclei::BitMask mask(height, width);
  for (std::int64_t i = 0; i < height * width; ++i) {
    if (pixels[static_cast<std::size_t>(i)] != 0) mask.set(i / width, i % width);
  }
  return mask;
}

inline std::vector<int> labels_from(const nuclei::Components& components) {
  std::vector<int> labels(static_cast<std::size_t>(components.height * components.width));
  for (const nuclei::Run& run : components.runs) {
    for (int x = run.start; x < run.end; ++x)
      labels[static_cast<std::size_t>(run.row * components.width + x)] = run.label;
  }
  return labels;
}

/// A random mask of soft blobs (and some lone pixels) that is different for every seed.
inline std::vector<int> random_blobs(std::int64_t height, std::int64_t width, unsigned seed) {
  std::mt19937 random(seed);
  std::vector<int> pixels(static_cast<std::size_t>(height * width));
  const auto pick = [&](std::int64_t n) { return static_cast<std::int64_t>(random() % static_cast<unsigned>(n)); };
  for (int i = 0; i < 12; ++i) {
    const std::int64_t cy = pick(height), cx = pick(width), ry = 1 + pick(9), rx = 1 + pick(9);
    for (std::int64_t y = 0; y < height; ++y) {
      for (std::int64_t x = 0; x < width; ++x) {
        const double dy = static_cast<double>(y - cy) / static_cast<double>(ry);
        const double dx = static_cast<double>(x - cx) / static_cast<double>(rx);
        const auto at = static_cast<std::size_t>(y * width + x);
        if (dx * dx + dy * dy <= 1) pixels[at] = i % 4 != 3;
        if (pick(400) == 0) pixels[at] = 1 - pixels[at];
      }
    }
  }
  return pixels;
}

}  // namespace histojet::test
