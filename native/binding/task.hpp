#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>
#include <variant>

#include "binding/env_state.hpp"
#include "binding/errors.hpp"
#include "binding/napi.hpp"
#include "histojet/base.hpp"

namespace histojet::binding {

/// A promise whose result comes from another thread. `Convert` turns the result into a value on the JavaScript thread.
template <class Result, class Convert>
class Settlement : public Completion {
 public:
  Settlement(Napi::Env env, std::shared_ptr<Gate> gate, Convert convert)
      : deferred_(Napi::Promise::Deferred::New(env)), gate_(std::move(gate)), convert_(std::move(convert)) {
    gate_->hold(env);
  }

  Napi::Value promise() const { return deferred_.Promise(); }
  const std::shared_ptr<Gate>& gate() const { return gate_; }

  /// Any thread, one of the two once, before the gate delivers this object.
  void hold(Result result) { result_.emplace(std::move(result)); }
  void hold_failure(std::exception_ptr failure) noexcept { failure_ = std::move(failure); }

  void settle(Napi::Env env) noexcept override {
    // Every call may fail once the environment is being torn down (a Worker that is terminated): nobody waits for the
    // promise then.
    try {
      gate_->release(env);
      try {
        if (failure_) {
          deferred_.Reject(to_js_error(env, failure_).Value());
        } else {
          deferred_.Resolve(convert_(env, std::move(*result_)));
        }
      } catch (const Napi::Error& error) {
        deferred_.Reject(error.Value());
      } catch (...) {
        deferred_.Reject(to_js_error(env, std::current_exception()).Value());
      }
    } catch (...) {
    }
  }

  void abandon() noexcept override { result_.reset(); }

 private:
  Napi::Promise::Deferred deferred_;
  std::shared_ptr<Gate> gate_;
  Convert convert_;
  std::optional<Result> result_;
  std::exception_ptr failure_;
};

/// The result type of work that returns nothing.
using Nothing = std::monostate;

/// What `work` returns; void counts as Nothing.
template <class Work>
using Returned = std::invoke_result_t<Work&, const CancelToken&>;
template <class Work>
using ResultOf = std::conditional_t<std::is_void_v<Returned<Work>>, Nothing, Returned<Work>>;

/// Work on its way through the executor, and its promise: one allocation for both.
template <class Work, class Convert>
class Job final : public Settlement<ResultOf<Work>, Convert> {
  using Base = Settlement<ResultOf<Work>, Convert>;

 public:
  Job(Napi::Env env, std::shared_ptr<Gate> gate, CancelToken::Flag caller, Work work, Convert convert)
      : Base(env, gate, std::move(convert)), token_(std::move(caller), gate->ending()), work_(std::move(work)) {}

  /// Executor thread, once: the object belongs to the gate afterwards.
  void run() noexcept {
    const std::shared_ptr<Gate> gate = this->gate();  // outlives this object
    if (!gate->enter()) {
      abandon();
      return;
    }
    try {
      const CancelScope scope(token_);
      token_.throw_if_cancelled();
      if constexpr (std::is_void_v<Returned<Work>>) {
        (*work_)(token_);
        this->hold({});
      } else {
        this->hold((*work_)(token_));
      }
    } catch (...) {
      this->hold_failure(std::current_exception());
    }
    work_.reset();
    gate->deliver(this);
    gate->leave();
  }

  void abandon() noexcept override {
    work_.reset();
    Base::abandon();
  }

 private:
  CancelToken token_;
  std::optional<Work> work_;
};

/// Runs `work(token)` on the executor and returns a promise of `convert(env, result)`. `caller` is the flag of the
/// caller's cancel source, or null; the token also ends with the environment. `work` must not hold references to
/// JavaScript values; its captures are freed on the executor before the promise settles. `convert` may hold some.
template <class Work, class Convert>
Napi::Value spawn(const Napi::CallbackInfo& info, CancelToken::Flag caller, Work work, Convert convert) {
  auto* job =
      new Job<Work, Convert>(info.Env(), gate_of(info.Env()), std::move(caller), std::move(work), std::move(convert));
  const Napi::Value promise = job->promise();
  Executor::instance().post([job] { job->run(); });  // one pointer: the task needs no memory of its own
  return promise;
}

/// `spawn` for work without a result: a promise of undefined.
template <class Work>
Napi::Value spawn(const Napi::CallbackInfo& info, CancelToken::Flag caller, Work work) {
  return spawn(info, std::move(caller), std::move(work), [](Napi::Env env, Nothing) { return env.Undefined(); });
}

/// A promise of `convert(env, result)` for work that announces its result by a callback: `start(done)` begins it, and
/// `done(result)` must be called exactly once, from any thread. When `start` throws, the promise rejects.
template <class Result, class Start, class Convert>
Napi::Value defer(const Napi::CallbackInfo& info, Start start, Convert convert) {
  auto* settlement = new Settlement<Result, Convert>(info.Env(), gate_of(info.Env()), std::move(convert));
  const Napi::Value promise = settlement->promise();
  // The object may be gone before deliver() returns, and the gate with it.
  const auto deliver = [](Settlement<Result, Convert>* done) {
    const std::shared_ptr<Gate> gate = done->gate();
    gate->deliver(done);
  };
  try {
    start([settlement, deliver](Result result) {
      settlement->hold(std::move(result));
      deliver(settlement);
    });
  } catch (...) {
    settlement->hold_failure(std::current_exception());
    deliver(settlement);
  }
  return promise;
}

}  // namespace histojet::binding
