#include "pipeline/segment_slide.hpp"

#include <algorithm>
#include <functional>
#include <map>
#include <mutex>

#include "base/error.hpp"
#include "base/executor.hpp"
#include "nuclei/stitch.hpp"
#include "pipeline/measurements.hpp"
#include "pipeline/run_journal.hpp"
#include "pipeline/run_plan.hpp"
#include "tiles/haematoxylin.hpp"
#include "tiles/region_announcer.hpp"

namespace histojet::pipeline {
namespace {

/// Width of the band along the seams in which nuclei of two windows are compared, working pixels.
constexpr double kSeamBand_px = kContext_px;

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

/// What the windows of a strip are made from.
struct StripResult {
  Maps maps;
  Image pixels;                  ///< as the slide shows them; empty unless nuclei are measured
  std::int64_t pixels_left = 0;  ///< where the first window begins in `pixels`
  std::int64_t pixels_top = 0;

  /// The pixels of the window that begins at column `left` of the maps.
  ImageView window(std::int64_t left) const {
    const ImageView all = pixels;
    const std::uint8_t* corner = all.row(pixels_top) + (pixels_left + left) * all.channels;
    return {corner, kWindow_px, kWindow_px, all.channels, all.stride};
  }
};

/// A strip from pixels to maps.
StripResult predict_strip(const RunPlan& plan, const SlideWindows& windows, const Strip& strip,
                          models::SessionPool& sessions, const CancelToken& cancel) {
  const TilePlan tiles = plan.tiles_of(strip);
  Image pixels = StripPixels(plan, windows, strip, tiles).read(cancel);
  StripResult result;
  result.pixels_left = result.pixels_top = tiles.margin;
  const bool changed = plan.options.stain == Stain::kIhcDab;
  if (changed && plan.options.measure) result.pixels = pixels;
  if (changed) tiles::keep_haematoxylin(pixels);
  result.maps = predict_tiled(sessions, tiles, pixels, kWindow_px, strip.width_px(), 1, cancel);
  if (!changed && plan.options.measure) result.pixels = std::move(pixels);
  return result;
}

/// Nuclei of one window in level-0 coordinates, those outside its core included. `left`: its first column in `strip`.
nuclei::NucleusList find_nuclei(const RunPlan& plan, const SlideWindows& windows, std::int64_t index,
                                const StripResult& strip, std::int64_t left, const CancelToken& cancel) {
  auto found = nuclei::postprocess(cut_window(strip.maps, left), plan.options.postprocess, cancel);
  if (plan.options.measure) measure_nuclei(found, strip.window(left), plan.options.stain, plan.length_unit());
  found.nuclei.transform(plan.scale_x, plan.scale_y, windows.left(index, 0), windows.top(index, 0),
                         plan.mpp * plan.mpp);
  return std::move(found.nuclei);
}

bool inside(const slide::Rect& region, float x, float y) {
  return x >= region.x && y >= region.y && x < region.x + region.width && y < region.y + region.height;
}

/// Windows that one thread takes at a time.
struct Job {
  Strip strip;
  std::int64_t turn = -1;  ///< which of the strips that are computed; -1: the journal has all of its windows
  bool restored() const { return turn < 0; }
};

/// All windows once, in order. Where strips do not matter to the result, only the windows that the journal lacks are
/// computed; otherwise whole strips are, as a run without a journal computes them.
std::vector<Job> jobs_of(const SlideWindows& windows, const RunPlan& plan, const RunJournal* journal) {
  std::vector<Job> jobs;
  std::int64_t turns = 0;
  for (const Strip& strip : windows.strips(plan.strip_windows)) {
    std::vector<bool> known;
    for (std::int64_t i = 0; i < strip.count; ++i) known.push_back(journal != nullptr && journal->has(strip.first + i));
    if (plan.tiles_matter()) known.assign(known.size(), std::ranges::all_of(known, std::identity{}));
    for (std::int64_t i = 0; i < strip.count; ++i) {
      const bool restored = known[static_cast<std::size_t>(i)];
      if (i > 0 && jobs.back().restored() == restored) {
        ++jobs.back().strip.count;
      } else {
        jobs.push_back({.strip = {strip.first + i, 1}, .turn = restored ? -1 : turns++});
      }
    }
  }
  return jobs;
}

class Run final : public SlideRun, public std::enable_shared_from_this<Run> {
 public:
  Run(RunPlan plan, const CancelToken& cancel)
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
    std::lock_guard lock(mutex_);
    auto all = plan_.notes;
    for (auto& warning : plan_.slide->warnings()) all.push_back(std::move(warning));
    return all;
  }

 private:
  /// Finds the tissue and lays out the windows; the first work of a run, off the caller's thread.
  void prepare() {
    try {
      RunPlan fitted = plan_;
      fit_into_memory(fitted);
      if (!fitted.options.checkpoint_folder.empty()) {
        journal_ = std::make_unique<RunJournal>(fitted.options.checkpoint_folder, identity_of(fitted), token_);
      }
      std::optional<tiles::TissueMask> mask = fitted.options.tissue;
      if (!mask && fitted.options.find_tissue) mask = tiles::find_tissue(*fitted.slide, 8, token_);
      auto windows = std::make_unique<SlideWindows>(*fitted.slide, fitted.scale_x, fitted.scale_y, fitted.region,
                                                    mask ? &*mask : nullptr, fitted.options.min_tissue);
      std::lock_guard lock(mutex_);
      plan_ = std::move(fitted);
      windows_ = std::move(windows);
      jobs_ = jobs_of(*windows_, plan_, journal_.get());
      std::vector<Strip> computed;
      for (const Job& job : jobs_) {
        if (!job.restored()) computed.push_back(job.strip);
      }
      const auto count = static_cast<std::int64_t>(computed.size());
      announcer_ = std::make_unique<tiles::RegionAnnouncer>(
          *plan_.slide, count, [this, strips = std::move(computed)](std::int64_t i) {
            const Strip& strip = strips[static_cast<std::size_t>(i)];
            return StripPixels(plan_, *windows_, strip, plan_.tiles_of(strip)).source();
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
        if (!step.batch) release();
        step.failure = failure_;
        step.progress = {.windows_done = delivered_,
                         .windows_total = windows_ ? windows_->count() : 0,
                         .windows_restored = restored_,
                         .nuclei = nuclei_};
        deliver = std::move(waiting_);
        waiting_ = nullptr;
      }
    }
    if (deliver) deliver(std::move(step));
  }

  /// The run is over: what it holds must not wait until the last reference to it is gone, which garbage collection
  /// decides. The next run may want the journal.
  void release() {
    journal_.reset();
    sessions_.clear();
    finished_.clear();
  }

  void start_strips() {
    const int threads = plan_.options.threads;
    const std::int64_t ahead = 2 * threads * kLargestStrip;
    while (active_ < threads && started_ < jobs_.size() && jobs_[started_].strip.first - delivered_ < ahead) {
      const std::size_t next = started_++;
      ++active_;
      Executor::instance().post([self = shared_from_this(), next] { self->work(next); });
    }
  }

  void work(std::size_t number) {
    std::exception_ptr failure;
    try {
      token_.throw_if_cancelled();
      const Job& job = jobs_[number];
      job.restored() ? restore(job.strip) : compute(job);
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

  void restore(const Strip& strip) {
    for (std::int64_t index = strip.first; index < strip.first + strip.count; ++index) {
      auto found = journal_->read(index);
      std::lock_guard lock(mutex_);
      finished_.emplace(index, std::move(found));
      ++restored_;
    }
  }

  void compute(const Job& job) {
    // Bytes of the next strips of a remote slide arrive while this one is computed.
    announcer_->before(job.turn, token_);
    const StripResult strip = predict_strip(plan_, *windows_, job.strip, sessions_, token_);
    for (std::int64_t i = 0; i < job.strip.count; ++i) {
      const std::int64_t index = job.strip.first + i;
      auto found = find_nuclei(plan_, *windows_, index, strip, i * kCore_px, token_);
      if (journal_ != nullptr && !journal_->has(index)) journal_->append(index, found);
      std::lock_guard lock(mutex_);
      finished_.emplace(index, std::move(found));
    }
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

  RunPlan plan_;  ///< fixed once work begins
  CancelSource stop_;
  const CancelToken token_;
  models::SessionPool sessions_;

  mutable std::mutex mutex_;  // guards everything below
  bool prepared_ = false;
  std::unique_ptr<SlideWindows> windows_;
  std::vector<Job> jobs_;                // like windows_, fixed once work begins
  std::unique_ptr<RunJournal> journal_;  // has its own lock, like the announcer
  std::unique_ptr<tiles::RegionAnnouncer> announcer_;
  std::map<std::int64_t, nuclei::NucleusList> finished_;
  nuclei::Stitcher stitcher_;
  std::function<void(Step)> waiting_;
  std::exception_ptr failure_;
  int active_ = 0;
  std::size_t started_ = 0;
  std::int64_t delivered_ = 0;
  std::int64_t restored_ = 0;
  std::int64_t nuclei_ = 0;
};

}  // namespace

std::shared_ptr<SlideRun> SlideRun::start(std::shared_ptr<const slide::Slide> slide,
                                          std::shared_ptr<const models::NucleiNetwork> network,
                                          const SegmentSlideOptions& options, const CancelToken& cancel) {
  return std::make_shared<Run>(make_run_plan(std::move(slide), std::move(network), options), cancel);
}

}  // namespace histojet::pipeline
