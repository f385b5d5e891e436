#include "nuclei/postprocess.hpp"

#include <cmath>
#include <span>
#include <string>

#include "base/error.hpp"
#include "nuclei/compat_nuclei.hpp"
#include "nuclei/default_nuclei.hpp"
#include "nuclei/normalize.hpp"
#include "nuclei/segmentation.hpp"

namespace histojet::nuclei {
namespace {

constexpr std::int64_t kLargestTile = std::int64_t{1} << 30;

void check(const Maps& maps, const PostprocessOptions& options) {
  const auto fail = [](ErrorCode code, const std::string& what) { throw Error(code, "nuclei: " + what); };
  if (maps.height < 0 || maps.width < 0 || maps.height > kLargestTile || maps.width > kLargestTile ||
      maps.height * maps.width > kLargestTile) {
    fail(ErrorCode::kInvalidArgument, "maps of " + std::to_string(maps.height) + " x " + std::to_string(maps.width) +
                                          " pixels, expected at most 2^30 pixels");
  }
  const std::size_t pixels = static_cast<std::size_t>(maps.height * maps.width);
  const auto expect = [&](const char* name, std::size_t found, std::size_t expected) {
    if (found == expected) return;
    fail(ErrorCode::kShapeMismatch, std::string("map ") + name + " has " + std::to_string(found) +
                                        " values, expected " + std::to_string(expected) + " for " +
                                        std::to_string(maps.height) + " x " + std::to_string(maps.width) + " pixels");
  };
  expect("np", maps.np.size(), pixels);
  expect("hv", maps.hv.size(), 2 * pixels);
  if (!maps.tp.empty()) expect("tp", maps.tp.size(), pixels);
  if (options.min_area_px != options.min_area_px || options.simplify != options.simplify) {
    fail(ErrorCode::kInvalidArgument, "min_area_px and simplify must be numbers, got NaN");
  }
}

/// A value that is no number says nothing about the place; it must not spoil the tile-wide normalisation.
Maps with_finite_gradients(Maps maps) {
  for (float& value : maps.hv) value = std::isfinite(value) ? value : 0.0f;
  return maps;
}

/// The variant's own values for what the caller left open.
PostprocessOptions resolved(PostprocessOptions options) {
  const bool hovernet = options.variant == Variant::kHoverNet;
  if (options.min_area_px < 0) options.min_area_px = hovernet ? 10 : 85;
  if (options.simplify < 0) options.simplify = options.compat && hovernet ? 0 : 6;
  return options;
}

PostprocessResult process(const Maps& maps, const GradientRanges& ranges, const PostprocessOptions& options,
                          const CancelToken& cancel) {
  const Segmentation objects =
      options.variant == Variant::kHoverNet
          ? segment_hovernet(maps, ranges, options.monotone_watershed, cancel)
          : segment_hoverfast(maps, ranges, options.min_area_px, options.monotone_watershed, cancel);
  cancel.throw_if_cancelled();
  if (!options.compat) return default_nuclei(maps, objects, options);
  return options.variant == Variant::kHoverNet ? hovernet_nuclei(maps, objects, options)
                                               : hoverfast_nuclei(maps, objects, options);
}

}  // namespace

PostprocessResult postprocess(const Maps& maps, const PostprocessOptions& options, const CancelToken& cancel) {
  check(maps, options);
  if (maps.np.empty()) return {};
  const std::span<const float> hv(maps.hv);
  const PlaneSurvey horizontal = survey(hv.first(hv.size() / 2)), vertical = survey(hv.last(hv.size() / 2));
  if (horizontal.finite && vertical.finite) {
    return process(maps, {horizontal.range, vertical.range}, resolved(options), cancel);
  }
  return postprocess(with_finite_gradients(maps), options, cancel);
}

}  // namespace histojet::nuclei
