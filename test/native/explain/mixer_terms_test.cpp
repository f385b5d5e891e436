#include "explain/mixer_terms.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "explain/hidden_attention.hpp"
#include "explain/random_network.hpp"

namespace histojet::explain {
namespace {

using tokens::Bidirectional;

std::size_t at(std::int64_t i) {
  return static_cast<std::size_t>(i);
}

class MemoryTokens final : public TokenReader {
 public:
  MemoryTokens(std::int64_t count, std::int64_t dim, std::uint32_t seed) : count_(count), dim_(dim) {
    for (std::int64_t i = 0; i < count * dim; ++i) {
      values_.push_back(static_cast<float>(2 * test::formula_unit(seed, static_cast<std::uint32_t>(i))));
    }
  }
  std::int64_t tokens() const override { return count_; }
  void read(std::int64_t first, std::int64_t count, float* to, std::int64_t step) const override {
    ASSERT_GE(first, 0);
    ASSERT_LE(first + count, count_);
    for (std::int64_t i = 0; i < count; ++i) std::copy_n(values_.data() + (first + i) * dim_, dim_, to + i * step);
  }
  const float* data() const { return values_.data(); }

 private:
  std::int64_t count_;
  std::int64_t dim_;
  std::vector<float> values_;
};

struct Case {
  Bidirectional kind;
  std::int64_t segment;  ///< of the backward direction; 0: none
};
constexpr Case kCases[] = {{Bidirectional::kNone, 0}, {Bidirectional::kV1, 0},  {Bidirectional::kV1, 10},
                           {Bidirectional::kV2, 0},   {Bidirectional::kV2, 10}, {Bidirectional::kV2, 1}};
constexpr std::int64_t kDim = 12, kTokens = 43;

/// The first block of a network of one stage.
struct Block {
  explicit Block(Bidirectional kind) {
    models::PixelMambaConfig config;
    config.stages = {{.dim = kDim, .d_state = 5, .bidirectional = kind}};
    dict = test::pixel_mamba_dict(config);
    model = models::PixelMamba::load(dict, {.precision = tokens::Precision::kFloat32});
    layers = &model->network().stages[0].blocks[0];
  }
  std::vector<float> weight(const std::string& name) const {
    const Tensor tensor = dict->get("stages.0.blocks.0.mixer." + name);
    return {tensor.values<float>().begin(), tensor.values<float>().end()};
  }
  std::shared_ptr<test::MemoryDict> dict;
  std::shared_ptr<const models::PixelMamba> model;
  const models::PixelBlock* layers = nullptr;
};

/// Attention times input, skip and gate of one branch: what the mixer projects out.
std::vector<double> branch_output(const Block& block, const MemoryTokens& in, MixerTerms& terms, Direction direction,
                                  std::int64_t segment) {
  const std::int64_t inner = block.layers->mixer.config().inner();
  const ScanTerms all = terms.terms(direction, 0, kTokens);
  const HiddenAttention attention =
      hidden_attention(all, terms.constants(direction), kTokens, direction, Sign::kSigned, segment);
  const float* d = tokens::branch_constants(block.layers->mixer, direction).d;
  std::vector<double> y(at(kTokens * inner));
  // The scan's inputs, a segment at a time, as the network runs it.
  const std::int64_t run = segment > 0 ? segment : kTokens;
  for (std::int64_t first = 0; first < kTokens; first += run) {
    const std::int64_t count = std::min(run, kTokens - first);
    tokens::MambaState state = block.layers->mixer.start(direction);
    tokens::MixerScratch scratch;
    std::vector<float> u(at(count * inner)), z(at(count * inner));
    tokens::scan_inputs(
        block.layers->mixer, direction,
        {.in = {.data = in.data() + first * kDim, .step = kDim}, .tokens = count, .norm = &block.layers->norm}, state,
        scratch, 1, {}, [&](const tokens::ScanInputs& tile) {
          for (std::int64_t i = 0; i < tile.count; ++i) {
            std::copy_n(tile.u + i * tile.u_step, inner, u.begin() + (tile.first + i) * inner);
            std::copy_n(tile.z + i * tile.z_step, inner, z.begin() + (tile.first + i) * inner);
          }
        });
    for (std::int64_t i = 0; i < count; ++i) {
      for (std::int64_t c = 0; c < inner; ++c) {
        double sum = d[c] * u[at(i * inner + c)];
        for (std::int64_t j = 0; j < count; ++j) sum += attention.at(c, first + i, first + j) * u[at(j * inner + c)];
        const double gate = z[at(i * inner + c)];
        y[at((first + i) * inner + c)] = sum * gate / (1 + std::exp(-gate));
      }
    }
  }
  return y;
}

/// What the mixer itself gives.
std::vector<float> mixer_output(const Block& block, const MemoryTokens& in, std::int64_t segment) {
  std::vector<float> out(at(kTokens * 16));
  tokens::MixerScratch scratch;
  const auto run = [&](Direction direction, std::int64_t first, std::int64_t count) {
    tokens::MambaState state = block.layers->mixer.start(direction);
    const tokens::MixerRun run{.in = {.data = in.data() + first * kDim, .step = kDim},
                               .out = {.data = out.data() + first * 16, .step = 16},
                               .tokens = count,
                               .norm = &block.layers->norm};
    block.layers->mixer.accumulate(direction, run, state, scratch, 1, {});
  };
  run(Direction::kForward, 0, kTokens);
  if (block.layers->mixer.config().bidirectional == Bidirectional::kNone) return out;
  const std::int64_t length = segment > 0 ? segment : kTokens;
  for (std::int64_t first = 0; first < kTokens; first += length) {
    run(Direction::kBackward, first, std::min(length, kTokens - first));
  }
  return out;
}

TEST(MixerTerms, AttentionTimesInputIsWhatTheMixerComputes) {
  for (const Case& form : kCases) {
    const Block block(form.kind);
    const MemoryTokens in(kTokens, kDim, 3);
    MixerTerms terms(block.layers->mixer, block.layers->norm, in,
                     {.backward_segment = form.segment, .weighting = Weighting::kAttention});
    const std::int64_t inner = block.layers->mixer.config().inner();
    std::vector<double> y = branch_output(block, in, terms, Direction::kForward, 0);
    if (terms.has(Direction::kBackward)) {
      const std::vector<double> back = branch_output(block, in, terms, Direction::kBackward, form.segment);
      for (std::size_t i = 0; i < y.size(); ++i) y[i] += back[i];
    }
    const std::vector<float> weight = block.weight("out_proj.weight"), found = mixer_output(block, in, form.segment);
    double most = 0;
    for (const float value : found) most = std::max(most, std::fabs(static_cast<double>(value)));
    for (std::int64_t t = 0; t < kTokens; ++t) {
      for (std::int64_t k = 0; k < kDim; ++k) {
        double sum = 0;
        for (std::int64_t c = 0; c < inner; ++c) sum += y[at(t * inner + c)] * weight[at(k * inner + c)];
        ASSERT_NEAR(found[at(t * 16 + k)], terms.factor() * sum, 2e-5 * most)
            << static_cast<int>(form.kind) << " " << form.segment << " " << t;
      }
    }
  }
}

TEST(MixerTerms, DoNotDependOnTiles) {
  for (const Case& form : kCases) {
    const Block block(form.kind);
    const MemoryTokens in(kTokens, kDim, 3);
    const MixerTerms::Options options{.backward_segment = form.segment};
    MixerTerms whole(block.layers->mixer, block.layers->norm, in, options);
    MixerTerms parts(block.layers->mixer, block.layers->norm, in, options);
    const std::int64_t inner = block.layers->mixer.config().inner();
    for (const Direction direction : {Direction::kForward, Direction::kBackward}) {
      if (!whole.has(direction)) continue;
      const ScanTerms all = whole.terms(direction, 0, kTokens);
      for (const std::int64_t size : {1, 6, 17}) {
        for (std::int64_t first = 0; first < kTokens; first += size) {
          const std::int64_t count = std::min(size, kTokens - first);
          const ScanTerms part = parts.terms(direction, first, count);
          for (std::int64_t i = 0; i < count; ++i) {
            for (std::int64_t c = 0; c < inner; ++c) {
              ASSERT_EQ(part.delta[i * part.delta_step + c], all.delta[(first + i) * all.delta_step + c]);
              ASSERT_EQ(part.importance[i * part.importance_step + c],
                        all.importance[(first + i) * all.importance_step + c]);
              ASSERT_GE(part.importance[i * part.importance_step + c], 0);
              ASSERT_EQ(part.value[i * part.value_step + c], all.value[(first + i) * all.value_step + c]);
              ASSERT_GE(part.value[i * part.value_step + c], 0);
            }
            for (std::int64_t n = 0; n < 5; ++n) {
              ASSERT_EQ(part.b[i * part.b_step + n], all.b[(first + i) * all.b_step + n]);
              ASSERT_EQ(part.c[i * part.c_step + n], all.c[(first + i) * all.c_step + n]);
            }
          }
        }
      }
    }
  }
}

TEST(MixerTerms, ChannelsCountByTheirColumnOfTheLastProduct) {
  const Block block(Bidirectional::kV2);
  const std::vector<float> weight = block.weight("out_proj.weight"), norms = tokens::output_norms(block.layers->mixer);
  const std::int64_t inner = block.layers->mixer.config().inner();
  std::vector<double> wanted(at(inner));
  for (std::int64_t c = 0; c < inner; ++c) {
    for (std::int64_t k = 0; k < kDim; ++k) wanted[at(c)] += std::pow(weight[at(k * inner + c)], 2);
    // Halved, because there are two directions.
    wanted[at(c)] = std::sqrt(wanted[at(c)]) / 2;
  }
  ASSERT_EQ(norms.size(), wanted.size());
  for (std::size_t c = 0; c < wanted.size(); ++c) EXPECT_NEAR(norms[c], wanted[c], 1e-5);
}

}  // namespace
}  // namespace histojet::explain
