#include "binding/env_state.hpp"

namespace histojet::binding {

namespace {

struct EnvState {
  std::shared_ptr<Gate> gate;
};

}  // namespace

Gate::Gate(Napi::Env env) : function_(ThreadSafeFunction::New(env, "histojet", 0, 1)) {
  function_.Unref(env);
}

void Gate::hold(Napi::Env env) {
  if (open_promises_++ == 0) function_.Ref(env);
}

void Gate::release(Napi::Env env) {
  if (--open_promises_ == 0) function_.Unref(env);
}

bool Gate::enter() {
  std::lock_guard lock(mutex_);
  if (alive_) ++running_;
  return alive_;
}

void Gate::leave() {
  std::lock_guard lock(mutex_);
  if (--running_ == 0) idle_.notify_all();
}

void Gate::deliver(Completion* completion) noexcept {
  {
    std::lock_guard lock(mutex_);
    if (alive_ && function_.NonBlockingCall(completion) == napi_ok) return;
  }
  completion->abandon();  // may free what delivers something itself
}

void Gate::at_end(const std::shared_ptr<std::function<void()>>& action) {
  std::erase_if(end_actions_, [](const auto& known) { return known.expired(); });
  end_actions_.push_back(action);
}

void Gate::shut_down() {
  ending_->store(true, std::memory_order_relaxed);
  {
    std::lock_guard lock(mutex_);
    if (alive_) {
      alive_ = false;
      function_.Release();
    }
  }
  for (const auto& known : end_actions_) {
    if (const auto action = known.lock()) (*action)();
  }
  std::unique_lock lock(mutex_);
  idle_.wait(lock, [this] { return running_ == 0; });
}

void Gate::settle(Napi::Env env, Napi::Function, std::nullptr_t*, Completion* completion) {
  if (static_cast<napi_env>(env) == nullptr) {
    completion->abandon();
    return;
  }
  completion->settle(env);
  delete completion;
}

void open_gate(Napi::Env env) {
  auto* state = new EnvState{std::make_shared<Gate>(env)};
  env.SetInstanceData(state);
  env.AddCleanupHook([gate = state->gate] { gate->shut_down(); });
}

std::shared_ptr<Gate> gate_of(Napi::Env env) {
  return env.GetInstanceData<EnvState>()->gate;
}

}  // namespace histojet::binding
