#pragma once

#include <cstdint>
#include <functional>
#include <mutex>

#include "base/cancel.hpp"
#include "slide/slide.hpp"

namespace histojet::tiles {

/// Announces a sequence of regions to a remote slide while they are being read, so that tiles of neighbouring regions
/// share requests and bytes come before they are needed; see slide::Slide::announce. Regions are announced in groups
/// whose stored tiles have about 8 million pixels: the group that is being read and the next one, so that both fit what
/// a source keeps. Does nothing for local slides. For any number of threads.
class RegionAnnouncer {
 public:
  /// What is read from the slide for the item `index` of the sequence.
  using RegionOf = std::function<slide::RegionRequest(std::int64_t index)>;

  /// `slide` must outlive the announcer; `region_of` is called for each of the `count` items once at most, in order.
  RegionAnnouncer(const slide::Slide& slide, std::int64_t count, RegionOf region_of);

  /// To be called before item `index` is read; items should be started about in order. Returns without waiting for the
  /// bytes. What else goes wrong here shows at the read. @throws Cancelled.
  void before(std::int64_t index, const CancelToken& cancel);

 private:
  void announce_group(const CancelToken& cancel);

  const slide::Slide& slide_;
  const std::int64_t count_;
  const RegionOf region_of_;
  std::mutex mutex_;          // guards what follows
  std::int64_t newest_ = 0;   ///< first item of the newest announced group
  std::int64_t pending_ = 0;  ///< first item that is not announced
};

}  // namespace histojet::tiles
