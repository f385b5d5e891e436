#include "tokens/ss2d.hpp"

#include <gtest/gtest.h>

#include "available_isas.hpp"
#include "base/error.hpp"
#include "tokens/token_fixtures.hpp"

namespace histojet::tokens {
namespace {

using test::TokenFixture;

struct Variant {
  const char* name;
  CrossScan scan;
};

const Variant kVariants[] = {{"v0", CrossScan::kCross},
                             {"v05_noz", CrossScan::kCross},
                             {"v3_z", CrossScan::kCross},
                             {"v051d_uni", CrossScan::kUnidirectional},
                             {"v052d_bidi", CrossScan::kBidirectional}};

/// x and y of a fixture as grids of tokens, whatever their layout.
struct Grids {
  std::int64_t batch, height, width, dim;
  std::vector<float> x, y;

  explicit Grids(const TokenFixture& fixture) {
    const Shape shape = fixture.shape("x");
    const bool planar = fixture.configured("\"BCHW\"");
    batch = shape[0];
    dim = planar ? shape[1] : shape[3];
    height = planar ? shape[2] : shape[1];
    width = planar ? shape[3] : shape[2];
    x = tokens(fixture.values("x"), planar);
    y = tokens(fixture.values("y"), planar);
  }
  std::int64_t size() const { return height * width * dim; }

 private:
  std::vector<float> tokens(const std::vector<float>& values, bool planar) const {
    if (!planar) return values;
    std::vector<float> out(values.size());
    std::size_t to = 0;
    for (std::int64_t b = 0; b < batch; ++b) {
      for (std::int64_t p = 0; p < height * width; ++p) {
        for (std::int64_t c = 0; c < dim; ++c) {
          out[to++] = values[static_cast<std::size_t>((b * dim + c) * height * width + p)];
        }
      }
    }
    return out;
  }
};

std::vector<float> outputs(const Grids& grids, const Ss2d& layer, int threads) {
  std::vector<float> y(grids.x.size());
  Ss2dScratch scratch;
  for (std::int64_t b = 0; b < grids.batch; ++b) {
    layer.accumulate(nullptr, {grids.x.data() + b * grids.size(), grids.dim}, {y.data() + b * grids.size(), grids.dim},
                     grids.height, grids.width, scratch, threads, {});
  }
  return y;
}

}  // namespace

TEST(Ss2d, VariantsMatchTheReference) {
  for (const Variant& variant : kVariants) {
    SCOPED_TRACE(variant.name);
    const TokenFixture fixture(std::string("vmamba_ss2d_") + variant.name);
    const Grids grids(fixture);
    Ss2dConfig config = ss2d_config(fixture.weights(), grids.dim);
    config.scan = variant.scan;
    EXPECT_EQ(config.gated, std::string(variant.name) != "v05_noz");
    for (const Isa isa : test::available_isas()) {
      const Ss2d layer = Ss2d::load(fixture.weights(), config, {.isa = isa});
      const std::vector<float> y = outputs(grids, layer, 1);
      test::expect_float32_parity(y, grids.y, std::string(isa_name(isa)));
      EXPECT_EQ(outputs(grids, layer, 3), y);
    }
    for (const Precision precision : test::kPrecisions) {
      const Ss2d layer = Ss2d::load(fixture.weights(), config, {.precision = precision});
      EXPECT_LE(test::relative_distance(outputs(grids, layer, 2), grids.y), test::allowed_distance(precision));
    }
  }
}

TEST(Ss2d, ErrorsNameKeysAndShapes) {
  const TokenFixture fixture("vmamba_ss2d_v3_z");
  Ss2dConfig config = ss2d_config(fixture.weights(), 16);
  config.d_state = 5;
  try {
    Ss2d::load(fixture.weights(), config, {});
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kShapeMismatch);
    EXPECT_NE(std::string(error.what()).find("weights.x_proj_weight"), std::string::npos) << error.what();
    EXPECT_NE(std::string(error.what()).find("[4, 9, 32]"), std::string::npos) << error.what();
  }
  config = ss2d_config(fixture.weights(), 16);
  config.kernel = 4;
  EXPECT_THROW(Ss2d::load(fixture.weights(), config, {}), Error);
}

}  // namespace histojet::tokens
