#include "pipeline/segment_slide.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <mutex>

#include "base/error.hpp"
#include "base/executor.hpp"
#include "nuclei/stitch.hpp"
#include "pipeline/slide_windows.hpp"
#include "pipeline/tiled_prediction.hpp"
#include "tiles/haematoxylin.hpp"
#include "tiles/region_announcer.hpp"
#include "tiles/resample.hpp"

namespace histojet::pipeline {
namespace {

constexpr std::int64_t kSmallestTile_px = 256;
constexpr std::int64_t kLargestTile_px = 4096;
/// Width of the band along the seams in which nuclei of two windows are compared, working pixels.
constexpr double kSeamBand_px = kContext_px;

/// Everything that the windows of one run share and that is fixed before the first one starts.
struct Plan {
  std::shared_ptr<const slide::Slide> slide;
  std::shared_ptr<const models::NucleiNetwork> network;
  SegmentSlideOptions options;
  double mpp = 0;      ///< working resolution
  double scale_x = 1;  ///< level-0 pixels per working pixel
  double scale_y = 1;
  slide::Rect region;
  int threads = 1;
  std::vector<std::string> notes;
};

std::string text(double value) {
  std::string digits = std::to_string(value);
  while (digits.back() == '0') digits.pop_back();
  if (digits.back() == '.') digits.pop_back();
  return digits;
}

void set_resolution(Plan& plan) {
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

void set_region(Plan& plan) {
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

void set_tile_size(Plan& plan) {
  std::int64_t& tile_size = plan.options.tile_size;
  const models::NetworkInfo& network = plan.network->info();
  if (tile_size == 0) {
    const bool as_reference = plan.options.postprocess.compat && network.output_margin_px > 0;
    tile_size = as_reference ? network.default_tile_px : network.slide_tile_px;
  } else if (tile_size < kSmallestTile_px || tile_size > kLargestTile_px) {
    throw Error(ErrorCode::kInvalidArgument, "tileSize: expected " + std::to_string(kSmallestTile_px) + " to " +
                                                 std::to_string(kLargestTile_px) + " px, got " +
                                                 std::to_string(tile_size));
  }
  // A size that the network has no tile for is told before the first window runs.
  plan_tiles(network, kWindow_px, kWindow_px, tile_size);
}

Plan make_plan(std::shared_ptr<const slide::Slide> slide, std::shared_ptr<const models::NucleiNetwork> network,
               const SegmentSlideOptions& options) {
  Plan plan{.slide = std::move(slide), .network = std::move(network), .options = options};
  set_resolution(plan);
  set_region(plan);
  set_tile_size(plan);
  if (options.min_area_um2) plan.options.postprocess.min_area_px = *options.min_area_um2 / (plan.mpp * plan.mpp);
  const int all = Executor::instance().thread_count();
  plan.threads = options.threads > 0 ? std::min(options.threads, all) : all;
  return plan;
}

/// The pixels of a strip with the network's margin around them; outside the slide lies background.
class StripPixels {
 public:
  StripPixels(const Plan& plan, const SlideWindows& windows, const Strip& strip, const TilePlan& tiles)
      : plan_(plan),
        window_{.x = windows.left(strip.first, tiles.margin),
                .y = windows.top(strip.first, tiles.margin),
                .width = tiles.input_width(),
                .height = tiles.input_height(),
                .mpp = plan.mpp} {}

  Image read(const CancelToken& cancel) const {
    if (as_stored()) return plan_.slide->read_region(level_0(), cancel);
    return tiles::read_at(*plan_.slide, window_, cancel);
  }

  /// What read() takes from the slide.
  slide::RegionRequest source() const { return as_stored() ? level_0() : tiles::source_region(*plan_.slide, window_); }

 private:
  bool as_stored() const { return plan_.scale_x == 1 && plan_.scale_y == 1; }
  slide::RegionRequest level_0() const {
    return {.x = static_cast<std::int64_t>(window_.x),
            .y = static_cast<std::int64_t>(window_.y),
            .width = window_.width,
            .height = window_.height};
  }

  const Plan& plan_;
  tiles::ReadAtRequest window_;
};

TilePlan tiles_of(const Plan& plan, const Strip& strip) {
  return plan_tiles(plan.network->info(), kWindow_px, strip.width_px(), plan.options.tile_size);
}

/// The maps of one window of a strip.
Maps cut_window(const Maps& strip, std::int64_t left) {
  Maps window;
  window.height = kWindow_px;
  window.width = kWindow_px;
  const auto cut = [&](const auto& from, auto& to, std::int64_t planes) {
    to.reserve(static_cast<std::size_t>(planes * kWindow_px * kWindow_px));
    for (std::int64_t row = 0; row < planes * kWindow_px; ++row) {
      const auto begin = from.begin() + row * strip.width + left;
      to.insert(to.end(), begin, begin + kWindow_px);
    }
  };
  cut(strip.np, window.np, 1);
  cut(strip.hv, window.hv, 2);
  if (!strip.tp.empty()) cut(strip.tp, window.tp, 1);
  return window;
}

/// A strip from pixels to maps.
Maps predict_strip(const Plan& plan, const SlideWindows& windows, const Strip& strip, SessionPool& sessions,
                   const CancelToken& cancel) {
  const TilePlan tiles = tiles_of(plan, strip);
  Image pixels = StripPixels(plan, windows, strip, tiles).read(cancel);
  if (plan.options.stain == Stain::kIhcDab) tiles::keep_haematoxylin(pixels);
  return predict_tiled(sessions, tiles, pixels, kWindow_px, strip.width_px(), 1, cancel);
}

/// Nuclei of one window in level-0 coordinates, those outside its core included.
nuclei::NucleusList find_nuclei(const Plan& plan, const SlideWindows& windows, std::int64_t index, const Maps& maps,
                                const CancelToken& cancel) {
  auto found = nuclei::postprocess(maps, plan.options.postprocess, cancel).nuclei;
  found.transform(plan.scale_x, plan.scale_y, windows.left(index, 0), windows.top(index, 0), plan.mpp * plan.mpp);
  return found;
}

bool inside(const slide::Rect& region, float x, float y) {
  return x >= region.x && y >= region.y && x < region.x + region.width && y < region.y + region.height;
}

class Run final : public SlideRun, public std::enable_shared_from_this<Run> {
 public:
  Run(Plan plan, const CancelToken& cancel)
      : plan_(std::move(plan)),
        token_(cancel.joined_with(stop_.flag())),
        sessions_(plan_.network),
        stitcher_(kSeamBand_px * std::max(plan_.scale_x, plan_.scale_y)) {}

  void next(std::function<void(Step)> done) override {
    const auto self = shared_from_this();
    {
      std::lock_guard lock(mutex_);
      waiting_ = std::move(done);
      if (!prepared_) {
        prepared_ = true;
        Executor::instance().post([self] { self->prepare(); });
        return;
      }
    }
    advance();
  }

  void stop() override {
    stop_.cancel();
    advance();
  }

  std::vector<std::string> warnings() const override {
    auto all = plan_.notes;
    for (auto& warning : plan_.slide->warnings()) all.push_back(std::move(warning));
    return all;
  }

 private:
  /// Finds the tissue and lays out the windows; the first work of a run, off the caller's thread.
  void prepare() {
    try {
      std::optional<tiles::TissueMask> mask = plan_.options.tissue;
      if (!mask && plan_.options.find_tissue) mask = tiles::find_tissue(*plan_.slide, 8, token_);
      auto windows = std::make_unique<SlideWindows>(*plan_.slide, plan_.scale_x, plan_.scale_y, plan_.region,
                                                    mask ? &*mask : nullptr, plan_.options.min_tissue);
      std::lock_guard lock(mutex_);
      windows_ = std::move(windows);
      strips_ = windows_->strips();
      announcer_ = std::make_unique<tiles::RegionAnnouncer>(
          *plan_.slide, static_cast<std::int64_t>(strips_.size()), [this](std::int64_t i) {
            const Strip& strip = strips_[static_cast<std::size_t>(i)];
            return StripPixels(plan_, *windows_, strip, tiles_of(plan_, strip)).source();
          });
    } catch (...) {
      std::lock_guard lock(mutex_);
      failure_ = std::current_exception();
    }
    advance();
  }

  /// Starts windows while there is room and hands over what is due; called after every change of state.
  void advance() {
    std::function<void(Step)> deliver;
    Step step;
    {
      std::lock_guard lock(mutex_);
      if (!failure_ && token_.cancelled()) failure_ = std::make_exception_ptr(Cancelled{});
      if (failure_) stop_.cancel();
      if (!failure_ && windows_ != nullptr) start_strips();
      // A failure is told when no window runs any more: whoever hears it may close what they read from.
      if (waiting_ && (failure_ ? active_ == 0 : collect(step))) {
        step.failure = failure_;
        step.progress = {delivered_, windows_ ? windows_->count() : 0, nuclei_};
        deliver = std::move(waiting_);
        waiting_ = nullptr;
      }
    }
    if (deliver) deliver(std::move(step));
  }

  void start_strips() {
    const std::int64_t ahead = 2 * plan_.threads * kLargestStrip;
    while (active_ < plan_.threads && started_ < strips_.size() && strips_[started_].first - delivered_ < ahead) {
      const std::size_t next = started_++;
      ++active_;
      Executor::instance().post([self = shared_from_this(), next] { self->work(next); });
    }
  }

  void work(std::size_t number) {
    std::exception_ptr failure;
    try {
      token_.throw_if_cancelled();
      const Strip& strip = strips_[number];
      // Bytes of the next strips of a remote slide arrive while this one is computed.
      announcer_->before(static_cast<std::int64_t>(number), token_);
      const Maps maps = predict_strip(plan_, *windows_, strip, sessions_, token_);
      for (std::int64_t i = 0; i < strip.count; ++i) {
        const std::int64_t index = strip.first + i;
        auto found = find_nuclei(plan_, *windows_, index, cut_window(maps, i * kCore_px), token_);
        std::lock_guard lock(mutex_);
        finished_.emplace(index, std::move(found));
      }
    } catch (...) {
      failure = std::current_exception();
    }
    {
      std::lock_guard lock(mutex_);
      --active_;
      if (failure && !failure_) failure_ = failure;
    }
    advance();
  }

  /// Takes the next window in order; true when `step` is complete (a batch, or the end).
  bool collect(Step& step) {
    if (windows_ == nullptr) return false;
    if (delivered_ == windows_->count()) return true;
    const auto ready = finished_.find(delivered_);
    if (ready == finished_.end()) return false;
    nuclei::NucleusList taken = stitcher_.accept(windows_->core(delivered_), ready->second);
    finished_.erase(ready);
    ++delivered_;
    start_strips();
    if (plan_.options.region) taken = inside_region(taken);
    nuclei_ += static_cast<std::int64_t>(taken.size());
    step.batch = std::move(taken);
    return true;
  }

  nuclei::NucleusList inside_region(const nuclei::NucleusList& all) const {
    nuclei::NucleusList kept;
    for (std::size_t i = 0; i < all.size(); ++i) {
      if (inside(plan_.region, all.centroids[2 * i], all.centroids[2 * i + 1])) kept.append(all, i);
    }
    return kept;
  }

  const Plan plan_;
  CancelSource stop_;
  const CancelToken token_;
  SessionPool sessions_;

  std::mutex mutex_;  // guards everything below
  bool prepared_ = false;
  std::unique_ptr<SlideWindows> windows_;
  std::vector<Strip> strips_;                          // like windows_, fixed once work begins
  std::unique_ptr<tiles::RegionAnnouncer> announcer_;  // has its own lock
  std::map<std::int64_t, nuclei::NucleusList> finished_;
  nuclei::Stitcher stitcher_;
  std::function<void(Step)> waiting_;
  std::exception_ptr failure_;
  int active_ = 0;
  std::size_t started_ = 0;
  std::int64_t delivered_ = 0;
  std::int64_t nuclei_ = 0;
};

}  // namespace

std::shared_ptr<SlideRun> SlideRun::start(std::shared_ptr<const slide::Slide> slide,
                                          std::shared_ptr<const models::NucleiNetwork> network,
                                          const SegmentSlideOptions& options, const CancelToken& cancel) {
  return std::make_shared<Run>(make_plan(std::move(slide), std::move(network), options), cancel);
}

}  // namespace histojet::pipeline
