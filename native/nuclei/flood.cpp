#include "nuclei/flood.hpp"

#include <algorithm>
#include <bit>

#include "kernels/nuclei_maps/flood_front.hpp"

namespace histojet::nuclei {
namespace {

/// Pixels that tied markers may reach before their order counts as one that matters.
constexpr std::size_t kMostReached = 256;

bool can_spread(const std::int32_t* label, std::ptrdiff_t stride) {
  return (label[-stride] == 0) | (label[-1] == 0) | (label[1] == 0) | (label[stride] == 0);
}

}  // namespace

void Basin::reset(const Box& placed) {
  box = placed;
  stride = box.x1 - box.x0 + 2;
  const std::size_t size = static_cast<std::size_t>((box.y1 - box.y0 + 2) * stride);
  values.resize(size);
  labels.assign(size, -1);
}

void Basin::paint(const Run& run, std::int32_t label) {
  std::fill(label_row(run.row) + run.start, label_row(run.row) + run.end, label);
}

void Flooder::push_markers(const Basin& basin) {
  queue_.reset(basin.values.data(), basin.values.size(), basin.low, basin.high);
  tied_.clear();
  const std::size_t first = static_cast<std::size_t>(basin.stride), count = basin.labels.size() - 2 * first;
  front_.resize(std::max(front_.size(), count / 64 + 1));
  kernels::kFloodFront.pick(active_isa())(
      {basin.labels.data() + first, basin.stride, static_cast<std::int64_t>(count), front_.data()});
  for (std::size_t word = 0; 64 * word < count && !crowded(); ++word) {
    for (std::uint64_t bits = front_[word]; bits != 0; bits &= bits - 1) {
      const std::size_t pixel = first + 64 * word + static_cast<std::size_t>(std::countr_zero(bits));
      if (queue_.push(static_cast<std::uint32_t>(pixel))) tied_.push_back(basin.values[pixel]);
    }
  }
}

/// Few branches: which neighbours are open follows no pattern that a processor could guess. None of the four is next to
/// another one, so that all can be looked at before any is written.
[[gnu::always_inline]] inline void Flooder::spread_from(std::int32_t* labels, std::ptrdiff_t stride,
                                                        std::uint32_t pixel) {
  std::int32_t* const from = labels + pixel;
  const std::int32_t label = *from;
  // Which neighbours are pushed is known late, and their values are seldom in the nearest cache.
  queue_.prefetch(pixel - static_cast<std::size_t>(stride));
  queue_.prefetch(pixel + static_cast<std::size_t>(stride));
  const auto open = [from](std::ptrdiff_t offset) { return static_cast<unsigned>(from[offset] == 0); };
  const std::ptrdiff_t offsets[4] = {-stride, -1, 1, stride};
  const unsigned up_left = open(-stride - 1), up_right = open(-stride + 1);
  const unsigned down_left = open(stride - 1), down_right = open(stride + 1);
  const unsigned beyond[4] = {open(-2 * stride) | up_left | up_right, open(-2) | up_left | down_left,
                              open(2) | up_right | down_right, open(2 * stride) | down_left | down_right};
  std::uint32_t spreading[4];
  unsigned count = 0;
#pragma GCC unroll 4
  for (int k = 0; k < 4; ++k) {
    std::int32_t* const to = from + offsets[k];
    const unsigned reached = open(offsets[k]);
    *to = reached != 0 ? label : *to;
    spreading[count] = static_cast<std::uint32_t>(to - labels);
    count += reached & beyond[k];
  }
  for (unsigned i = 0; i < count; ++i) queue_.push(spreading[i]);
}

bool Flooder::spread(const Basin& basin) {
  std::int32_t* const labels = work_labels(basin);
  while (!queue_.empty()) {
    spread_from(labels, basin.stride, queue_.pop());
    if (crowded()) return false;
  }
  return true;
}

bool Flooder::spread_tied(const Basin& basin) {
  std::int32_t* const labels = work_labels(basin);
  std::sort(tied_.begin(), tied_.end());
  ties_.clear();
  for (const double value : tied_) {
    if (ties_.empty() || ties_.back().value != value) ties_.push_back({value, 1});
    ++ties_.back().count;
  }
  while (!queue_.empty()) {
    if (crowded()) return false;
    const double value = basin.values[queue_.top()];
    const auto tie = std::lower_bound(ties_.begin(), ties_.end(), value,
                                      [](const Tie& lower, double wanted) { return lower.value < wanted; });
    if (tie != ties_.end() && tie->value == value && tie->count > 0) {
      if (!take_turns(basin, *tie)) return false;
      // Pixels of this value that come later are no markers.
      tie->count = 0;
      continue;
    }
    spread_from(labels, basin.stride, queue_.pop());
  }
  return true;
}

/// The tied markers come first in the queue. The turn of one ends when the values below its own are flooded. Two turns
/// can change places if neither looks at a pixel that the other one reaches, and if no two pixels of equal value that
/// they leave in the queue differ in age only by it.
bool Flooder::take_turns(const Basin& basin, const Tie& tie) {
  reached_.clear();
  Turns turns;
  for (; turns.turn < tie.count; ++turns.turn) {
    turns.earlier = reached_.size();
    if (!take_step(basin, queue_.pop(), turns)) return false;
    while (!queue_.empty() && basin.values[queue_.top()] < tie.value) {
      turns.lower = true;
      if (!take_step(basin, queue_.pop(), turns)) return false;
    }
  }
  // Markers of one label may reach the same pixel, but not if one of them floods on from there before the others.
  if (turns.shared && turns.lower) return false;
  for (std::size_t i = 0; i < reached_.size(); ++i) {
    const double value = basin.values[reached_[i].pixel];
    if (value < tie.value) continue;
    for (std::size_t k = 0; k < i; ++k) {
      if (basin.values[reached_[k].pixel] == value && (turns.shared || reached_[k].turn != reached_[i].turn))
        return false;
    }
  }
  return true;
}

/// Spreads `pixel`. What cannot spread is pushed as well: it might, were the order another one.
bool Flooder::take_step(const Basin& basin, std::uint32_t pixel, Turns& turns) {
  const std::ptrdiff_t offsets[4] = {-basin.stride, -1, 1, basin.stride};
  std::int32_t* const labels = work_labels(basin);
  std::int32_t* const from = labels + pixel;
  for (const std::ptrdiff_t offset : offsets) {
    std::int32_t* const to = from + offset;
    const auto place = static_cast<std::uint32_t>(to - labels);
    if (*to == 0) {
      if (reached_.size() == kMostReached) return false;
      *to = *from;
      queue_.push(place);
      reached_.push_back({place, turns.turn});
      continue;
    }
    const bool contested = std::any_of(reached_.begin(), reached_.begin() + static_cast<std::ptrdiff_t>(turns.earlier),
                                       [&](const Reached& reached) { return reached.pixel == place; });
    if (!contested) continue;
    if (*to != *from) return false;
    turns.shared = true;
  }
  return true;
}

bool Flooder::spread_monotone(const Basin& basin) {
  const std::ptrdiff_t offsets[4] = {-basin.stride, -1, 1, basin.stride};
  const double* values = basin.values.data();
  std::int32_t* const labels = work_labels(basin);
  plateau_.clear();
  std::size_t next = 0;
  // The value that is being flooded. Pixels that had it before are older than all raised to it.
  double level = 0;
  while (true) {
    const bool queued = !queue_.empty();
    std::uint32_t pixel = 0;
    if (queued && (next == plateau_.size() || values[queue_.top()] == level)) {
      pixel = queue_.pop();
      level = values[pixel];
    } else if (next < plateau_.size()) {
      pixel = plateau_[next++];
    } else {
      return true;
    }
    std::int32_t* const from = labels + pixel;
    for (const std::ptrdiff_t offset : offsets) {
      std::int32_t* const to = from + offset;
      if (*to != 0) continue;
      *to = *from;
      if (!can_spread(to, basin.stride)) continue;
      const auto reached = static_cast<std::uint32_t>(to - labels);
      if (values[reached] <= level) {
        plateau_.push_back(reached);
      } else {
        queue_.push(reached);
      }
    }
    if (crowded()) return false;
  }
}

bool Flooder::operator()(Basin& basin, bool monotone) {
  most_steps_ = 16 * basin.labels.size();
  push_markers(basin);
  if (crowded() || (monotone && !tied_.empty())) return false;
  const std::size_t size = basin.labels.size(), margin = static_cast<std::size_t>(basin.stride);
  if (work_.size() < size + 2 * margin) work_.resize(size + 2 * margin);
  std::int32_t* const labels = work_labels(basin);
  std::fill_n(labels - margin, margin, -1);
  std::copy_n(basin.labels.data(), size, labels);
  std::fill_n(labels + size, margin, -1);
  if (!(monotone ? spread_monotone(basin) : tied_.empty() ? spread(basin) : spread_tied(basin))) return false;
  std::copy_n(labels, size, basin.labels.data());
  return true;
}

}  // namespace histojet::nuclei
