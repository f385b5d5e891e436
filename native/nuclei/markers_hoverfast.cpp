#include <algorithm>

#include "nuclei/edge_strength.hpp"
#include "nuclei/gaussian3.hpp"
#include "nuclei/morphology.hpp"
#include "nuclei/segmentation.hpp"
#include "nuclei/watershed.hpp"

namespace histojet::nuclei {
namespace {

/// One distinct label after the other, rising: the reference makes one object of each.
std::vector<std::int32_t> distinct_markers(std::span<const Piece> markers) {
  std::vector<std::int32_t> labels;
  for (const Piece& marker : markers) labels.push_back(marker.run.label);
  std::sort(labels.begin(), labels.end());
  labels.erase(std::unique(labels.begin(), labels.end()), labels.end());
  return labels;
}

/// Cuts out one component and floods what the opening left of it. The reference, too, floods component by component.
void flood_component(const std::vector<float>& strength, const Components& components, const Box& box,
                     std::span<const Piece> cores, std::span<const Piece> seeds, bool monotone, Basin& basin,
                     const CancelToken& cancel) {
  const auto fill = [&] {
    basin.reset(box);
    for (const Piece& core : cores) basin.paint(core.run, 0);
    for (const Piece& seed : seeds) {
      std::int32_t* labels = basin.label_row(seed.run.row);
      for (std::int32_t x = seed.run.start; x < seed.run.end; ++x) labels[x] = labels[x] < 0 ? -1 : seed.run.label;
    }
  };
  fill();
  relief<float>(strength, components.height, components.width, box, basin.value_row(box.y0), basin.stride);
  if (flood(basin, monotone)) return;
  fill();
  watershed(basin.values.data(), basin.labels.data(), box.y1 - box.y0 + 2, basin.stride, monotone, cancel);
}

}  // namespace

Segmentation segment_hoverfast(const Maps& maps, double min_area_px, bool monotone, const CancelToken& cancel) {
  const Components components =
      label4(pixels_where(maps.np, maps.height, maps.width, [](float p) { return p > 0.5f; }));
  const Components cores = label4(open5(mask_of(components), 2));
  const std::vector<float> strength = edge_strength(maps, cores, 5, Combination::kRootOfSum, cancel);

  BitMask marker_mask = weak_edges(cores, strength);
  fill_holes(marker_mask);
  const Components markers = label4(marker_mask);

  Segmentation found;
  found.labels.resize(maps.np.size());
  const auto runs = runs_by_label(components.runs, components.count);
  const auto seeds = pieces_by_component(pieces_inside(markers, components), components.count);
  const auto core_runs = pieces_by_component(pieces_inside(cores, components), components.count);
  Basin basin;
  for (std::int32_t component = 1; component <= components.count; ++component) {
    const std::span<const Run> pixels = runs[component];
    if (static_cast<double>(pixel_count(pixels)) < min_area_px) continue;
    const std::vector<std::int32_t> distinct = distinct_markers(seeds[component]);
    if (distinct.size() < 2) {
      ++found.count;
      for (const Run& run : pixels) {
        std::fill_n(found.labels.begin() + run.row * maps.width + run.start, run.end - run.start, found.count);
      }
      continue;
    }
    cancel.throw_if_cancelled();
    flood_component(strength, components, bounding_box(pixels), core_runs[component], seeds[component], monotone, basin,
                    cancel);
    for (const Run& run : pixels) {
      const std::int32_t* from = basin.label_row(run.row);
      std::int32_t* to = found.labels.data() + run.row * maps.width;
      for (std::int32_t x = run.start; x < run.end; ++x) {
        if (from[x] <= 0) continue;
        const auto rank = std::lower_bound(distinct.begin(), distinct.end(), from[x]) - distinct.begin();
        to[x] = found.count + 1 + static_cast<std::int32_t>(rank);
      }
    }
    found.count += static_cast<std::int32_t>(distinct.size());
  }
  found.runs = labelled_runs(found.labels, maps.width, components);
  return found;
}

}  // namespace histojet::nuclei
