#include "pipeline/run_plan.hpp"

#include <algorithm>
#include <cmath>
#include <sstream>

#include "base/digest.hpp"
#include "base/error.hpp"
#include "base/executor.hpp"
#include "base/resident_memory.hpp"
#include "pipeline/memory_plan.hpp"

namespace histojet::pipeline {
namespace {

constexpr std::int64_t kSmallestTile_px = 256;
constexpr std::int64_t kLargestTile_px = 4096;
std::string text(double value) {
  std::string digits = std::to_string(value);
  while (digits.back() == '0') digits.pop_back();
  if (digits.back() == '.') digits.pop_back();
  return digits;
}

void set_resolution(RunPlan& plan) {
  plan.mpp = plan.options.mpp > 0 ? plan.options.mpp : plan.network->info().mpp;
  if (!(plan.mpp >= 0.05 && plan.mpp <= 10)) {
    throw Error(ErrorCode::kInvalidArgument,
                "mpp: expected a resolution from 0.05 to 10 micrometres per pixel, got " + text(plan.mpp));
  }
  const auto& known = plan.slide->mpp();
  if (!known) {
    if (plan.slide->format() != "png" && plan.slide->format() != "jpeg") {
      throw Error(
          ErrorCode::kInvalidArgument,
          plan.slide->path() + ": the slide does not say its micrometres per pixel; pass `mpp` when you open it");
    }
    plan.notes.push_back("the picture does not say its micrometres per pixel and is taken to have " + text(plan.mpp));
    return;
  }
  plan.scale_x = plan.mpp / known->x;
  plan.scale_y = plan.mpp / known->y;
  // A slide within 1 % of the wanted resolution is read as it is: no filter, no loss, no time.
  if (std::abs(plan.scale_x - 1) < 0.01 && std::abs(plan.scale_y - 1) < 0.01) {
    plan.scale_x = plan.scale_y = 1;
    plan.mpp = std::sqrt(known->x * known->y);
  } else if (plan.scale_x < 0.99) {
    plan.notes.push_back("the slide has " + text(known->x) + " micrometres per pixel and is enlarged to " +
                         text(plan.mpp) + " for the network");
  }
}

void set_region(RunPlan& plan) {
  plan.region = plan.options.region.value_or(slide::Rect{0, 0, plan.slide->width(), plan.slide->height()});
  const slide::Rect& r = plan.region;
  const bool outside =
      r.x >= plan.slide->width() || r.y >= plan.slide->height() || r.x + r.width <= 0 || r.y + r.height <= 0;
  if (r.width <= 0 || r.height <= 0 || outside) {
    throw Error(ErrorCode::kInvalidArgument,
                "region: expected a rectangle inside the slide of " + std::to_string(plan.slide->width()) + " x " +
                    std::to_string(plan.slide->height()) + " px, got x " + std::to_string(r.x) + ", y " +
                    std::to_string(r.y) + ", " + std::to_string(r.width) + " x " + std::to_string(r.height));
  }
}

void set_tile_size(RunPlan& plan) {
  std::int64_t& tile_size = plan.options.tile_size;
  const models::NetworkInfo& network = plan.network->info();
  if (tile_size == 0) {
    tile_size = plan.tiles_matter() ? network.default_tile_px : network.slide_tile_px;
  } else if (tile_size < kSmallestTile_px || tile_size > kLargestTile_px) {
    throw Error(ErrorCode::kInvalidArgument, "tileSize: expected " + std::to_string(kSmallestTile_px) + " to " +
                                                 std::to_string(kLargestTile_px) + " px, got " +
                                                 std::to_string(tile_size));
  }
  // A size that the network has no tile for is told before the first window runs.
  plan_tiles(network, kWindow_px, kWindow_px, tile_size, plan.margin());
}

/// A number that reads back as the same one.
std::string exact(double value) {
  std::ostringstream digits;
  digits.precision(17);
  digits << value;
  return digits.str();
}

std::string digest_of(const tiles::TissueMask& mask) {
  Sha256 digest;
  digest.update(std::to_string(mask.width) + " " + std::to_string(mask.height) + " " + exact(mask.downsample) + "\n");
  digest.update(mask.data);
  return hex(digest.finish());
}

}  // namespace

nuclei::LengthUnit RunPlan::length_unit() const {
  const auto& known = slide->mpp();
  if (!known) return {.x = scale_x, .y = scale_y, .metric = false};
  return {.x = scale_x * known->x, .y = scale_y * known->y, .metric = true};
}

TilePlan RunPlan::tiles_of(const Strip& strip) const {
  return plan_tiles(network->info(), kWindow_px, strip.width_px(), options.tile_size, margin());
}

RunPlan make_run_plan(std::shared_ptr<const slide::Slide> slide, std::shared_ptr<const models::NucleiNetwork> network,
                      const SegmentSlideOptions& options) {
  RunPlan plan{.slide = std::move(slide), .network = std::move(network), .options = options};
  set_resolution(plan);
  set_region(plan);
  set_tile_size(plan);
  if (options.min_area_um2) plan.options.postprocess.min_area_px = *options.min_area_um2 / (plan.mpp * plan.mpp);
  const int all = Executor::instance().thread_count();
  plan.options.threads = options.threads > 0 ? std::min(options.threads, all) : all;
  return plan;
}

void fit_into_memory(RunPlan& plan) {
  if (plan.options.max_memory_bytes == 0) return;
  const MemoryDemand demand{.network = plan.network.get(),
                            .source_px_per_px = plan.scale_x * plan.scale_y,
                            .cache_bytes = plan.slide->max_cache_bytes(),
                            .resident_bytes = resident_bytes(),
                            .measure = plan.options.measure,
                            .margin = plan.margin()};
  const WorkShape wanted{
      .threads = plan.options.threads, .strip_windows = plan.strip_windows, .tile_size = plan.options.tile_size};
  const WorkShape shape = fit_memory(demand, wanted, plan.options.max_memory_bytes);
  if (shape != wanted) {
    plan.notes.push_back("to stay below " + std::to_string(plan.options.max_memory_bytes / 1'000'000) +
                         " MB the run works with " + std::to_string(shape.threads) + " of " +
                         std::to_string(wanted.threads) + " threads, " + std::to_string(shape.strip_windows) +
                         " windows at a time and tiles of " + std::to_string(shape.tile_size) + " px");
  }
  plan.options.threads = shape.threads;
  plan.strip_windows = shape.strip_windows;
  plan.options.tile_size = shape.tile_size;
}

std::string identity_of(const RunPlan& plan) {
  const SegmentSlideOptions& options = plan.options;
  const nuclei::PostprocessOptions& postprocess = options.postprocess;
  const models::NetworkInfo& network = plan.network->info();
  std::ostringstream text;
  text << "slide " << plan.slide->fingerprint() << "\nmodel " << options.checkpoint_key << "\nnetwork "
       << network.architecture << " " << network.precision << " " << network.isa << "\nscale " << exact(plan.scale_x)
       << " " << exact(plan.scale_y) << " mpp " << exact(plan.mpp) << "\nregion " << plan.region.x << " "
       << plan.region.y << " " << plan.region.width << " " << plan.region.height << "\ntissue "
       << (options.tissue        ? digest_of(*options.tissue)
           : options.find_tissue ? "found"
                                 : "all")
       << " above " << exact(options.min_tissue) << "\nstain " << (options.stain == Stain::kHe ? "he" : "ihc-dab")
       << "\nvariant " << (postprocess.variant == nuclei::Variant::kHoverNet ? "hovernet" : "hoverfast") << " compat "
       << postprocess.compat << " area " << exact(postprocess.min_area_px) << " simplify "
       << exact(postprocess.simplify) << " monotone " << postprocess.monotone_watershed << "\nmeasure "
       << options.measure;
  if (plan.tiles_matter()) text << "\ntile " << options.tile_size;
  return text.str();
}

StripPixels::StripPixels(const RunPlan& plan, const SlideWindows& windows, const Strip& strip, const TilePlan& tiles)
    : plan_(plan),
      window_{.x = windows.left(strip.first, tiles.margin),
              .y = windows.top(strip.first, tiles.margin),
              .width = tiles.input_width(),
              .height = tiles.input_height(),
              .mpp = plan.mpp} {}

Image StripPixels::read(const CancelToken& cancel) const {
  if (plan_.as_stored()) return plan_.slide->read_region(level_0(), cancel);
  return tiles::read_at(*plan_.slide, window_, cancel);
}

slide::RegionRequest StripPixels::source() const {
  return plan_.as_stored() ? level_0() : tiles::source_region(*plan_.slide, window_);
}

slide::RegionRequest StripPixels::level_0() const {
  return {.x = static_cast<std::int64_t>(window_.x),
          .y = static_cast<std::int64_t>(window_.y),
          .width = window_.width,
          .height = window_.height};
}

}  // namespace histojet::pipeline
