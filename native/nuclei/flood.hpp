#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "nuclei/components.hpp"
#include "nuclei/value_queue.hpp"

namespace histojet::nuclei {

/// A component of the mask cut out of the tile with a frame of one pixel, ready to be flooded.
struct Basin {
  Box box;                           ///< of the component, without the frame
  std::int64_t stride = 0;           ///< width of the box plus 2
  std::vector<double> values;        ///< [rows + 2, stride] the relief; the frame is never read
  std::vector<std::int32_t> labels;  ///< [rows + 2, stride] markers, 0 to flood, -1 outside the component
  /// Most values lie between these two: a hint, without which the flood is slower. The defaults are those of a relief.
  double low = -0.75;
  double high = 0.05;

  /// Places `box`, marks everything as outside.
  void reset(const Box& placed);
  std::int32_t* label_row(std::int64_t y) { return labels.data() + (y - box.y0 + 1) * stride + 1 - box.x0; }
  double* value_row(std::int64_t y) { return values.data() + (y - box.y0 + 1) * stride + 1; }
  /// Writes `label` into the pixels of `run`.
  void paint(const Run& run, std::int32_t label);
};

/// Floods components as `watershed` would, faster: pixels that cannot spread any more never enter the queue, and the
/// queue is no heap. Which of two marker pixels of equal value comes first follows from the very steps of the
/// reference's heap; here they go in raster order and it is checked that another order would change nothing. Keeps its
/// memory from basin to basin.
class Flooder {
 public:
  /// `monotone`: as for `watershed`. @returns false when the order of two marker pixels of equal value matters, which
  /// only `watershed` on the reference's own array knows, or when the values are crowded so that a heap is faster; the
  /// basin is then as it was.
  bool operator()(Basin& basin, bool monotone);

 private:
  /// Marker pixels of one value.
  struct Tie {
    double value;
    std::size_t count;
  };
  /// A pixel that got its label in the turn of one of several tied markers.
  struct Reached {
    std::uint32_t pixel;
    std::size_t turn;
  };
  /// What the turns of tied markers have done so far.
  struct Turns {
    std::size_t turn = 0;
    std::size_t earlier = 0;  ///< pixels reached in the turns before
    bool shared = false;      ///< two markers of one label could both have reached a pixel
    bool lower = false;       ///< some turn went on to lower values
  };

  void push_markers(const Basin& basin);
  void spread_from(std::int32_t* labels, std::ptrdiff_t stride, std::uint32_t pixel);
  bool spread(const Basin& basin);
  bool spread_tied(const Basin& basin);
  bool take_turns(const Basin& basin, const Tie& tie);
  bool take_step(const Basin& basin, std::uint32_t pixel, Turns& turns);
  bool spread_monotone(const Basin& basin);
  std::int32_t* work_labels(const Basin& basin) { return work_.data() + basin.stride; }
  /// The front is so crowded that the queue is slower than a heap.
  bool crowded() const { return queue_.steps() > most_steps_; }

  ValueQueue queue_;
  std::size_t most_steps_ = 0;
  std::vector<std::uint64_t> front_;    ///< one bit per pixel: a marker's that can spread
  std::vector<std::int32_t> work_;      ///< the labels with a row more on either side
  std::vector<double> tied_;            ///< values of marker pixels that came to one of equal value
  std::vector<Tie> ties_;               ///< the same, counted and sorted
  std::vector<Reached> reached_;        ///< by the tied markers whose turns it is
  std::vector<std::uint32_t> plateau_;  ///< of the monotone rule: pixels raised to the value that is being flooded
};

}  // namespace histojet::nuclei
