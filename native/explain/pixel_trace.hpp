#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "explain/mixer_terms.hpp"
#include "explain/stage_layout.hpp"
#include "models/pixel_mamba/pixel_mamba.hpp"
#include "models/pixel_mamba/token_store.hpp"

namespace histojet::explain {

/// Keeps what goes into every block of a network, and what leaves its stages, from one stage on: in memory as far as
/// the budget goes, then in files.
class PixelTrace final : public models::RunListener {
 public:
  /// `layouts` and `budget` must outlive the trace. @throws Error kIo, kOutOfMemory.
  PixelTrace(const models::PixelMambaConfig& config, const std::vector<StageLayout>& layouts, std::size_t finest,
             models::StoreBudget& budget);

  bool wants(std::size_t stage) const override { return stage >= finest_; }
  void before_block(const models::BlockVisit& visit) override;
  void after_stage(std::size_t stage, std::int64_t first_token, std::int64_t count, const float* tokens,
                   std::int64_t step) override;
  void pooled(std::int64_t first_token, std::int64_t count, std::span<const std::uint8_t> counts) override;

  const TokenReader& block_input(std::size_t stage, std::size_t block) const;
  const TokenReader& stage_output(std::size_t stage) const;
  /// By token of the last stage: 1 where the pooling looks at it.
  const std::vector<std::uint8_t>& counted() const { return counted_; }

  /// Bytes that a trace of stage `stage` takes.
  static std::int64_t byte_size(const models::PixelMambaStage& stage, std::int64_t tokens);

 private:
  class Kept final : public TokenReader {
   public:
    Kept(std::int64_t tokens, std::int64_t dim, models::StoreBudget& budget) : store_(tokens, dim, budget) {}
    std::int64_t tokens() const override { return store_.tokens(); }
    void read(std::int64_t first, std::int64_t count, float* to, std::int64_t step) const override {
      store_.read(first, count, to, step);
    }
    models::TokenStore& store() { return store_; }

   private:
    models::TokenStore store_;
  };

  std::size_t finest_;
  std::vector<std::vector<std::unique_ptr<Kept>>> kept_;  ///< [stage][block, then the output]
  std::vector<std::uint8_t> counted_;
};

}  // namespace histojet::explain
