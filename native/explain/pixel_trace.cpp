#include "explain/pixel_trace.hpp"

#include <algorithm>

namespace histojet::explain {

PixelTrace::PixelTrace(const models::PixelMambaConfig& config, const std::vector<StageLayout>& layouts,
                       std::size_t finest, models::StoreBudget& budget)
    : finest_(finest), kept_(config.stages.size()) {
  // The coarse stages first: they are read most often per byte.
  for (std::size_t s = config.stages.size(); s-- > finest;) {
    for (std::int64_t i = 0; i <= config.stages[s].depth; ++i) {
      kept_[s].push_back(std::make_unique<Kept>(layouts[s].tokens(), config.stages[s].dim, budget));
    }
  }
  counted_.resize(static_cast<std::size_t>(layouts.back().tokens()));
}

void PixelTrace::before_block(const models::BlockVisit& visit) {
  // The other direction sees the same tokens.
  if (visit.direction != tokens::Direction::kForward) return;
  kept_[visit.stage][visit.block]->store().write(visit.first_token, visit.count, visit.tokens, visit.step);
}

void PixelTrace::after_stage(std::size_t stage, std::int64_t first_token, std::int64_t count, const float* tokens,
                             std::int64_t step) {
  kept_[stage].back()->store().write(first_token, count, tokens, step);
}

void PixelTrace::pooled(std::int64_t first_token, std::int64_t count, std::span<const std::uint8_t> counts) {
  const auto to = counted_.begin() + first_token;
  if (counts.empty()) {
    std::fill_n(to, count, std::uint8_t{1});
  } else {
    std::ranges::copy(counts, to);
  }
}

const TokenReader& PixelTrace::block_input(std::size_t stage, std::size_t block) const {
  return *kept_[stage][block];
}

const TokenReader& PixelTrace::stage_output(std::size_t stage) const {
  return *kept_[stage].back();
}

std::int64_t PixelTrace::byte_size(const models::PixelMambaStage& stage, std::int64_t tokens) {
  return tokens * stage.dim * (stage.depth + 1) * static_cast<std::int64_t>(sizeof(float));
}

}  // namespace histojet::explain
