#pragma once

#include <atomic>
#include <memory>

namespace histojet {

/// Thrown by work that noticed its CancelToken; never an Error, because cancelling is not a failure.
struct Cancelled {};

/// Read side of a cancellation: long work asks it every few milliseconds (per tile, per block of rows).
/// A default token can never be cancelled. Cheap to copy; safe from any thread.
class CancelToken {
 public:
  using Flag = std::shared_ptr<const std::atomic<bool>>;

  CancelToken() = default;
  /// Cancelled when either flag is set: the caller's own, or that of the environment that is going away.
  explicit CancelToken(Flag caller, Flag environment = nullptr)
      : caller_(std::move(caller)), environment_(std::move(environment)) {}

  bool cancelled() const {
    return (caller_ && caller_->load(std::memory_order_relaxed)) ||
           (environment_ && environment_->load(std::memory_order_relaxed));
  }
  void throw_if_cancelled() const {
    if (cancelled()) throw Cancelled{};
  }

 private:
  Flag caller_;
  Flag environment_;
};

/// Write side: `cancel()` sets the flag of all tokens made from this source.
class CancelSource {
 public:
  void cancel() { flag_->store(true, std::memory_order_relaxed); }
  CancelToken token() const { return CancelToken(flag_); }
  CancelToken::Flag flag() const { return flag_; }

 private:
  std::shared_ptr<std::atomic<bool>> flag_ = std::make_shared<std::atomic<bool>>(false);
};

}  // namespace histojet
