#include "merging/merge_map.hpp"

#include <algorithm>
#include <limits>
#include <numeric>
#include <string>

#include "base/checked.hpp"
#include "base/error.hpp"
#include "base/executor.hpp"

namespace histojet::merging {
namespace {

/// Values that one thread copies at a time.
constexpr std::int64_t kPartFloats = 128 << 10;

[[noreturn]] void wrong_owner(const std::string& what) {
  throw Error(ErrorCode::kInvalidArgument, "owners of merged tokens: " + what);
}

/// body(sample, first, end) over parts of `rows` rows of each sample.
template <class Body>
void for_parts(std::int64_t batch, std::int64_t rows, std::int64_t channels, const Run& run, const Body& body) {
  if (rows == 0) return;
  const std::int64_t part = std::clamp<std::int64_t>(kPartFloats / std::max<std::int64_t>(channels, 1), 1, rows);
  const std::int64_t parts = ceil_div(rows, part);
  Executor::instance().parallel_for(batch * parts, run.threads, [&](std::int64_t i) {
    run.cancel.throw_if_cancelled();
    const std::int64_t first = i % parts * part;
    body(i / parts, first, std::min(first + part, rows));
  });
}

}  // namespace

MergeMap::MergeMap(std::int64_t batch, std::int64_t tokens, std::int64_t merged_tokens, std::vector<std::int32_t> owner)
    : batch_(batch), tokens_(tokens), merged_tokens_(merged_tokens), owner_(std::move(owner)) {
  if (batch < 0 || tokens < 0 || merged_tokens < 0 || tokens > std::numeric_limits<std::int32_t>::max() ||
      static_cast<std::int64_t>(owner_.size()) != batch * tokens) {
    wrong_owner("expected [batch][tokens] of at most 2^31 - 1 tokens");
  }
  kept_tokens_ = tokens;
  while (batch > 0 && kept_tokens_ > 0 && owner_[static_cast<std::size_t>(kept_tokens_ - 1)] < 0) --kept_tokens_;
  starts_.resize(static_cast<std::size_t>(batch * (merged_tokens + 1)));
  members_.resize(static_cast<std::size_t>(batch * kept_tokens_));
  for (std::int64_t sample = 0; sample < batch; ++sample) list_members(sample);
}

MergeMap MergeMap::identity(std::int64_t batch, std::int64_t tokens) {
  std::vector<std::int32_t> owner(static_cast<std::size_t>(batch * tokens));
  for (std::int64_t sample = 0; sample < batch; ++sample) {
    std::iota(owner.begin() + sample * tokens, owner.begin() + (sample + 1) * tokens, 0);
  }
  return {batch, tokens, tokens, std::move(owner)};
}

void MergeMap::list_members(std::int64_t sample) {
  const std::int32_t* owners = owner(sample);
  std::int32_t* starts = starts_.data() + sample * (merged_tokens_ + 1);
  std::int32_t* members = members_.data() + sample * kept_tokens_;
  for (std::int64_t t = 0; t < tokens_; ++t) {
    if (t >= kept_tokens_ ? owners[t] != -1 : owners[t] < 0 || owners[t] >= merged_tokens_) {
      wrong_owner("token " + std::to_string(t) + " of sequence " + std::to_string(sample) + " has " +
                  std::to_string(owners[t]));
    }
    if (t < kept_tokens_) ++starts[owners[t] + 1];
  }
  for (std::int64_t i = 0; i < merged_tokens_; ++i) {
    if (starts[i + 1] == 0) wrong_owner("nothing becomes part of token " + std::to_string(i));
    starts[i + 1] += starts[i];
  }
  // Filling moves each start to the next one's place; afterwards all move back by one.
  for (std::int64_t t = 0; t < kept_tokens_; ++t) members[starts[owners[t]]++] = static_cast<std::int32_t>(t);
  std::copy_backward(starts, starts + merged_tokens_, starts + merged_tokens_ + 1);
  starts[0] = 0;
}

void MergeMap::merge(const float* x, std::int64_t channels, MergeMode mode, const float* weights, float* out,
                     const Run& run) const {
  const auto combine = kernels::kCombineRows.pick(run.isa);
  for_parts(batch_, merged_tokens_, channels, run, [&](std::int64_t sample, std::int64_t first, std::int64_t end) {
    combine({.rows = x + sample * tokens_ * channels,
             .row_floats = channels,
             .starts = starts(sample) + first,
             .members = members(sample),
             .weights = weights == nullptr ? nullptr : weights + sample * tokens_,
             .out = out + (sample * merged_tokens_ + first) * channels,
             .count = end - first,
             .channels = channels,
             .combination = mode});
  });
}

void MergeMap::unmerge(const float* y, std::int64_t channels, float* out, const Run& run) const {
  for_parts(batch_, kept_tokens_, channels, run, [&](std::int64_t sample, std::int64_t first, std::int64_t end) {
    const float* rows = y + sample * merged_tokens_ * channels;
    for (std::int64_t t = first; t < end; ++t) {
      std::copy_n(rows + owner(sample)[t] * channels, channels, out + (sample * kept_tokens_ + t) * channels);
    }
  });
}

}  // namespace histojet::merging
