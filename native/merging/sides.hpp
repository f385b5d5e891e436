#pragma once

#include <string>

#include "base/error.hpp"
#include "merging/matching.hpp"
#include "merging/partners.hpp"

namespace histojet::merging {

/// @throws Error kInvalidArgument unless there are channels to compare and at most 2^31 - 1 tokens.
inline void check_metric(const Metric& metric) {
  if (metric.channels < 1 || metric.tokens > 0x7fffffff) {
    throw Error(ErrorCode::kInvalidArgument, "metric: expected at least one channel and fewer than 2^31 tokens, got " +
                                                 std::to_string(metric.tokens) + " tokens of " +
                                                 std::to_string(metric.channels) + " channels");
  }
}

/// @throws Error kInvalidArgument naming the option when it is below `least`.
inline void check_least(const char* name, std::int64_t value, std::int64_t least) {
  if (value >= least) return;
  throw Error(ErrorCode::kInvalidArgument, std::string(name) + ": expected an integer from " + std::to_string(least) +
                                               " on, got " + std::to_string(value));
}

/// The tokens of one sequence or window that become tokens of the result, in the result's order, and what becomes part
/// of which.
class Outcome {
 public:
  explicit Outcome(std::int64_t tokens) : head_of_(static_cast<std::size_t>(tokens)) {}

  /// `token` is the next token of the result.
  void add_head(std::int32_t token) {
    head_of_[static_cast<std::size_t>(token)] = token;
    heads_.push_back(token);
  }
  /// `token` becomes part of `head`.
  void join(std::int32_t token, std::int32_t head) { head_of_[static_cast<std::size_t>(token)] = head; }
  /// Orders the result by the first members of its tokens.
  void sort_by_first_member();
  /// Writes the owner of each token, counting tokens of the result from `first_output` on. @returns their end.
  std::int32_t write_owners(std::int32_t* owner, std::int32_t first_output) const;

 private:
  std::vector<std::int32_t> head_of_;
  std::vector<std::int32_t> heads_;
};

}  // namespace histojet::merging
