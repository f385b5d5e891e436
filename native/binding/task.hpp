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
class Settlement final : public Completion {
 public:
  Settlement(Napi::Env env, std::shared_ptr<Gate> gate, Convert convert)
      : deferred_(Napi::Promise::Deferred::New(env)), gate_(std::move(gate)), convert_(std::move(convert)) {
    gate_->hold(env);
  }

  Napi::Value promise() const { return deferred_.Promise(); }
  Gate& gate() const { return *gate_; }

  /// Any thread, once: the object belongs to the gate afterwards.
  void succeed(Result result) noexcept {
    result_.emplace(std::move(result));
    deliver();
  }
  void fail(std::exception_ptr failure) noexcept {
    failure_ = std::move(failure);
    deliver();
  }

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
  void deliver() noexcept {
    const std::shared_ptr<Gate> gate = gate_;  // this object may be deleted before deliver() returns
    gate->deliver(this);
  }

  Napi::Promise::Deferred deferred_;
  std::shared_ptr<Gate> gate_;
  Convert convert_;
  std::optional<Result> result_;
  std::exception_ptr failure_;
};

/// The result type of work that returns nothing.
using Nothing = std::monostate;

/// Runs `work(token)` on the executor and returns a promise of `convert(env, result)`. `caller` is the flag of the
/// caller's cancel source, or null; the token also ends with the environment. `work` must not hold references to
/// JavaScript values; its captures are freed on the executor before the promise settles. `convert` may hold some.
template <class Work, class Convert>
Napi::Value spawn(const Napi::CallbackInfo& info, CancelToken::Flag caller, Work work, Convert convert) {
  using Returned = std::invoke_result_t<Work&, const CancelToken&>;
  using Result = std::conditional_t<std::is_void_v<Returned>, Nothing, Returned>;
  const std::shared_ptr<Gate> gate = gate_of(info.Env());
  auto* settlement = new Settlement<Result, Convert>(info.Env(), gate, std::move(convert));
  const Napi::Value promise = settlement->promise();
  const CancelToken token(std::move(caller), gate->ending());
  // shared_ptr: the executor's tasks must be copyable.
  Executor::instance().post([gate, settlement, token, work = std::make_shared<std::optional<Work>>(std::move(work))] {
    if (!gate->enter()) {
      settlement->abandon();
      return;
    }
    std::optional<Result> result;
    std::exception_ptr failure;
    try {
      const CancelScope scope(token);
      token.throw_if_cancelled();
      if constexpr (std::is_void_v<Returned>) {
        (**work)(token);
        result.emplace();
      } else {
        result.emplace((**work)(token));
      }
    } catch (...) {
      failure = std::current_exception();
    }
    work->reset();
    if (failure) {
      settlement->fail(failure);
    } else {
      settlement->succeed(std::move(*result));
    }
    gate->leave();
  });
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
  try {
    start([settlement](Result result) { settlement->succeed(std::move(result)); });
  } catch (...) {
    settlement->fail(std::current_exception());
  }
  return promise;
}

}  // namespace histojet::binding
