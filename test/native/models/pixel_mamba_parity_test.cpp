#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <mutex>

#include "available_isas.hpp"
#include "base/error.hpp"
#include "fixtures.hpp"
#include "models/formula_pixel_mamba.hpp"
#include "models/pixel_mamba/pixel_mamba.hpp"
#include "models/reference_pixel_mamba.hpp"

namespace histojet::models {
namespace {

using tokens::Precision;

const char* const kFixtures[] = {"bi_global", "bi_region", "hilbert", "padded", "raster_avg_survival", "uni"};

/// A fixture with its weights under the names that a checkpoint has.
struct Fixture {
  explicit Fixture(const std::string& name)
      : file(weights::StateDict::open(test::shared_fixture("mamba/pixel_mamba_" + name + ".safetensors"))),
        dict(std::make_shared<test::MemoryDict>()) {
    for (const std::string& key : file->names()) {
      if (key.starts_with("weights.")) dict->set(key.substr(8), file->get(key));
    }
    dict->metadata() = file->metadata();
    image = file->get("image");
  }
  std::shared_ptr<const weights::StateDict> file;
  std::shared_ptr<test::MemoryDict> dict;
  Tensor image;

  NormalizedRegions regions(const PixelMambaConfig& config) const {
    return {config, image.values<float>(), image.shape()[1], image.shape()[2]};
  }
};

/// Collects the tokens after each stage.
class Taps final : public RunListener {
 public:
  void after_stage(std::size_t stage, std::int64_t first, std::int64_t count, const float* tokens,
                   std::int64_t step) override {
    std::lock_guard lock(mutex_);
    auto& tap = rows_[stage];
    for (std::int64_t i = 0; i < count; ++i) tap[first + i] = {tokens + i * step, tokens + (i + 1) * step};
  }
  std::vector<float> values(std::size_t stage, std::int64_t dim) {
    std::vector<float> all;
    for (const auto& [index, row] : rows_[stage]) all.insert(all.end(), row.begin(), row.begin() + dim);
    return all;
  }

 private:
  std::mutex mutex_;
  std::map<std::size_t, std::map<std::int64_t, std::vector<float>>> rows_;
};

template <class Expected, class Actual>
void expect_close(const Expected& expected, const Actual& actual, const std::string& what) {
  ASSERT_EQ(expected.size(), actual.size()) << what;
  double largest = 0, worst = 0;
  for (std::size_t i = 0; i < expected.size(); ++i) {
    largest = std::max(largest, std::abs(static_cast<double>(expected[i])));
    worst = std::max(worst, std::abs(static_cast<double>(expected[i]) - static_cast<double>(actual[i])));
  }
  EXPECT_LE(worst, 2e-5 * largest + 2e-6) << what;
}

template <class Expected, class Actual>
double relative_l2(const Expected& expected, const Actual& actual) {
  double difference = 0, size = 0;
  for (std::size_t i = 0; i < expected.size(); ++i) {
    difference += std::pow(static_cast<double>(expected[i]) - static_cast<double>(actual[i]), 2);
    size += std::pow(static_cast<double>(expected[i]), 2);
  }
  return std::sqrt(difference / size);
}

PixelMambaResult run_fixture(const Fixture& fixture, const tokens::LayerOptions& layers, Taps* taps) {
  const auto model = PixelMamba::load(fixture.dict, layers);
  const NormalizedRegions regions = fixture.regions(model->config());
  return model->run(regions, {.listener = taps, .keep_attention = true});
}

void expect_parity(const std::string& name, Isa isa) {
  SCOPED_TRACE(name + " " + std::string(isa_name(isa)));
  const Fixture fixture(name);
  Taps taps;
  const PixelMambaResult result = run_fixture(fixture, {.precision = Precision::kFloat32, .isa = isa}, &taps);
  const auto expect = [&](const std::string& key, const auto& actual) {
    expect_close(fixture.file->get(key).values<float>(), actual, key);
  };
  expect("logits", result.logits);
  expect("tap.features", result.features);
  for (std::size_t s = 0; fixture.file->contains("tap.stage" + std::to_string(s)); ++s) {
    const std::string key = "tap.stage" + std::to_string(s);
    expect(key, taps.values(s, fixture.file->entry(key).shape[1]));
  }
  if (fixture.file->contains("tap.attn")) expect("tap.attn", result.attention);
  if (fixture.file->contains("hazards")) {
    expect("hazards", result.head.hazards);
    expect("survival", result.head.survival);
    expect("risk", std::vector<double>{result.head.risk});
  }
}

TEST(PixelMambaParity, AllStagesEqualTheFixtures) {
  HISTOJET_NEEDS_SHARED_FIXTURES();
  for (const char* name : kFixtures) {
    for (const Isa isa : test::available_isas()) expect_parity(name, isa);
  }
}

TEST(PixelMambaParity, CoarserPrecisionsStayWithinTheirBounds) {
  HISTOJET_NEEDS_SHARED_FIXTURES();
  for (const char* name : kFixtures) {
    const Fixture fixture(name);
    const auto expected = fixture.file->get("tap.features");
    const auto high = run_fixture(fixture, {.precision = Precision::kHigh, .isa = detected_isa()}, nullptr);
    const auto fast = run_fixture(fixture, {.precision = Precision::kFast, .isa = detected_isa()}, nullptr);
    EXPECT_LE(relative_l2(expected.values<float>(), high.features), 1e-4) << name;
    EXPECT_LE(relative_l2(expected.values<float>(), fast.features), 3e-2) << name;
  }
}

TEST(PixelMambaParity, TheReferenceOfTheTestsEqualsTheFixtures) {
  HISTOJET_NEEDS_SHARED_FIXTURES();
  for (const char* name : kFixtures) {
    const Fixture fixture(name);
    const PixelMambaConfig config = parse_pixel_mamba(fixture.dict->metadata().at("config"));
    const NormalizedRegions regions = fixture.regions(config);
    test::ReferencePixelMamba reference(fixture.dict, config);
    expect_close(fixture.file->get("logits").values<float>(), reference(regions), name);
  }
}

}  // namespace
}  // namespace histojet::models
