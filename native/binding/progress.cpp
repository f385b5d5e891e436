#include "binding/progress.hpp"

namespace histojet::binding {

class ProgressChannel::Event final : public Completion {
 public:
  Event(std::shared_ptr<ProgressChannel> channel, std::int64_t done, std::int64_t total, std::string stage)
      : channel_(std::move(channel)), done_(done), total_(total), stage_(std::move(stage)) {}

  void settle(Napi::Env env) noexcept override {
    try {
      const Napi::Value stage = stage_.empty() ? env.Undefined() : Napi::String::New(env, stage_);
      channel_->function_.Call({Napi::Number::New(env, static_cast<double>(done_)),
                                Napi::Number::New(env, static_cast<double>(total_)), stage});
    } catch (...) {  // lib/internal hands in a function that does not throw
    }
  }
  void abandon() noexcept override {}

 private:
  std::shared_ptr<ProgressChannel> channel_;
  std::int64_t done_;
  std::int64_t total_;
  std::string stage_;
};

std::shared_ptr<ProgressChannel> ProgressChannel::open(const Napi::Value& function) {
  if (!function.IsFunction()) return nullptr;
  return std::shared_ptr<ProgressChannel>(new ProgressChannel(gate_of(function.Env()), function.As<Napi::Function>()));
}

void ProgressChannel::report(std::int64_t done, std::int64_t total, std::string stage) {
  const auto now = std::chrono::steady_clock::now();
  {
    std::lock_guard lock(mutex_);
    if (now < next_report_ && done < total) return;
    next_report_ = now + std::chrono::milliseconds(100);
  }
  gate_->deliver(new Event(shared_from_this(), done, total, std::move(stage)));
}

std::function<void(std::int64_t, std::int64_t)> progress_callback(const std::shared_ptr<ProgressChannel>& channel) {
  if (!channel) return [](std::int64_t, std::int64_t) {};
  return [channel](std::int64_t done, std::int64_t total) { channel->report(done, total); };
}

}  // namespace histojet::binding
