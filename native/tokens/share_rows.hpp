#pragma once

#include <algorithm>
#include <cstdint>

#include "base/checked.hpp"
#include "base/executor.hpp"

namespace histojet::tokens {

/// Rows or channels [begin, end).
struct Range {
  std::int64_t begin;
  std::int64_t end;

  std::int64_t size() const { return end - begin; }
};

/// The number of threads that `threads` asks for (0: all).
inline int resolved_threads(int threads) {
  const int most = Executor::instance().thread_count();
  return threads <= 0 ? most : std::min(threads, most);
}

/// Runs body(range, share) over [begin, end) in at most `threads` shares of whole granules, side by side.
template <class Body>
void share_rows(Range all, std::int64_t granule, int threads, const Body& body) {
  const std::int64_t granules = ceil_div(all.size(), granule);
  const std::int64_t shares = std::min<std::int64_t>(threads, granules);
  if (shares <= 0) return;
  if (shares == 1) return body(all, 0);
  Executor::instance().parallel_for(shares, static_cast<int>(shares), [&](std::int64_t i) {
    const auto border = [&](std::int64_t k) { return std::min(all.end, all.begin + granules * k / shares * granule); };
    body(Range{border(i), border(i + 1)}, static_cast<int>(i));
  });
}

}  // namespace histojet::tokens
