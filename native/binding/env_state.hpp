#pragma once

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <functional>
#include <memory>
#include <mutex>
#include <vector>

#include "binding/napi.hpp"
#include "histojet/base.hpp"

namespace histojet::binding {

/// Something that waits to be told to JavaScript. Made on the JavaScript thread, filled on any, settled on the first.
class Completion {
 public:
  virtual ~Completion() = default;
  /// On the JavaScript thread; deleted afterwards.
  virtual void settle(Napi::Env env) noexcept = 0;
  /// The environment is gone: frees what does not belong to it. The object itself stays allocated for ever, because
  /// the references in it can be deleted neither by another thread nor after the environment.
  virtual void abandon() noexcept = 0;
};

/// Stands between the threads of the executor and one JavaScript environment (the main thread or a Worker), which may
/// end at any moment. After `shut_down` nothing touches N-API any more.
class Gate {
 public:
  explicit Gate(Napi::Env env);

  /// Set when the environment goes away; part of the token of every job.
  CancelToken::Flag ending() const { return ending_; }

  /// JavaScript thread: a promise is open, so the event loop must stay alive.
  void hold(Napi::Env env);
  void release(Napi::Env env);

  /// Executor thread: a job begins. False when the environment is gone; the job must then do nothing.
  bool enter();
  void leave();

  /// Any thread: settles `completion` on the JavaScript thread, or abandons it when there is none any more.
  void deliver(Completion* completion) noexcept;

  /// JavaScript thread: `action` runs when the environment goes away, unless its owner has let go of it before; it
  /// releases threads that wait for JavaScript.
  void at_end(const std::shared_ptr<std::function<void()>>& action);

  /// Environment cleanup hook: cancels all jobs and returns when those that run have noticed.
  void shut_down();

 private:
  static void settle(Napi::Env env, Napi::Function, std::nullptr_t*, Completion* completion);
  using ThreadSafeFunction = Napi::TypedThreadSafeFunction<std::nullptr_t, Completion, &Gate::settle>;

  std::shared_ptr<std::atomic<bool>> ending_ = std::make_shared<std::atomic<bool>>(false);
  int open_promises_ = 0;  // JavaScript thread only, and so are the actions
  std::vector<std::weak_ptr<std::function<void()>>> end_actions_;
  std::mutex mutex_;
  std::condition_variable idle_;
  bool alive_ = true;  // the three below: guarded by mutex_
  int running_ = 0;
  ThreadSafeFunction function_;
};

/// Creates the gate of a new environment; called once from the module's initialiser.
void open_gate(Napi::Env env);

/// The gate of the environment.
std::shared_ptr<Gate> gate_of(Napi::Env env);

}  // namespace histojet::binding
