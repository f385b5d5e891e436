#include "scan/selective_scan.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <limits>

#include "base/error.hpp"
#include "safetensors_file.hpp"
#include "scan_checks.hpp"

namespace histojet {
namespace {

using scan::Layout;
using scan::scan_tensors;
using scan::ScanResult;
using scan::ScanRun;
using scan::ScanTensors;
using test::same_bits;

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

ScanTensors fixture_scan(const test::SafetensorsFile& file) {
  ScanTensors scan;
  scan.u = file.at("u");
  scan.delta = file.at("delta");
  scan.a = file.at("A");
  scan.b = file.at("B");
  scan.c = file.at("C");
  if (file.has("D")) scan.d = file.at("D");
  if (file.has("z")) scan.z = file.at("z");
  if (file.has("delta_bias")) scan.delta_bias = file.at("delta_bias");
  if (file.has("initial_state")) scan.initial_state = file.at("initial_state");
  scan.delta_softplus = file.metadata.at("delta_softplus") == "true";
  scan.last_state = true;
  return scan;
}

void check_fixture(const std::string& path) {
  const test::SafetensorsFile file = test::read_safetensors(path);
  const ScanTensors scan = fixture_scan(file);
  for (const Isa isa : test::available_isas()) {
    const std::string what = path + " with " + std::string(isa_name(isa));
    const ScanRun run{.isa = isa};
    const ScanResult bdl = scan_tensors(scan, run);
    test::expect_close(bdl.y, file.at("out_exact"), what);
    test::expect_close(*bdl.last_state, file.at("last_state_exact"), what + ", last state");
    const ScanResult bld = scan_tensors(test::channels_last(scan), run);
    EXPECT_TRUE(same_bits(bld.y, test::time_first(bdl.y))) << what;
    EXPECT_TRUE(same_bits(*bld.last_state, *bdl.last_state)) << what;
  }
}

class ScanFixture : public testing::TestWithParam<const char*> {};

TEST_P(ScanFixture, KeepsTheBarWithEveryInstructionSetAndLayout) {
  check_fixture(test::own_fixture("mamba/scan_" + std::string(GetParam()) + ".safetensors"));
}

INSTANTIATE_TEST_SUITE_P(Scan, ScanFixture,
                         testing::Values("bare_odd", "batch5_n5", "constB_constC", "constB_varC", "extreme", "groups2",
                                         "initial_state", "len1", "len3_n1", "n256", "n64", "no_softplus_bias", "no_z",
                                         "upstream_test_g1", "upstream_test_g2", "varB_constC"));

TEST(ScanSharedFixture, KeepsTheBar) {
  HISTOJET_NEEDS_SHARED_FIXTURES();
  for (const char* name : {"groups4_noD", "long_4096", "odd_1023"}) {
    check_fixture(test::shared_fixture("mamba/scan_" + std::string(name) + ".safetensors"));
  }
}

TEST(Scan, AgreesWithDoublePrecisionForOddSizes) {
  for (const std::int64_t states : {1, 2, 3, 4, 7, 8, 13, 16, 17, 31, 33}) {
    for (const std::int64_t channels : {1, 15, 17, 40}) {
      ScanTensors scan = test::random_scan(2, channels, states, 67);
      scan.reverse = channels == 17;
      const ScanResult exact = test::exact_scan(scan);
      for (const Isa isa : test::available_isas()) {
        const std::string what = std::to_string(states) + " states, " + std::to_string(channels) + " channels, " +
                                 std::string(isa_name(isa));
        const ScanResult result = scan_tensors(scan, {.isa = isa});
        test::expect_close(result.y, exact.y, what);
        test::expect_close(*result.last_state, *exact.last_state, what);
        EXPECT_TRUE(same_bits(scan_tensors(test::channels_last(scan), {.isa = isa}).y, test::time_first(result.y)));
      }
    }
  }
}

TEST(Scan, NeitherThreadsNorLayoutChangeABit) {
  for (const std::int64_t groups : {1, 3}) {
    const ScanTensors scan = test::random_scan(3, 66, 16, 300, groups);
    for (const Isa isa : test::available_isas()) {
      const ScanResult one = scan_tensors(scan, {.threads = 1, .isa = isa});
      for (const int threads : {2, 3, 7}) {
        const ScanResult more = scan_tensors(scan, {.threads = threads, .isa = isa});
        EXPECT_TRUE(same_bits(one.y, more.y) && same_bits(*one.last_state, *more.last_state)) << threads;
        const ScanResult last = scan_tensors(test::channels_last(scan), {.threads = threads, .isa = isa});
        EXPECT_TRUE(same_bits(test::time_first(one.y), last.y)) << threads;
      }
    }
  }
}

/// Steps [first, first + count) of the last side.
Tensor cut(const Tensor& from, std::int64_t first, std::int64_t count) {
  Shape shape = from.shape();
  const std::int64_t length = shape.back(), rows = from.size() / length;
  shape.back() = count;
  Tensor to(DType::kF32, shape);
  for (std::int64_t row = 0; row < rows; ++row) {
    std::memcpy(to.bytes() + 4 * row * count, from.bytes() + 4 * (row * length + first),
                static_cast<std::size_t>(4 * count));
  }
  return to;
}

TEST(Scan, CutsIntoPiecesThatHandOnTheirStatesWithoutChangingABit) {
  const std::int64_t length = 301;
  ScanTensors scan = test::random_scan(1, 20, 16, length);
  for (const bool reverse : {false, true}) {
    scan.reverse = reverse;
    for (const Isa isa : test::available_isas()) {
      const ScanResult whole = scan_tensors(scan, {.isa = isa});
      std::optional<Tensor> state = scan.initial_state;
      std::int64_t done = 0;
      for (const std::int64_t count : {1, 31, 32, 33, 7, 100, 64, 33}) {
        const std::int64_t first = reverse ? length - done - count : done;
        ScanTensors piece = scan;
        for (Tensor* tensor : {&piece.u, &piece.delta, &*piece.z, &piece.b, &piece.c}) {
          *tensor = cut(*tensor, first, count);
        }
        piece.initial_state = state;
        const ScanResult part = scan_tensors(piece, {.isa = isa});
        EXPECT_TRUE(same_bits(part.y, cut(whole.y, first, count))) << isa_name(isa) << " from " << first;
        state = part.last_state;
        done += count;
      }
      EXPECT_EQ(done, length);
      EXPECT_TRUE(same_bits(*state, *whole.last_state)) << isa_name(isa);
    }
  }
}

TEST(Scan, ReverseIsFlipScanFlip) {
  const auto flipped = [](const Tensor& from) {
    Tensor to(DType::kF32, from.shape());
    const std::int64_t length = from.shape().back();
    for (std::int64_t i = 0; i < from.size(); ++i) {
      const std::int64_t t = i % length;
      to.values<float>()[static_cast<std::size_t>(i - t + length - 1 - t)] =
          from.values<float>()[static_cast<std::size_t>(i)];
    }
    return to;
  };
  ScanTensors scan = test::random_scan(2, 19, 8, 77);
  ScanTensors turned = scan;
  for (Tensor* tensor : {&turned.u, &turned.delta, &*turned.z, &turned.b, &turned.c}) *tensor = flipped(*tensor);
  scan.reverse = true;
  EXPECT_TRUE(same_bits(flipped(scan_tensors(turned).y), scan_tensors(scan).y));
}

TEST(Scan, WhatIsNotFiniteStaysInItsChannel) {
  ScanTensors scan = test::random_scan(1, 37, 16, 90);
  for (const Isa isa : test::available_isas()) {
    const ScanResult clean = scan_tensors(scan, {.isa = isa});
    ScanTensors dirty = scan;
    dirty.u = cut(scan.u, 0, 90);
    dirty.u.values<float>()[5 * 90 + 40] = kNan;
    dirty.u.values<float>()[36 * 90 + 3] = std::numeric_limits<float>::infinity();
    const ScanResult result = scan_tensors(dirty, {.isa = isa});
    EXPECT_TRUE(std::isnan(result.y.values<float>()[5 * 90 + 41]));
    EXPECT_TRUE(std::isfinite(result.y.values<float>()[5 * 90 + 39]));
    for (std::size_t d = 0; d < 37; ++d) {
      if (d == 5 || d == 36) continue;
      EXPECT_EQ(std::memcmp(&result.y.values<float>()[d * 90], &clean.y.values<float>()[d * 90], 360), 0) << d;
    }
  }
}

TEST(Scan, ADecayThatUnderflowsForgetsEverything) {
  ScanTensors scan = test::random_scan(1, 16, 16, 2);
  scan.delta_softplus = false;
  scan.delta_bias.reset();
  scan.d.reset();
  scan.z.reset();
  for (float& value : scan.delta.values<float>()) value = 50;
  for (float& value : scan.a.values<float>()) value = -1e30f;
  for (float& value : scan.u.values<float>()) value = 0;
  for (float& value : scan.initial_state->values<float>()) value = 1e30f;
  for (const Isa isa : test::available_isas()) {
    const ScanResult result = scan_tensors(scan, {.isa = isa});
    for (const float value : result.y.values<float>()) EXPECT_EQ(value, 0.0f) << isa_name(isa);
  }
}

TEST(Scan, AnEmptySequenceHandsOnTheState) {
  ScanTensors scan = test::random_scan(2, 3, 4, 5);
  for (Tensor* tensor : {&scan.u, &scan.delta, &*scan.z, &scan.b, &scan.c}) *tensor = cut(*tensor, 0, 0);
  const ScanResult result = scan_tensors(scan);
  EXPECT_EQ(result.y.size(), 0);
  EXPECT_TRUE(same_bits(*result.last_state, *scan.initial_state));
}

std::string refusal(const ScanTensors& scan, ErrorCode code) {
  try {
    scan_tensors(scan);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), code) << error.what();
    return error.what();
  }
  ADD_FAILURE() << "nothing was refused";
  return "";
}

TEST(Scan, NamesTheTensorWhoseShapeIsWrong) {
  const ScanTensors good = test::random_scan(2, 6, 4, 5);
  ScanTensors scan = good;
  scan.delta = Tensor(DType::kF32, {2, 6, 4});
  EXPECT_EQ(refusal(scan, ErrorCode::kShapeMismatch), "delta has shape [2, 6, 4], expected [2, 6, 5]");
  scan = good;
  scan.a = Tensor(DType::kF32, {5, 4});
  EXPECT_EQ(refusal(scan, ErrorCode::kShapeMismatch), "A has shape [5, 4], expected [6, states]");
  scan = good;
  scan.c = Tensor(DType::kF32, {2, 5, 4});
  EXPECT_EQ(refusal(scan, ErrorCode::kShapeMismatch),
            "C has shape [2, 5, 4], expected [6, 4], [2, 4, 5] or [2, 1, 4, 5]");
  scan = good;
  scan.b = scan.c = Tensor(DType::kF32, {2, 4, 4, 5});
  EXPECT_EQ(refusal(scan, ErrorCode::kShapeMismatch),
            "B has shape [2, 4, 4, 5], expected [6, 4], [2, 4, 5] or [2, groups, 4, 5] with groups that divide the "
            "channels");
  scan = good;
  scan.initial_state = Tensor(DType::kF32, {2, 4, 6});
  EXPECT_EQ(refusal(scan, ErrorCode::kShapeMismatch), "initialState has shape [2, 4, 6], expected [2, 6, 4]");
  scan = good;
  scan.z = Tensor(DType::kI32, {2, 6, 5});
  EXPECT_EQ(refusal(scan, ErrorCode::kInvalidArgument), "z holds I32, expected real floats");
}

TEST(Scan, NamesThePositionOfWhatIsNotFinite) {
  const auto copy = [](const Tensor& from) { return Tensor::from_f32(from.values<float>(), from.shape()); };
  const ScanTensors good = test::random_scan(2, 20, 4, 70);
  ScanTensors scan = good;
  scan.a = copy(good.a);
  scan.a.values<float>()[4 * 7 + 2] = kNan;
  EXPECT_EQ(refusal(scan, ErrorCode::kInvalidArgument), "A[7, 2] is nan, expected a finite number");
  scan = good;
  scan.delta_bias = copy(*good.delta_bias);
  scan.delta_bias->values<float>()[19] = kNan;
  EXPECT_EQ(refusal(scan, ErrorCode::kInvalidArgument), "deltaBias[19] is nan, expected a finite number");
  for (const bool reverse : {false, true}) {
    for (const bool last : {false, true}) {
      scan = good;
      scan.reverse = reverse;
      scan.delta = copy(good.delta);
      scan.delta.values<float>()[(20 + 17) * 70 + 33] = kNan;
      EXPECT_EQ(refusal(last ? test::channels_last(scan) : scan, ErrorCode::kInvalidArgument),
                "delta + deltaBias is nan at batch item 1, channel 17, step 33, expected a finite number");
    }
  }
}

TEST(Scan, RefusesSizesThatMakeNoSense) {
  scan::SelectiveScan scan;
  EXPECT_THROW(scan::selective_scan(scan), Error) << "no states";
  scan.states = 4;
  scan.channels = 5;
  scan.groups = 2;
  EXPECT_THROW(scan::selective_scan(scan), Error) << "5 channels in 2 groups";
  scan.groups = 1;
  scan.batch = scan.length = std::int64_t{1} << 40;
  EXPECT_THROW(scan::selective_scan(scan), Error) << "overflow";
}

TEST(Scan, ReportsProgressAndStopsWhenCancelled) {
  const ScanTensors scan = test::random_scan(1, 64, 16, 2000);
  CancelSource source;
  std::atomic<std::int64_t> last{0}, calls{0};
  const auto progress = [&](std::int64_t done, std::int64_t total) {
    EXPECT_EQ(total, 64 * 2000);
    if (done > last) last = done;
    ++calls;
  };
  scan_tensors(scan, {.threads = 2, .progress = progress});
  EXPECT_EQ(last, 64 * 2000);
  EXPECT_GT(calls, 4);
  const auto stop = [&](std::int64_t, std::int64_t) { source.cancel(); };
  EXPECT_THROW(scan_tensors(scan, {.cancel = source.token(), .progress = stop}), Cancelled);
}

}  // namespace
}  // namespace histojet
