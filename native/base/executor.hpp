#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>

namespace histojet {

/// The one thread pool of the process. Sized once from the cores of the affinity mask and the cgroup quota
/// (`HISTOJET_THREADS` overrides), never destroyed: threads may outlive the environment that started a job.
class Executor {
 public:
  static Executor& instance();

  int thread_count() const { return thread_count_; }

  /// Queues `task`, first in, first out. An exception that leaves it ends the process: tasks handle their own.
  void post(std::function<void()> task);

  /// Runs body(i) for each i in [0, count) on at most `max_threads` threads (0: all), the calling one included, and
  /// returns when all are done. After an exception, indices not yet started are skipped; rethrown here is that of the
  /// lowest index, which does not depend on the threads.
  /// Safe to call from inside a task: the caller works on its own items, so it never waits for a free thread.
  void parallel_for(std::int64_t count, int max_threads, const std::function<void(std::int64_t)>& body);

  Executor(const Executor&) = delete;
  Executor& operator=(const Executor&) = delete;

 private:
  Executor();
  void work();

  int thread_count_;
  std::mutex mutex_;
  std::condition_variable ready_;
  std::deque<std::function<void()>> tasks_;
};

}  // namespace histojet
