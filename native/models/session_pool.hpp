#pragma once

#include <cstdint>
#include <limits>
#include <map>
#include <memory>
#include <mutex>
#include <utility>

#include "models/nuclei_network.hpp"

namespace histojet::models {

/// Sessions of one network that threads borrow and give back, so that there are never more than run at once, whatever
/// their sizes, and that one which comes again finds its memory touched already. Safe from any thread.
class SessionPool {
 public:
  /// kept_bytes: what the sessions that nobody has may take together; more is freed when it is given back.
  explicit SessionPool(std::shared_ptr<const NucleiNetwork> network,
                       std::int64_t kept_bytes = std::numeric_limits<std::int64_t>::max())
      : network_(std::move(network)), kept_bytes_(kept_bytes) {}
  const NucleiNetwork& network() const { return *network_; }
  /// Frees the sessions that nobody has.
  void clear();
  std::unique_ptr<NucleiNetwork::Session> take(std::int64_t height, std::int64_t width);
  void give_back(std::int64_t height, std::int64_t width, std::unique_ptr<NucleiNetwork::Session> session);

 private:
  std::shared_ptr<const NucleiNetwork> network_;
  std::int64_t kept_bytes_;
  std::mutex mutex_;
  std::multimap<std::pair<std::int64_t, std::int64_t>, std::unique_ptr<NucleiNetwork::Session>> idle_;
};

}  // namespace histojet::models
