#include "models/session_pool.hpp"

namespace histojet::models {

std::unique_ptr<NucleiNetwork::Session> SessionPool::take(std::int64_t height, std::int64_t width) {
  {
    std::lock_guard lock(mutex_);
    const auto found = idle_.find({height, width});
    if (found != idle_.end()) {
      auto session = std::move(found->second);
      idle_.erase(found);
      return session;
    }
    // Strips come in several widths, and a session holds hundreds of megabytes: one of another size makes room.
    if (!idle_.empty()) idle_.erase(idle_.begin());
  }
  return network_->make_session(height, width);
}

void SessionPool::clear() {
  std::lock_guard lock(mutex_);
  idle_.clear();
}

void SessionPool::give_back(std::int64_t height, std::int64_t width, std::unique_ptr<NucleiNetwork::Session> session) {
  std::lock_guard lock(mutex_);
  std::int64_t bytes = session->memory_bytes();
  for (const auto& [size, idle] : idle_) bytes += idle->memory_bytes();
  if (bytes <= kept_bytes_) idle_.emplace(std::pair(height, width), std::move(session));
}

}  // namespace histojet::models
