#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>

#include "binding/env_state.hpp"
#include "binding/napi.hpp"

namespace histojet::binding {

/// Carries (done, total) or (done, total, stage) from any thread to a JavaScript function, at most ten times a second;
/// the last call always arrives. Its owner on the JavaScript thread must live until the work is over: capture it in
/// `convert`.
class ProgressChannel : public std::enable_shared_from_this<ProgressChannel> {
 public:
  /// Null when `function` is no function: then nobody wants to know.
  static std::shared_ptr<ProgressChannel> open(const Napi::Value& function);

  /// `stage`: what is counted; empty where there is only one thing to count.
  void report(std::int64_t done, std::int64_t total, std::string stage = {});

 private:
  ProgressChannel(std::shared_ptr<Gate> gate, Napi::Function function)
      : gate_(std::move(gate)), function_(Napi::Persistent(function)) {}

  class Event;
  std::shared_ptr<Gate> gate_;
  Napi::FunctionReference function_;
  std::mutex mutex_;
  std::chrono::steady_clock::time_point next_report_;
};

/// The callback that the core takes: empty for a null channel.
std::function<void(std::int64_t, std::int64_t)> progress_callback(const std::shared_ptr<ProgressChannel>& channel);

}  // namespace histojet::binding
