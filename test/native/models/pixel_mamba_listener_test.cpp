#include <gtest/gtest.h>

#include <map>
#include <mutex>
#include <tuple>

#include "models/formula_pixel_mamba.hpp"
#include "models/pixel_mamba/pixel_mamba.hpp"

namespace histojet::models {
namespace {

using tokens::Bidirectional;
using tokens::Direction;

PixelMambaConfig config_of(MergeKind merge) {
  PixelMambaConfig config;
  config.region_size_px = 16;
  config.stages = {{.dim = 8, .depth = 2, .d_state = 4, .bidirectional = Bidirectional::kNone},
                   {.dim = 12, .d_state = 4, .backward_scope = BackwardScope::kRegion},
                   {.dim = 20, .depth = 2, .d_state = 4, .backward_scope = BackwardScope::kGlobal}};
  config.merge = merge;
  return config;
}

/// Keeps everything that it sees.
class Recorder final : public RunListener {
 public:
  struct Visit {
    std::int64_t count;
    std::int64_t step;
    std::vector<float> tokens;
    tokens::MambaState state;
  };
  using Key = std::tuple<std::size_t, std::size_t, Direction, std::int64_t>;

  void before_block(const BlockVisit& visit) override {
    std::lock_guard lock(mutex);
    const auto [at, fresh] = visits.insert(
        {{visit.stage, visit.block, visit.direction, visit.first_token},
         {visit.count, visit.step, {visit.tokens, visit.tokens + visit.count * visit.step}, *visit.state}});
    EXPECT_TRUE(fresh) << "a run is shown once";
  }
  void after_stage(std::size_t stage, std::int64_t first, std::int64_t count, const float* tokens,
                   std::int64_t step) override {
    std::lock_guard lock(mutex);
    for (std::int64_t i = 0; i < count; ++i) outputs[stage][first + i] = {tokens + i * step, tokens + (i + 1) * step};
  }
  void pooled(std::int64_t first, std::int64_t count, std::span<const std::uint8_t> counts) override {
    std::lock_guard lock(mutex);
    EXPECT_EQ(first, pooled_tokens) << "in order";
    pooled_tokens += count;
    for (std::int64_t i = 0; i < count; ++i) counted += counts.empty() || counts[static_cast<std::size_t>(i)] ? 1 : 0;
  }

  std::mutex mutex;
  std::map<Key, Visit> visits;
  std::map<std::size_t, std::map<std::int64_t, std::vector<float>>> outputs;
  std::int64_t pooled_tokens = 0;
  std::int64_t counted = 0;
};

struct Recorded {
  std::shared_ptr<const PixelMamba> model;
  PixelMambaResult result;
};

Recorded record(Recorder& recorder) {
  const PixelMambaConfig config = config_of(MergeKind::kConcat2x2);
  Image image(75, 40, 3);
  for (std::size_t i = 0; i < image.data.size(); ++i) {
    image.data[i] = static_cast<std::uint8_t>(127 + 100 * test::formula_unit(5, static_cast<std::uint32_t>(i)));
  }
  Recorded recorded{PixelMamba::load(test::pixel_mamba_dict(config), {}), {}};
  recorded.result = recorded.model->run(PictureRegions(config, image), {.threads = 2, .listener = &recorder});
  return recorded;
}

TEST(PixelMambaListener, EveryTokenOfEveryBlockIsSeenOnceInEachDirection) {
  Recorder recorder;
  const Recorded recorded = record(recorder);
  const std::int64_t pixels = 15 * 16 * 16;
  std::map<std::tuple<std::size_t, std::size_t, Direction>, std::int64_t> seen;
  for (const auto& [key, visit] : recorder.visits) {
    seen[{std::get<0>(key), std::get<1>(key), std::get<2>(key)}] += visit.count;
  }
  EXPECT_EQ(seen.size(), 2U + 2U + 4U);
  for (const auto& [key, count] : seen) EXPECT_EQ(count, pixels >> (2 * std::get<0>(key)));
  for (std::size_t s = 0; s < 3; ++s)
    EXPECT_EQ(static_cast<std::int64_t>(recorder.outputs[s].size()), pixels >> (2 * s));
  EXPECT_EQ(recorder.pooled_tokens, pixels / 16);
  EXPECT_EQ(recorder.counted, recorded.result.tokens_pooled);
  EXPECT_EQ(recorder.counted, 19 * 10);
}

/// What the network did to a region can be done again from the state that it had there.
TEST(PixelMambaListener, ARegionIsComputedAgainFromItsState) {
  Recorder recorder;
  const Recorded recorded = record(recorder);
  const std::int64_t count = 16 * 16, first = 5 * count;
  const PixelBlock& block = recorded.model->network().stages[0].blocks[1];
  Recorder::Visit visit = recorder.visits.at({0, 1, Direction::kForward, first});
  ASSERT_EQ(visit.count, count);
  EXPECT_GT(visit.state.ssm[0] * visit.state.ssm[0], 0) << "a state from the region before";
  std::vector<float> out = visit.tokens;
  tokens::MixerScratch scratch;
  const tokens::MixerRun run{.in = {.data = visit.tokens.data(), .step = visit.step},
                             .out = {.data = out.data(), .step = visit.step},
                             .tokens = count,
                             .norm = &block.norm};
  block.mixer.accumulate(Direction::kForward, run, visit.state, scratch, 1, {});
  for (std::int64_t i = 0; i < count; ++i) {
    const std::vector<float>& expected = recorder.outputs[0].at(first + i);
    for (std::size_t c = 0; c < 8; ++c) {
      ASSERT_EQ(out[static_cast<std::size_t>(i * visit.step) + c], expected[c]) << "token " << i;
    }
  }
  EXPECT_EQ(visit.state.ssm, recorder.visits.at({0, 1, Direction::kForward, first + count}).state.ssm);
}

TEST(PixelMambaListener, StagesThatNobodyWantsAreNotShown) {
  class Last final : public RunListener {
   public:
    bool wants(std::size_t stage) const override { return stage == 2; }
    void after_stage(std::size_t stage, std::int64_t, std::int64_t, const float*, std::int64_t) override {
      EXPECT_EQ(stage, 2U);
      seen = true;
    }
    void before_block(const BlockVisit& visit) override { EXPECT_EQ(visit.stage, 2U); }
    bool seen = false;
  };
  const PixelMambaConfig config = config_of(MergeKind::kAverage2x2);
  const Image image(40, 40, 3, 200);
  Last last;
  PixelMamba::load(test::pixel_mamba_dict(config), {})->run(PictureRegions(config, image), {.listener = &last});
  EXPECT_TRUE(last.seen);
}

}  // namespace
}  // namespace histojet::models
