#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "writers/json_text.hpp"

namespace histojet::writers {

/// How often each place occurred: a hash table with room for one generation of nuclei, at most half full.
class PlaceCounts {
 public:
  explicit PlaceCounts(std::size_t most) : slots_(2 * most) {}
  std::size_t size() const { return size_; }
  /// Count of the place before this call, then one more; a place that is new here begins at `start`.
  std::uint32_t next(std::uint64_t place, std::uint32_t start);
  std::uint32_t find(std::uint64_t place) const;
  void clear();

 private:
  struct Slot {
    std::uint64_t place = 0;
    std::uint32_t count = 0;
    bool used = false;
  };
  std::vector<Slot> slots_;
  std::size_t size_ = 0;
};

/// Names nuclei: UUID version 5 over slide fingerprint, weights hash, centroid rounded to whole pixels and, where
/// several nuclei share that pixel, their rank. Equal runs give equal ids. Ranks are counted over at least the last
/// 65 536 nuclei, so memory stays bounded; nuclei of one place follow one another closely in every output.
class NucleusIdentity {
 public:
  NucleusIdentity(const std::string& fingerprint, const std::string& weights_hash);
  std::array<char, 36> next_text(double centroid_x, double centroid_y);
  /// The same as a string.
  std::string next_id(double centroid_x, double centroid_y);

 private:
  static constexpr std::size_t kGeneration = 1 << 16;
  std::uint32_t next_rank(std::uint64_t place);

  std::string prefix_;
  JsonText name_;
  PlaceCounts recent_{kGeneration};
  PlaceCounts older_{kGeneration};
};

}  // namespace histojet::writers
