#pragma once

#include <cmath>
#include <cstdint>
#include <numbers>

#include "nuclei/nucleus_list.hpp"

namespace histojet::bench {

/// Nuclei on a jittered lattice, endless and made on the fly: one in each cell, none leaves its own.
struct NucleiLattice {
  double pitch_px = 10;
  int vertices = 10;
  int classes = 5;

  /// Adds the nucleus of one cell. The same cell gives the same nucleus, whoever asks.
  void append(std::int64_t column, std::int64_t row, nuclei::NucleusList& list) const {
    const std::uint64_t seed = mix(static_cast<std::uint64_t>(column) << 32 ^ static_cast<std::uint64_t>(row));
    const auto share = [seed](int part) { return static_cast<double>(seed >> (16 * part) & 0xffff) / 65536; };
    const double radius = pitch_px * (0.22 + 0.11 * share(0));
    const double x = pitch_px * (static_cast<double>(column) + 0.5 + 0.3 * (share(1) - 0.5));
    const double y = pitch_px * (static_cast<double>(row) + 0.5 + 0.3 * (share(2) - 0.5));
    for (int i = 0; i < vertices; ++i) {
      const double angle = 2 * std::numbers::pi * i / vertices;
      const double reach = radius * (1 - 0.15 * (i % 3));
      list.contour_points.push_back(half(x + reach * std::cos(angle)));
      list.contour_points.push_back(half(y + reach * std::sin(angle)));
    }
    list.contour_starts.push_back(list.contour_points.size() / 2);
    list.centroids.insert(list.centroids.end(), {static_cast<float>(x), static_cast<float>(y)});
    list.boxes.insert(list.boxes.end(), {static_cast<float>(x - radius), static_cast<float>(y - radius),
                                         static_cast<float>(x + radius), static_cast<float>(y + radius)});
    list.areas.push_back(static_cast<float>(std::numbers::pi * radius * radius / 16));
    list.types.push_back(static_cast<std::uint8_t>(1 + seed % static_cast<std::uint64_t>(classes)));
    list.type_probabilities.push_back(static_cast<float>(0.5 + 0.5 * share(3)));
  }

 private:
  /// Outlines on slides at the network's resolution turn on pixel edges and their middles.
  static float half(double value) { return static_cast<float>(std::round(2 * value) / 2); }
  /// splitmix64 (Steele, Lea, Flood 2014).
  static std::uint64_t mix(std::uint64_t value) {
    value += 0x9e3779b97f4a7c15;
    value = (value ^ value >> 30) * 0xbf58476d1ce4e5b9;
    value = (value ^ value >> 27) * 0x94d049bb133111eb;
    return value ^ value >> 31;
  }
};

}  // namespace histojet::bench
