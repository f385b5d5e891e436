#pragma once

#include <array>
#include <atomic>
#include <memory>
#include <utility>

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
  explicit CancelToken(Flag caller, Flag environment = nullptr) : flags_{std::move(caller), std::move(environment)} {}

  /// A token that a third flag cancels too (the run that the work belongs to). Holds one such flag.
  CancelToken joined_with(Flag run) const {
    CancelToken token = *this;
    token.flags_[2] = std::move(run);
    return token;
  }

  bool cancelled() const {
    for (const Flag& flag : flags_) {
      if (flag && flag->load(std::memory_order_relaxed)) return true;
    }
    return false;
  }
  void throw_if_cancelled() const {
    if (cancelled()) throw Cancelled{};
  }

 private:
  std::array<Flag, 3> flags_;
};

/// Names the token that waits on this thread obey while the scope lives. For code that sits too deep to be handed one:
/// a parser or a codec whose bytes come over the network blocks in ByteSource::read_at. Scopes nest; `token` must
/// outlive its scope.
class CancelScope {
 public:
  explicit CancelScope(const CancelToken& token) : outer_(std::exchange(current_, &token)) {}
  ~CancelScope() { current_ = outer_; }
  CancelScope(const CancelScope&) = delete;
  CancelScope& operator=(const CancelScope&) = delete;

  /// The innermost token of this thread; without a scope one that can never be cancelled.
  static CancelToken current() { return current_ == nullptr ? CancelToken() : *current_; }

 private:
  static inline thread_local const CancelToken* current_ = nullptr;
  const CancelToken* outer_;
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
