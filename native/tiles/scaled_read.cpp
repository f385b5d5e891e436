#include "tiles/scaled_read.hpp"

#include <algorithm>
#include <cmath>
#include <span>
#include <string>

#include "base/error.hpp"
#include "tiles/axis_filter.hpp"
#include "tiles/block_filter.hpp"

namespace histojet::tiles {
namespace {

constexpr std::int64_t kMaxPixels = 1LL << 30;

void check(const ScaledWindow& window) {
  if (window.width < 1 || window.height < 1 || window.width > kMaxPixels / window.height) {
    throw Error(ErrorCode::kInvalidArgument, "expected a window of 1 to 2^30 pixels, got " +
                                                 std::to_string(window.width) + " x " + std::to_string(window.height));
  }
  if (window.channels != 3 && window.channels != 4) {
    throw Error(ErrorCode::kInvalidArgument, "expected 3 or 4 channels, got " + std::to_string(window.channels));
  }
  for (const double scale : {window.scale_x, window.scale_y}) {
    if (!(scale > 1e-6 && scale < 1e9)) {
      throw Error(ErrorCode::kInvalidArgument, "the wanted resolution is out of range: one pixel would be " +
                                                   std::to_string(scale) + " level-0 pixels wide");
    }
  }
  const double reach = std::max(std::abs(window.x / window.scale_x), std::abs(window.y / window.scale_y));
  if (!(reach < 0x1p40)) throw Error(ErrorCode::kInvalidArgument, "the window's position is out of range");
}

/// The coarsest level that is still as fine as `finest`. A level's downsample is that of its rounded size, so it may
/// seem coarser than wanted by one pixel over its whole length (a thousandth at least, a hundredth at most).
int pick_level(const slide::Slide& slide, double finest) {
  const auto& levels = slide.levels();
  int picked = 0;
  for (std::size_t i = 1; i < levels.size(); ++i) {
    const auto shorter = static_cast<double>(std::min(levels[i].width, levels[i].height));
    const double tolerance = std::clamp(1 / shorter, 1e-3, 1e-2);
    const bool fine_enough = levels[i].downsample <= finest * (1 + tolerance);
    if (fine_enough && levels[i].downsample > levels[picked].downsample) picked = static_cast<int>(i);
  }
  return picked;
}

/// A ratio that misses a whole number only because level sizes were rounded, or mpp printed with few digits, is that
/// number; the shift that this makes at the slide's far end stays below the level's own uncertainty.
AxisMapping make_mapping(double origin, double scale, double downsample, std::int64_t level_length) {
  const double ratio = scale / downsample;
  const double whole = std::max(1.0, std::round(ratio));
  const double allowed_shift_px = downsample == 1 ? 0.1 : 1.0;
  const bool same = std::abs(whole / ratio - 1) * static_cast<double>(level_length) <= allowed_shift_px;
  return {std::llround(origin / scale * 65536.0), same ? whole : ratio};
}

/// Which pixels of which level a window is made from.
struct Plan {
  slide::RegionRequest request;  ///< without size when the window lies outside the slide
  bool whole_pixels = false;     ///< the region is the window; without it the filters make it
  AxisFilter columns;
  AxisFilter rows;
};

Plan make_plan(const slide::Slide& slide, const ScaledWindow& window) {
  check(window);
  Plan plan;
  plan.request.level = pick_level(slide, std::min(window.scale_x, window.scale_y));
  plan.request.level_coordinates = true;
  plan.request.channels = window.channels;
  const slide::Level& level = slide.levels()[static_cast<std::size_t>(plan.request.level)];
  const AxisMapping across = make_mapping(window.x, window.scale_x, level.downsample, level.width);
  const AxisMapping down = make_mapping(window.y, window.scale_y, level.downsample, level.height);
  plan.whole_pixels = across.whole_pixels() && down.whole_pixels();
  if (plan.whole_pixels) {
    plan.request.x = across.whole_phase();
    plan.request.y = down.whole_phase();
    plan.request.width = window.width;
    plan.request.height = window.height;
    return plan;
  }
  plan.columns = make_axis_filter(across, window.width, level.width);
  plan.rows = make_axis_filter(down, window.height, level.height);
  if (plan.columns.count > 0 && plan.rows.count > 0) {
    plan.request.x = plan.columns.starts.front();
    plan.request.y = plan.rows.starts.front();
    plan.request.width = plan.columns.end_of(plan.columns.count - 1) - plan.request.x;
    plan.request.height = plan.rows.end_of(plan.rows.count - 1) - plan.request.y;
  }
  return plan;
}

}  // namespace

slide::RegionRequest source_region(const slide::Slide& slide, const ScaledWindow& window) {
  return make_plan(slide, window).request;
}

Image read_scaled(const slide::Slide& slide, const ScaledWindow& window, const CancelToken& cancel) {
  const Plan plan = make_plan(slide, window);
  if (plan.whole_pixels) return slide.read_region(plan.request, cancel);
  slide.announce(std::span(&plan.request, 1), cancel);
  Image out(window.width, window.height, window.channels, 0);
  if (window.channels == 3) {
    const auto background = slide.background();
    for (std::size_t i = 0; i < out.data.size(); i += 3) std::copy_n(background.begin(), 3, out.data.begin() + i);
  }
  const SourceReader source = [&](std::int64_t x, std::int64_t y, std::int64_t width, std::int64_t height,
                                  Image& scratch) {
    slide::RegionRequest part = plan.request;
    part.x = x;
    part.y = y;
    part.width = width;
    part.height = height;
    if (scratch.width != width || scratch.height != height) scratch = Image(width, height, window.channels);
    slide.read_region(part, scratch.data, cancel);
    return ImageView(scratch);
  };
  filter_image(source, plan.columns, plan.rows, out, cancel);
  return out;
}

}  // namespace histojet::tiles
