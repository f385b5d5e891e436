#include "writers/nucleus_identity.hpp"

#include <algorithm>
#include <cmath>
#include <span>
#include <utility>

#include "base/digest.hpp"

namespace histojet::writers {

NucleusIdentity::NucleusIdentity(const std::string& fingerprint, const std::string& weights_hash) {
  Sha256 run;
  run.update(fingerprint + '\n' + weights_hash);
  // Sixteen bytes instead of two long hashes: a name then fits one block of SHA-1.
  const auto digest = run.finish();
  for (const std::uint8_t byte : std::span(digest).first(16)) prefix_ += static_cast<char>(byte);
}

std::uint32_t PlaceCounts::next(std::uint64_t place, std::uint32_t start) {
  const std::size_t mask = slots_.size() - 1;
  std::size_t at = (place * 0x9e3779b97f4a7c15u) >> 32 & mask;
  while (slots_[at].used && slots_[at].place != place) at = (at + 1) & mask;
  Slot& slot = slots_[at];
  if (!slot.used) {
    slot = {place, start, true};
    ++size_;
  }
  return slot.count++;
}

std::uint32_t PlaceCounts::find(std::uint64_t place) const {
  const std::size_t mask = slots_.size() - 1;
  std::size_t at = (place * 0x9e3779b97f4a7c15u) >> 32 & mask;
  while (slots_[at].used && slots_[at].place != place) at = (at + 1) & mask;
  return slots_[at].used ? slots_[at].count : 0;
}

void PlaceCounts::clear() {
  std::ranges::fill(slots_, Slot{});
  size_ = 0;
}

std::uint32_t NucleusIdentity::next_rank(std::uint64_t place) {
  if (recent_.size() >= kGeneration) {
    std::swap(older_, recent_);
    recent_.clear();
  }
  return recent_.next(place, older_.find(place));
}

std::array<char, 36> NucleusIdentity::next_text(double centroid_x, double centroid_y) {
  const auto x = static_cast<std::int64_t>(std::floor(centroid_x));
  const auto y = static_cast<std::int64_t>(std::floor(centroid_y));
  const std::uint32_t rank =
      next_rank((static_cast<std::uint64_t>(x) << 32) ^ (static_cast<std::uint64_t>(y) & 0xffffffff));
  name_.clear();
  name_.put(prefix_);
  name_.integer(x);
  name_.put(' ');
  name_.integer(y);
  name_.put(' ');
  name_.integer(rank);
  return uuid_text(name_.view());
}

std::string NucleusIdentity::next_id(double centroid_x, double centroid_y) {
  const std::array<char, 36> text = next_text(centroid_x, centroid_y);
  return {text.data(), text.size()};
}

}  // namespace histojet::writers
