#include "tokens/scan2d_mixer.hpp"

#include <gtest/gtest.h>

#include <random>

#include "available_isas.hpp"
#include "base/error.hpp"
#include "tokens/made_mixer.hpp"
#include "tokens/plain_grid_mixer.hpp"
#include "tokens/token_fixtures.hpp"

namespace histojet::tokens {
namespace {

struct Made {
  explicit Made(const MambaConfig& config, const LayerOptions& options = {})
      : scope(std::make_shared<MadeMixer>(config)), mixer(MambaMixer::load(scope, config, options)) {}

  weights::WeightScope scope;
  MambaMixer mixer;
};

std::vector<float> noise(std::int64_t count) {
  std::mt19937 random(5);
  std::normal_distribution<float> normal;
  std::vector<float> values(static_cast<std::size_t>(count));
  for (float& value : values) value = normal(random);
  return values;
}

std::vector<float> run_all(const MambaMixer& mixer, const std::vector<float>& x, std::int64_t height,
                           std::int64_t width, int threads = 1) {
  const std::int64_t dim = mixer.config().dim;
  std::vector<float> y(x.size());
  MixerScratch scratch;
  accumulate_scan2d_all(mixer, {.in = {x.data(), dim}, .out = {y.data(), dim}, .tokens = height * width}, height, width,
                        scratch, threads, {});
  return y;
}

std::vector<double> reversed_cells(const std::vector<double>& x, std::size_t dim) {
  std::vector<double> y(x.size());
  for (std::size_t t = 0; t < x.size(); t += dim) {
    std::copy_n(x.begin() + static_cast<std::ptrdiff_t>(x.size() - t - dim), dim,
                y.begin() + static_cast<std::ptrdiff_t>(t));
  }
  return y;
}

/// Both directions where there are two.
std::vector<float> expected_all(const Made& made, const std::vector<float>& x, std::int64_t width) {
  const std::vector<double> in(x.begin(), x.end());
  const auto columns = static_cast<std::size_t>(width), dim = static_cast<std::size_t>(made.mixer.config().dim);
  std::vector<double> y = test::PlainGridMixer(made.scope)(in, columns);
  if (made.mixer.config().bidirectional == Bidirectional::kV2) {
    const auto back = reversed_cells(test::PlainGridMixer(made.scope, "_b")(reversed_cells(in, dim), columns), dim);
    for (std::size_t i = 0; i < y.size(); ++i) y[i] += back[i];
  }
  return {y.begin(), y.end()};
}

struct Grid {
  std::int64_t height;
  std::int64_t width;
};

TEST(Scan2dMixer, EqualsItsFormulas) {
  for (const MambaConfig& config : {MambaConfig{.dim = 20, .d_state = 5, .d_conv = 3},
                                    MambaConfig{.dim = 32, .bidirectional = Bidirectional::kV2}}) {
    for (const Grid& grid : {Grid{7, 9}, Grid{1, 40}, Grid{40, 1}, Grid{13, 5}}) {
      const std::vector<float> x = noise(grid.height * grid.width * config.dim);
      const std::vector<float> expected = expected_all(Made(config), x, grid.width);
      for (const Isa isa : test::available_isas()) {
        const Made made(config, {.isa = isa});
        test::expect_float32_parity(run_all(made.mixer, x, grid.height, grid.width), expected,
                                    std::string(isa_name(isa)) + ", width " + std::to_string(grid.width));
      }
    }
  }
}

TEST(Scan2dMixer, PrecisionsKeepTheirBounds) {
  const MambaConfig config{.dim = 64};
  const std::vector<float> x = noise(33 * 40 * config.dim);
  const std::vector<float> expected = expected_all(Made(config), x, 40);
  for (const Precision precision : test::kPrecisions) {
    const Made made(config, {.precision = precision});
    EXPECT_LE(test::relative_distance(run_all(made.mixer, x, 33, 40), expected), test::allowed_distance(precision));
  }
}

/// The grid in runs of these sizes, again and again.
std::vector<float> run_in_pieces(const MambaMixer& mixer, Direction direction, const std::vector<float>& x,
                                 std::int64_t width, const std::vector<std::int64_t>& sizes, int threads) {
  const std::int64_t dim = mixer.config().dim, cells = static_cast<std::int64_t>(x.size()) / dim;
  std::vector<float> y(x.size());
  MixerScratch scratch;
  Scan2dState state = start_scan2d(mixer, width);
  std::size_t i = 0;
  for (std::int64_t done = 0; done < cells;) {
    const std::int64_t count = std::min(sizes[i++ % sizes.size()], cells - done);
    const std::int64_t first = direction == Direction::kForward ? done : cells - done - count;
    accumulate_scan2d(mixer, direction,
                      {.in = {x.data() + first * dim, dim}, .out = {y.data() + first * dim, dim}, .tokens = count},
                      state, scratch, threads, {});
    done += count;
  }
  return y;
}

TEST(Scan2dMixer, BitsDependOnNeitherPiecesNorThreads) {
  const Made made({.dim = 16, .bidirectional = Bidirectional::kV2});
  for (const Grid& grid : {Grid{61, 70}, Grid{5, 1300}, Grid{1500, 2}}) {
    const std::int64_t cells = grid.height * grid.width;
    const std::vector<float> x = noise(cells * 16);
    for (const Direction direction : {Direction::kForward, Direction::kBackward}) {
      const std::vector<float> whole = run_in_pieces(made.mixer, direction, x, grid.width, {cells}, 1);
      for (const int threads : {1, 2, 3, 5}) {
        EXPECT_EQ(run_in_pieces(made.mixer, direction, x, grid.width, {cells}, threads), whole);
        EXPECT_EQ(run_in_pieces(made.mixer, direction, x, grid.width, {1, grid.width - 1, 33, 700}, threads), whole);
      }
    }
  }
}

TEST(Scan2dMixer, RowsOfManyStatesEqualTheFormulas) {
  const Made made({.dim = 16, .d_state = 64});
  const std::vector<float> x = noise(3 * 300 * 16);
  test::expect_float32_parity(run_all(made.mixer, x, 3, 300), expected_all(made, x, 300));
}

TEST(Scan2dMixer, PassesOverCellsWithoutToken) {
  const Made made({.dim = 16});
  constexpr std::int64_t kHeight = 6, kWidth = 8, kCells = kHeight * kWidth;
  std::vector<float> x = noise(kCells * 16);
  std::vector<std::int32_t> order(kCells);
  std::vector<bool> present(kCells);
  for (std::int32_t t = 0; t < kCells; ++t) {
    present[static_cast<std::size_t>(t)] = t % 5 != 1 && t / kWidth != 3;
    order[static_cast<std::size_t>(t)] = present[static_cast<std::size_t>(t)] ? t : -1;
  }
  const std::vector<double> all =
      test::PlainGridMixer(made.scope)(std::vector<double>(x.begin(), x.end()), kWidth, present);
  std::vector<float> expected(all.begin(), all.end());
  const auto run = [&](int threads) {
    std::vector<float> y(x.size());
    MixerScratch scratch;
    accumulate_scan2d_all(
        made.mixer,
        {.in = {x.data(), 16, order.data()}, .out = {y.data(), 16, order.data()}, .tokens = kHeight * kWidth}, kHeight,
        kWidth, scratch, threads, {});
    return y;
  };
  for (std::size_t i = 0; i < expected.size(); ++i) {
    if (present[i / 16]) continue;
    expected[i] = 0;
    x[i] = 1e30F;  // must not be looked at
  }
  const std::vector<float> y = run(1);
  test::expect_float32_parity(y, expected);
  EXPECT_EQ(run(2), y);
}

TEST(Scan2dMixer, AddsToResidualTokensInPlace) {
  const Made made({.dim = 16});
  const std::vector<float> x = noise(20 * 16);
  std::vector<float> sums = x;
  MixerScratch scratch;
  accumulate_scan2d_all(made.mixer, {.in = {sums.data(), 16}, .out = {sums.data(), 16}, .tokens = 20}, 4, 5, scratch, 1,
                        {});
  const std::vector<float> y = run_all(made.mixer, x, 4, 5);
  for (std::size_t i = 0; i < x.size(); ++i) EXPECT_NEAR(sums[i], x[i] + y[i], 1e-5);
}

TEST(Scan2dMixer, RefusesWhatDoesNotFit) {
  const auto code_of = [](const auto& work) {
    try {
      work();
    } catch (const Error& error) {
      return error.code();
    }
    return ErrorCode::kInternal;
  };
  const Made made({.dim = 16}), v1({.dim = 16, .bidirectional = Bidirectional::kV1});
  const std::vector<float> x = noise(20 * 16);
  EXPECT_EQ(code_of([&] { run_all(made.mixer, std::vector<float>(x), 4, -5); }), ErrorCode::kShapeMismatch);
  std::vector<float> y(x.size());
  MixerScratch scratch;
  const MixerRun run{.in = {x.data(), 16}, .out = {y.data(), 16}, .tokens = 20};
  EXPECT_EQ(code_of([&] { accumulate_scan2d_all(made.mixer, run, 3, 7, scratch, 1, {}); }), ErrorCode::kShapeMismatch);
  EXPECT_EQ(code_of([&] { accumulate_scan2d_all(v1.mixer, run, 4, 5, scratch, 1, {}); }), ErrorCode::kInvalidArgument);
  EXPECT_EQ(code_of([&] { start_scan2d(made.mixer, 0); }), ErrorCode::kInvalidArgument);
  EXPECT_EQ(code_of([&] { start_scan2d(made.mixer, std::int64_t{1} << 60); }), ErrorCode::kInvalidArgument);
  Scan2dState state = start_scan2d(made.mixer, 5);
  EXPECT_EQ(code_of([&] { accumulate_scan2d(made.mixer, Direction::kBackward, run, state, scratch, 1, {}); }),
            ErrorCode::kInvalidArgument);
  const Made other({.dim = 16, .d_state = 4});
  EXPECT_EQ(code_of([&] { accumulate_scan2d(other.mixer, Direction::kForward, run, state, scratch, 1, {}); }),
            ErrorCode::kInvalidArgument);
  CancelSource source;
  source.cancel();
  EXPECT_THROW(accumulate_scan2d(made.mixer, Direction::kForward, run, state, scratch, 1, source.token()), Cancelled);
}

}  // namespace
}  // namespace histojet::tokens
