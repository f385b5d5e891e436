#pragma once

#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/cancel.hpp"
#include "models/nuclei_network.hpp"
#include "nuclei/nucleus_list.hpp"
#include "nuclei/postprocess.hpp"
#include "pipeline/predict_maps.hpp"
#include "slide/slide.hpp"
#include "tiles/tissue.hpp"

namespace histojet::pipeline {

struct SegmentSlideOptions {
  double mpp = 0;                     ///< resolution of the network's input; 0: the network's own
  std::optional<slide::Rect> region;  ///< level-0 pixels; default: the whole slide
  bool find_tissue = true;            ///< skip windows without tissue (mask made here unless given)
  std::optional<tiles::TissueMask> tissue;
  double min_tissue = 0;  ///< a window runs when its tissue share is above this
  /// Largest side of the network's tiles in px, margins included (see plan_tiles for small ones); 256…4096. Results
  /// depend on it only for a network that does not pad and postprocess.compat. 0: the network's slide_tile_px, or then
  /// the reference's tile.
  std::int64_t tile_size = 0;
  Stain stain = Stain::kHe;
  nuclei::PostprocessOptions postprocess;  ///< min_area_px is replaced when min_area_um2 is set
  std::optional<double> min_area_um2;
  bool measure = false;  ///< nuclei carry the columns of measure_nuclei() (pipeline/measurements.hpp)
  int threads = 0;       ///< strips of windows worked on at once; 0: all threads of the executor
  /// Resident memory of the process that the run must stay below; fewer threads, shorter strips and smaller tiles are
  /// taken to that end. 0: no ceiling.
  std::int64_t max_memory_bytes = 0;
  /// Folder for a journal of the windows that are done (see RunJournal); a run that finds its own there goes on from
  /// it, with the same result as one that was never interrupted. Empty: none.
  std::string checkpoint_folder;
  std::string checkpoint_key;  ///< says which weights and which version of the program; part of the journal's identity
};

struct RunProgress {
  std::int64_t windows_done = 0;
  std::int64_t windows_total = 0;
  std::int64_t windows_restored = 0;  ///< of those done: taken from the journal
  std::int64_t nuclei = 0;
};

/// What next() delivers: a batch, the end (no batch, no failure), or the reason why the run stopped.
struct Step {
  std::optional<nuclei::NucleusList> batch;
  std::exception_ptr failure;  ///< an Error, or Cancelled
  RunProgress progress;
};

/// Nuclei of a whole slide. Post-processing windows are fixed to the slide: cores of 1024 px at the network's
/// resolution with 64 px around them, starting at the slide's corner. Up to four neighbouring windows are decoded and
/// put through the network together (in tiles that are cut independently of the windows), then post-processed and
/// handed over by one thread of the executor, several such strips at once, so that all stages overlap; batches come in
/// raster order whatever the number of threads. Memory: one session, one strip of pixels and of maps per thread, plus
/// finished windows that wait for their turn (a bounded number).
class SlideRun {
 public:
  virtual ~SlideRun() = default;
  /// Validates and returns at once; work begins with the first next(), which also reports a ceiling of memory that is
  /// too low (kOutOfMemory) and a journal that cannot be used (kIo). A slide without mpp is refused;
  /// plain PNG and JPEG pictures are taken to have the network's. @throws Error kInvalidArgument (no mpp, mpp or tile
  /// size out of range, region outside the slide).
  static std::shared_ptr<SlideRun> start(std::shared_ptr<const slide::Slide> slide,
                                         std::shared_ptr<const models::NucleiNetwork> network,
                                         const SegmentSlideOptions& options, const CancelToken& cancel);
  /// Calls `done` exactly once, from a thread of the executor (or at once when a batch waits): the next batch that
  /// holds nuclei, level-0 coordinates, areas in square micrometres. One call at a time.
  virtual void next(std::function<void(Step)> done) = 0;
  /// Stops early; windows in flight end at their next check, then next() delivers Cancelled.
  virtual void stop() = 0;
  /// Notes for the user ("mpp 0.33 is resampled to 0.25", damaged tiles that were skipped).
  virtual std::vector<std::string> warnings() const = 0;
};

}  // namespace histojet::pipeline
