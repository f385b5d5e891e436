#include "nuclei/flood.hpp"

#include <algorithm>
#include <bit>
#include <limits>
#include <span>

namespace histojet::nuclei {
namespace {

/// Buckets of the sort at most; beyond, several pixels share one.
constexpr std::size_t kMostBuckets = std::size_t{1} << 20;
/// Longer buckets are not sorted by insertion.
constexpr std::size_t kShort = 16;

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

void Flooder::collect(const Basin& basin) {
  const std::int32_t* labels = basin.labels.data();
  const auto stride = static_cast<std::size_t>(basin.stride), end = basin.labels.size() - stride;
  // Every pixel is written and only then kept or not: what a pixel is follows no pattern that a processor could guess.
  found_.resize(std::max(found_.size(), basin.labels.size()));
  std::size_t count = 0;
  for (std::size_t pixel = stride; pixel < end; ++pixel) {
    const std::int32_t* label = labels + pixel;
    found_[count] = {basin.values[pixel], static_cast<std::uint32_t>(pixel), 0};
    count += static_cast<std::size_t>((*label == 0) | ((*label > 0) & can_spread(label, basin.stride)));
  }
  found_count_ = count;
}

/// A bucket sort: as many buckets as pixels between the extremes, each sorted for itself.
void Flooder::sort() {
  const std::size_t count = found_count_;
  const std::span<Ranked> found = std::span(found_).first(count);
  double low = std::numeric_limits<double>::infinity(), high = -low;
  for (const Ranked& entry : found) {
    low = std::min(entry.value, low);
    high = std::max(entry.value, high);
  }
  const std::size_t buckets = std::min(std::bit_ceil(count + 1), kMostBuckets);
  const double width = high - low, scale = static_cast<double>(buckets - 1) / width;
  const auto by_value = [](const Ranked& a, const Ranked& b) { return a.value < b.value; };
  sorted_.resize(count);
  if (!(width > 0) || !(width <= std::numeric_limits<double>::max()) ||
      !(scale <= std::numeric_limits<double>::max())) {
    std::copy(found.begin(), found.end(), sorted_.begin());
    std::sort(sorted_.begin(), sorted_.end(), by_value);
    return;
  }
  const auto bucket_of = [&](double value) {
    return static_cast<std::uint32_t>(std::min((value - low) * scale, static_cast<double>(buckets - 1)));
  };
  counts_.assign(buckets + 1, 0);
  for (Ranked& entry : found) {
    entry.bucket = bucket_of(entry.value);
    ++counts_[entry.bucket + 1];
  }
  for (std::size_t i = 1; i <= buckets; ++i) counts_[i] += counts_[i - 1];
  for (const Ranked& entry : found) sorted_[counts_[entry.bucket]++] = entry;
  // counts_[i] now is the end of bucket i.
  for (std::size_t i = 0, start = 0; i < buckets; start = counts_[i++]) {
    const std::size_t end = counts_[i];
    if (end - start > kShort) {
      std::sort(sorted_.begin() + static_cast<std::ptrdiff_t>(start),
                sorted_.begin() + static_cast<std::ptrdiff_t>(end), by_value);
      continue;
    }
    for (std::size_t k = start + 1; k < end; ++k) {
      const Ranked entry = sorted_[k];
      std::size_t at = k;
      for (; at > start && entry.value < sorted_[at - 1].value; --at) sorted_[at] = sorted_[at - 1];
      sorted_[at] = entry;
    }
  }
}

bool Flooder::push_markers(const Basin& basin) {
  first_place_.resize(std::max(first_place_.size(), basin.labels.size()));
  at_place_.resize(std::max(at_place_.size(), sorted_.size()));
  taken_.assign(sorted_.size(), 0);
  queue_.reset(sorted_.size());
  std::uint32_t first = 0;
  for (std::uint32_t place = 0; place < sorted_.size(); ++place) {
    const Ranked& entry = sorted_[place];
    if (entry.value != sorted_[first].value) first = place;
    first_place_[entry.pixel] = first;
    if (basin.labels[entry.pixel] == 0) continue;
    if (taken_[first] > 0) return false;
    push(entry.pixel);
  }
  return true;
}

void Flooder::spread(Basin& basin) {
  const std::ptrdiff_t offsets[4] = {-basin.stride, -1, 1, basin.stride};
  std::int32_t* labels = basin.labels.data();
  while (!queue_.empty()) {
    const std::size_t place = queue_.smallest();
    queue_.erase(place);
    std::int32_t* const from = labels + at_place_[place];
    for (const std::ptrdiff_t offset : offsets) {
      std::int32_t* const to = from + offset;
      if (*to != 0) continue;
      *to = *from;
      if (can_spread(to, basin.stride)) push(static_cast<std::uint32_t>(to - labels));
    }
  }
}

void Flooder::spread_monotone(Basin& basin) {
  const std::ptrdiff_t offsets[4] = {-basin.stride, -1, 1, basin.stride};
  std::int32_t* labels = basin.labels.data();
  plateau_.clear();
  std::size_t next = 0;
  // First place of the value that is being flooded. Pixels that had it before are older than all raised to it.
  std::uint32_t level = 0;
  while (true) {
    const bool queued = !queue_.empty();
    const std::size_t place = queued ? queue_.smallest() : 0;
    std::uint32_t pixel = 0;
    if (queued && (next == plateau_.size() || first_place_[at_place_[place]] == level)) {
      pixel = at_place_[place];
      level = first_place_[pixel];
      queue_.erase(place);
    } else if (next < plateau_.size()) {
      pixel = plateau_[next++];
    } else {
      return;
    }
    std::int32_t* const from = labels + pixel;
    for (const std::ptrdiff_t offset : offsets) {
      std::int32_t* const to = from + offset;
      if (*to != 0) continue;
      *to = *from;
      if (!can_spread(to, basin.stride)) continue;
      const auto reached = static_cast<std::uint32_t>(to - labels);
      if (first_place_[reached] <= level) {
        plateau_.push_back(reached);
      } else {
        push(reached);
      }
    }
  }
}

bool Flooder::operator()(Basin& basin, bool monotone) {
  collect(basin);
  sort();
  if (!push_markers(basin)) return false;
  monotone ? spread_monotone(basin) : spread(basin);
  return true;
}

}  // namespace histojet::nuclei
