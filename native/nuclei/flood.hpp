#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "nuclei/components.hpp"
#include "nuclei/slot_set.hpp"

namespace histojet::nuclei {

/// A component of the mask cut out of the tile with a frame of one pixel, ready to be flooded.
struct Basin {
  Box box;                           ///< of the component, without the frame
  std::int64_t stride = 0;           ///< width of the box plus 2
  std::vector<double> values;        ///< [rows + 2, stride] the relief; the frame is never read
  std::vector<std::int32_t> labels;  ///< [rows + 2, stride] markers, 0 to flood, -1 outside the component

  /// Places `box`, marks everything as outside.
  void reset(const Box& placed);
  std::int32_t* label_row(std::int64_t y) { return labels.data() + (y - box.y0 + 1) * stride + 1 - box.x0; }
  double* value_row(std::int64_t y) { return values.data() + (y - box.y0 + 1) * stride + 1; }
  /// Writes `label` into the pixels of `run`.
  void paint(const Run& run, std::int32_t label);
};

/// Floods components as `watershed` would, faster (spec section 13.6): pixels that cannot spread any more never enter
/// the queue, and the queue is no heap. The values are sorted once; every pixel gets the first place of its value in
/// that order, and the queue is a set of places. Of a value that several pixels share, the places are taken in the
/// order of the pushes, which is the order of age. Keeps its memory from basin to basin.
class Flooder {
 public:
  /// `monotone`: as for `watershed`. @returns false when two marker pixels of equal value compete, whose order only
  /// `watershed` on the reference's own array knows; the basin is then untouched.
  bool operator()(Basin& basin, bool monotone);

 private:
  struct Ranked {
    double value;
    std::uint32_t pixel;
    std::uint32_t bucket;  ///< of the sort
  };

  void collect(const Basin& basin);
  void sort();
  bool push_markers(const Basin& basin);
  void spread(Basin& basin);
  void spread_monotone(Basin& basin);
  void push(std::uint32_t pixel) {
    const std::uint32_t first = first_place_[pixel], place = first + taken_[first]++;
    at_place_[place] = pixel;
    queue_.insert(place);
  }

  std::vector<Ranked> found_;               ///< pixels that may enter the queue, in raster order
  std::size_t found_count_ = 0;             ///< how many of them there are
  std::vector<Ranked> sorted_;              ///< the same by value
  std::vector<std::uint32_t> counts_;       ///< scratch of the sort
  std::vector<std::uint32_t> first_place_;  ///< [basin] of a pixel's value; of pixels in `sorted_` only
  std::vector<std::uint32_t> taken_;        ///< [places] at the first place of a value: how many pixels were pushed
  std::vector<std::uint32_t> at_place_;     ///< [places] the pixel that took a place
  std::vector<std::uint32_t> plateau_;      ///< of the monotone rule: pixels raised to the value that is being flooded
  SlotSet queue_;
};

}  // namespace histojet::nuclei
