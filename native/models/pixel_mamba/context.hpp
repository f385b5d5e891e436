#pragma once

#include <chrono>
#include <cstdint>
#include <mutex>
#include <string>
#include <vector>

#include "base/cancel.hpp"
#include "models/pixel_mamba/pixel_mamba.hpp"
#include "models/pixel_mamba/token_store.hpp"

namespace histojet::models {

/// Hands progress on, one call at a time and not too often.
class ProgressMeter {
 public:
  explicit ProgressMeter(const std::function<void(const PixelMambaProgress&)>& tell) : tell_(tell) {}
  void begin(const std::string& stage, std::int64_t total);
  void advance(std::int64_t count);

 private:
  void report(bool always);

  const std::function<void(const PixelMambaProgress&)>& tell_;
  std::mutex mutex_;
  PixelMambaProgress progress_;
  std::chrono::steady_clock::time_point last_{};
};

/// What the parts of one run share.
struct RunContext {
  const PixelNetwork& network;
  const RegionSource& source;
  const PixelMambaRunOptions& options;
  const CancelToken& cancel;
  int threads = 1;
  StoreBudget budget;
  ProgressMeter progress;

  const PixelMambaConfig& config() const { return network.config; }
  /// Who wants to see this stage; null: nobody.
  RunListener* listener(std::size_t stage) const {
    return options.listener != nullptr && options.listener->wants(stage) ? options.listener : nullptr;
  }
  /// Tokens of one region (or of one cell of several) in a stage.
  std::int64_t unit_tokens(std::size_t stage) const { return network.stages[stage].form.unit_tokens(); }
};

/// Pools the tokens of the last stage in one region or, where a token covers several, that one token. `unit`: their
/// number in the sequence. `tokens` are normalised in place. `sizes`: with MergeKind::kTome, else empty.
void pool_unit(const RunContext& context, TokenPool& pool, std::int64_t unit, tokens::GridCell cell, float* tokens,
               std::span<const TokenSize> sizes, PixelScratch& scratch);

// Sizes of the tokens of a region, for MergeKind::kTome.

/// Values of a size in a store.
inline constexpr std::int64_t kSizeValues = 2;

/// Of the first stage's tokens: each is one, and counts if the pooling looks at it.
std::vector<TokenSize> first_sizes(const RunContext& context, tokens::GridCell cell);
/// To and from a store of two values for each token; region tokens have none.
void write_sizes(TokenStore& store, const RunContext& context, std::size_t stage, std::int64_t region,
                 std::span<const TokenSize> sizes);
void read_sizes(const TokenStore& store, const RunContext& context, std::size_t stage, std::int64_t region,
                std::vector<TokenSize>& sizes);

}  // namespace histojet::models
