#pragma once

#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <vector>

#include "nuclei/components.hpp"
#include "nuclei/morphology.hpp"
#include "nuclei/reflect.hpp"
#include "nuclei/sobel.hpp"
#include "nuclei/watershed.hpp"
#include "tensor/maps.hpp"

namespace histojet::test {
// Segmentation of a tile as the references state it: whole planes, one step after the other, no shortcuts.

using Plane = std::vector<double>;

inline std::vector<double> convolved(const std::vector<double>& a, const std::vector<double>& b) {
  std::vector<double> out(a.size() + b.size() - 1);
  for (std::size_t i = 0; i < a.size(); ++i) {
    for (std::size_t k = 0; k < b.size(); ++k) out[i + k] += a[i] * b[k];
  }
  return out;
}

inline std::vector<double> binomial(int n) {
  std::vector<double> row{1};
  for (int i = 0; i < n; ++i) row = convolved(row, {1, 1});
  return row;
}

/// N of a float plane, or of a double one (fused: false).
inline Plane normalized(const Plane& plane, bool fused) {
  const auto [low, high] = std::minmax_element(plane.begin(), plane.end());
  const double contrast = *high - *low;
  const float scale = contrast > 2.220446049250313e-16 ? static_cast<float>(1 / contrast) : 0.0f;
  const float shift = 0.0f - static_cast<float>(*low * scale);
  Plane out;
  for (const double value : plane) {
    out.push_back(fused ? std::fmaf(static_cast<float>(value), scale, shift)
                        : static_cast<float>(value * scale + shift));
  }
  return out;
}

inline Plane plain_sobel(const Plane& plane, std::int64_t height, std::int64_t width, int taps, nuclei::Axis axis) {
  const std::vector<double> smooth = binomial(taps - 1), derive = convolved(binomial(taps - 3), {-1, 0, 1});
  const std::vector<double>& across = axis == nuclei::Axis::kX ? derive : smooth;
  const std::vector<double>& down = axis == nuclei::Axis::kX ? smooth : derive;
  const int radius = taps / 2;
  Plane rows(plane.size()), out(plane.size());
  const auto at = [&](const Plane& from, std::int64_t y, std::int64_t x) {
    return from[static_cast<std::size_t>(nuclei::reflect101(y, height) * width + nuclei::reflect101(x, width))];
  };
  for (std::int64_t y = 0; y < height; ++y) {
    for (std::int64_t x = 0; x < width; ++x) {
      double sum = 0;
      for (int k = -radius; k <= radius; ++k) sum += at(plane, y, x + k) * across[static_cast<std::size_t>(k + radius)];
      rows[static_cast<std::size_t>(y * width + x)] = sum;
    }
  }
  for (std::int64_t y = 0; y < height; ++y) {
    for (std::int64_t x = 0; x < width; ++x) {
      double sum = at(rows, y, x) * down[static_cast<std::size_t>(radius)];
      for (int k = 1; k <= radius; ++k) {
        const double above = at(rows, y - k, x), below = at(rows, y + k, x);
        const double pair = axis == nuclei::Axis::kX ? above + below : below - above;
        sum = std::fma(pair, down[static_cast<std::size_t>(radius + k)], sum);
      }
      out[static_cast<std::size_t>(y * width + x)] = sum;
    }
  }
  return out;
}

/// Edge strength, 1 outside of `mask`.
inline std::vector<float> plain_strength(const Maps& maps, const nuclei::BitMask& mask, int taps, bool maximum) {
  const auto half = maps.hv.begin() + maps.height * maps.width;
  const auto edge = [&](Plane map, nuclei::Axis axis) {
    return normalized(plain_sobel(normalized(map, true), maps.height, maps.width, taps, axis), false);
  };
  const Plane h = edge({maps.hv.begin(), half}, nuclei::Axis::kX), v = edge({half, maps.hv.end()}, nuclei::Axis::kY);
  std::vector<float> strength(h.size(), 1.0f);
  for (std::size_t i = 0; i < h.size(); ++i) {
    const auto place = static_cast<std::int64_t>(i);
    if (!mask.get(place / maps.width, place % maps.width)) continue;
    const float s_h = 1.0f - static_cast<float>(h[i]), s_v = 1.0f - static_cast<float>(v[i]);
    const float both = maximum ? std::max(s_h, s_v) : std::sqrt(s_h * s_h + s_v * s_v);
    strength[i] = std::max(both, 0.0f);
  }
  return strength;
}

template <class T>
Plane plain_relief(const std::vector<float>& strength, std::int64_t height, std::int64_t width) {
  std::vector<T> rows(strength.size());
  Plane out(strength.size());
  const auto at = [&](const auto& from, std::int64_t y, std::int64_t x) {
    return static_cast<T>(
        from[static_cast<std::size_t>(nuclei::reflect101(y, height) * width + nuclei::reflect101(x, width))]);
  };
  for (std::int64_t i = 0; i < height * width; ++i) {
    const std::int64_t y = i / width, x = i % width;
    rows[static_cast<std::size_t>(i)] = ((T{1} - at(strength, y, x - 1)) + (T{1} - at(strength, y, x + 1))) * T{0.25} +
                                        (T{1} - at(strength, y, x)) * T{0.5};
  }
  for (std::int64_t i = 0; i < height * width; ++i) {
    const std::int64_t y = i / width, x = i % width;
    out[static_cast<std::size_t>(i)] = -((at(rows, y - 1, x) + at(rows, y + 1, x)) * T{0.25} + at(rows, y, x) * T{0.5});
  }
  return out;
}

inline std::vector<std::int32_t> labels_of(const nuclei::Components& components) {
  std::vector<std::int32_t> labels(static_cast<std::size_t>(components.height * components.width));
  for (const nuclei::Run& run : components.runs) {
    std::fill_n(labels.begin() + run.row * components.width + run.start, run.end - run.start, run.label);
  }
  return labels;
}

inline nuclei::BitMask mask_where(const std::vector<float>& plane, std::int64_t height, std::int64_t width,
                                  const auto& inside) {
  nuclei::BitMask mask(height, width);
  for (std::int64_t i = 0; i < height * width; ++i) {
    if (inside(plane[static_cast<std::size_t>(i)])) mask.set(i / width, i % width);
  }
  return mask;
}

/// HoverNet's instance map.
inline std::vector<std::int32_t> plain_hovernet(const Maps& maps, bool monotone) {
  using namespace nuclei;
  Components blobs = label4(mask_where(maps.np, maps.height, maps.width, [](float p) { return p >= 0.5f; }));
  remove_small(blobs, 10);
  const BitMask mask = mask_of(blobs);
  const std::vector<float> strength = plain_strength(maps, mask, 21, true);
  BitMask weak = mask_where(strength, maps.height, maps.width, [](float s) { return s < 0.4; });
  fill_holes(weak);
  Components markers = label4(open5(weak, 1));
  remove_small(markers, 10);
  std::vector<std::int32_t> labels = labels_of(markers);
  for (std::size_t i = 0; i < labels.size(); ++i) {
    const auto place = static_cast<std::int64_t>(i);
    if (!mask.get(place / maps.width, place % maps.width)) labels[i] = -1;
  }
  watershed(plain_relief<double>(strength, maps.height, maps.width).data(), labels.data(), maps.height, maps.width,
            monotone);
  std::replace(labels.begin(), labels.end(), -1, 0);
  return labels;
}

/// HoverFast's objects before the contours.
inline std::vector<std::int32_t> plain_hoverfast(const Maps& maps, double min_area_px, bool monotone) {
  using namespace nuclei;
  const BitMask mask = mask_where(maps.np, maps.height, maps.width, [](float p) { return p > 0.5f; });
  const Components components = label4(mask);
  const BitMask opened = open5(mask, 2);
  const std::vector<float> strength = plain_strength(maps, opened, 5, false);
  BitMask weak = mask_where(strength, maps.height, maps.width, [](float s) { return s < 0.4; });
  fill_holes(weak);
  const std::vector<std::int32_t> markers = labels_of(label4(weak)), component_of = labels_of(components);
  const Plane relief = plain_relief<float>(strength, maps.height, maps.width);
  std::vector<std::int32_t> found(maps.np.size());
  std::int32_t count = 0;
  for (std::int32_t component = 1; component <= components.count; ++component) {
    std::vector<Run> runs;
    for (const Run& run : components.runs) {
      if (run.label == component) runs.push_back(run);
    }
    if (static_cast<double>(pixel_count(runs)) < min_area_px) continue;
    const Box box = bounding_box(runs);
    const std::int64_t width = box.x1 - box.x0, height = box.y1 - box.y0;
    std::vector<std::int32_t> labels;
    Plane values;
    std::set<std::int32_t> distinct;
    for (std::int64_t y = box.y0; y < box.y1; ++y) {
      for (std::int64_t x = box.x0; x < box.x1; ++x) {
        const auto at = static_cast<std::size_t>(y * maps.width + x);
        const std::int32_t marker = component_of[at] == component ? markers[at] : 0;
        if (marker > 0) distinct.insert(marker);
        labels.push_back(opened.get(y, x) ? marker : -1);
        values.push_back(relief[at]);
      }
    }
    std::map<std::int32_t, std::int32_t> rank;
    for (const std::int32_t marker : distinct) rank[marker] = ++count;
    if (distinct.size() > 1) {
      watershed(values.data(), labels.data(), height, width, monotone);
    } else if (distinct.empty()) {
      ++count;
    }
    for (std::int64_t i = 0; i < height * width; ++i) {
      const auto at = static_cast<std::size_t>((box.y0 + i / width) * maps.width + box.x0 + i % width);
      const std::int32_t label = labels[static_cast<std::size_t>(i)];
      if (distinct.size() < 2) {
        if (component_of[at] == component) found[at] = count;
      } else if (label > 0) {
        found[at] = rank[label];
      }
    }
  }
  return found;
}

}  // namespace histojet::test
