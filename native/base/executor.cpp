#include "base/executor.hpp"

#include <algorithm>
#include <atomic>
#include <exception>
#include <memory>
#include <thread>
#include <utility>

#include "base/cpu_info.hpp"

namespace histojet {

Executor& Executor::instance() {
  static Executor* executor = new Executor;  // leaked on purpose, see the class comment
  return *executor;
}

Executor::Executor() : thread_count_(usable_core_count()) {
  for (int i = 0; i < thread_count_; ++i) std::thread([this] { work(); }).detach();
}

void Executor::post(std::function<void()> task) {
  {
    std::lock_guard lock(mutex_);
    tasks_.push_back(std::move(task));
  }
  ready_.notify_one();
}

void Executor::work() {
  for (;;) {
    std::function<void()> task;
    {
      std::unique_lock lock(mutex_);
      ready_.wait(lock, [this] { return !tasks_.empty(); });
      task = std::move(tasks_.front());
      tasks_.pop_front();
    }
    task();
  }
}

namespace {

/// Shared by the caller and the helpers of one parallel_for; helpers may arrive after everything is done.
struct Loop {
  std::int64_t count = 0;
  const std::function<void(std::int64_t)>* body = nullptr;
  std::atomic<std::int64_t> next{0};
  std::mutex mutex;
  std::condition_variable idle;
  int active = 0;  // guarded by mutex
  bool closed = false;
  std::exception_ptr failure;
  std::int64_t failed_index = 0;  // of `failure`

  void run() {
    std::int64_t i = 0;
    try {
      while ((i = next.fetch_add(1, std::memory_order_relaxed)) < count) (*body)(i);
    } catch (...) {
      next.store(count, std::memory_order_relaxed);
      std::lock_guard lock(mutex);
      // All lower indices have been started by now: of those that fail the lowest is the same for any timing.
      if (!failure || i < failed_index) {
        failure = std::current_exception();
        failed_index = i;
      }
    }
  }

  void help() {
    {
      std::lock_guard lock(mutex);
      if (closed) return;
      ++active;
    }
    run();
    std::lock_guard lock(mutex);
    if (--active == 0) idle.notify_all();
  }
};

}  // namespace

void Executor::parallel_for(std::int64_t count, int max_threads, const std::function<void(std::int64_t)>& body) {
  if (count <= 0) return;
  const int threads = max_threads <= 0 ? thread_count_ : std::min(max_threads, thread_count_);
  const std::int64_t helpers = std::min<std::int64_t>(threads, count) - 1;
  if (helpers == 0) {
    for (std::int64_t i = 0; i < count; ++i) body(i);
    return;
  }
  const auto loop = std::make_shared<Loop>();
  loop->count = count;
  loop->body = &body;
  for (std::int64_t i = 0; i < helpers; ++i) post([loop] { loop->help(); });
  loop->run();
  std::unique_lock lock(loop->mutex);
  loop->closed = true;  // helpers that start later must not touch `body`
  loop->idle.wait(lock, [&] { return loop->active == 0; });
  // Taken out of the loop: a helper that arrives late must not be the one to destroy what the caller looks at.
  if (const auto failure = std::exchange(loop->failure, nullptr)) std::rethrow_exception(failure);
}

}  // namespace histojet
