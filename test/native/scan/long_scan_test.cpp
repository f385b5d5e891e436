#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmath>
#include <vector>

#include "safetensors_file.hpp"
#include "scan/selective_scan.hpp"
#include "scan_checks.hpp"

namespace histojet {
namespace {

/// The hash of the formula fixtures: a number in [0, 1), exact in float32.
float hashed(std::uint64_t index, std::uint32_t seed) {
  std::uint32_t x = static_cast<std::uint32_t>(index) + seed * 0x9E3779B9U;
  x ^= x >> 16;
  x *= 0x7feb352dU;
  x ^= x >> 15;
  x *= 0x846ca68bU;
  x ^= x >> 16;
  return static_cast<float>(x >> 8) / 16777216.0f;
}

constexpr std::int64_t kStates = 16;

/// Steps [first, first + steps) of a formula fixture's inputs, channels last.
struct FormulaTile {
  std::vector<float> u, delta, z, b, c, y;
};

FormulaTile formula_tile(std::uint32_t seed, std::int64_t channels, std::int64_t length, std::int64_t first,
                         std::int64_t steps) {
  FormulaTile tile;
  for (std::int64_t t = first; t < first + steps; ++t) {
    for (std::int64_t d = 0; d < channels; ++d) {
      const auto index = static_cast<std::uint64_t>(d * length + t);
      tile.u.push_back(2 * hashed(index, seed + 1) - 1);
      tile.delta.push_back(2 * hashed(index, seed + 2) - 1);
      tile.z.push_back(4 * hashed(index, seed + 3) - 2);
    }
    for (std::int64_t n = 0; n < kStates; ++n) {
      const auto index = static_cast<std::uint64_t>(n * length + t);
      tile.b.push_back(2 * hashed(index, seed + 4) - 1);
      tile.c.push_back(2 * hashed(index, seed + 5) - 1);
    }
  }
  tile.y.resize(tile.u.size());
  return tile;
}

double worst_of(const std::vector<float>& actual, const Tensor& exact) {
  double worst = 0;
  for (std::size_t i = 0; i < actual.size(); ++i) {
    const double error = std::fabs(static_cast<double>(actual[i]) - exact.values<float>()[i]);
    if (!(error <= worst)) worst = error;
  }
  return worst;
}

/// Streams the inputs through the scan tile by tile and compares what the fixture keeps of the result.
void check_formula(const std::string& path, Isa isa, std::int64_t tile_steps) {
  const test::SafetensorsFile file = test::read_safetensors(path);
  const std::int64_t channels = std::stoll(file.metadata.at("D")), length = std::stoll(file.metadata.at("L"));
  const auto seed = static_cast<std::uint32_t>(std::stoul(file.metadata.at("seed_base")));
  const auto sample_d = file.at("sample_d").values<std::int32_t>(),
             sample_t = file.at("sample_t").values<std::int32_t>();
  std::vector<float> state(static_cast<std::size_t>(channels * kStates)), samples(sample_d.size());
  std::vector<float> tail(static_cast<std::size_t>(channels * 64));
  std::vector<double> sums(static_cast<std::size_t>(channels));
  for (std::int64_t first = 0; first < length; first += tile_steps) {
    const std::int64_t steps = std::min(tile_steps, length - first);
    FormulaTile tile = formula_tile(seed, channels, length, first, steps);
    const auto sequence = [&](const float* data) { return scan::Sequence{data, 0, 1, channels}; };
    const auto factor = [&](const float* data) { return scan::Factor{data, 0, 0, 1, kStates}; };
    scan::selective_scan({.channels = channels,
                          .length = steps,
                          .states = kStates,
                          .u = sequence(tile.u.data()),
                          .delta = sequence(tile.delta.data()),
                          .z = sequence(tile.z.data()),
                          .y = sequence(nullptr),
                          .y_data = tile.y.data(),
                          .a = file.at("A").values<float>().data(),
                          .b = factor(tile.b.data()),
                          .c = factor(tile.c.data()),
                          .d = file.at("D").values<float>().data(),
                          .delta_bias = file.at("delta_bias").values<float>().data(),
                          .initial_state = state.data(),
                          .last_state = state.data(),
                          .delta_softplus = true},
                         {.isa = isa});
    const auto y = [&](std::int64_t d, std::int64_t t) {
      return tile.y[static_cast<std::size_t>((t - first) * channels + d)];
    };
    for (std::size_t i = 0; i < samples.size(); ++i) {
      if (sample_t[i] >= first && sample_t[i] < first + steps) samples[i] = y(sample_d[i], sample_t[i]);
    }
    for (std::int64_t d = 0; d < channels; ++d) {
      for (std::int64_t t = first; t < first + steps; ++t) {
        sums[static_cast<std::size_t>(d)] += y(d, t);
        if (t >= length - 64) tail[static_cast<std::size_t>(d * 64 + t - (length - 64))] = y(d, t);
      }
    }
  }
  const double bar = 1e-6 * test::largest(file.at("sample_out")) + 1e-6;
  EXPECT_LE(worst_of(samples, file.at("sample_out")), bar);
  EXPECT_LE(worst_of(tail, file.at("tail_out")), bar);
  EXPECT_LE(worst_of(state, file.at("last_state")), 1e-6 * test::largest(file.at("last_state")) + 1e-6);
  for (std::size_t d = 0; d < sums.size(); ++d) {
    // The rounding of single steps has no direction: their sum stays far below the sum of their bars.
    EXPECT_NEAR(sums[d], file.at("channel_sums").values<double>()[d], bar * std::sqrt(static_cast<double>(length)));
  }
}

TEST(LongScan, AHundredThousandStepsKeepTheBar) {
  for (const Isa isa : test::available_isas()) {
    if (isa == Isa::kScalar) continue;  // some seconds, and the others are compared with it elsewhere
    check_formula(test::own_fixture("mamba/scan_formula_d48_l100003.safetensors"), isa, 5003);
  }
}

TEST(LongScan, ManyChannelsTooAndTileByTile) {
  HISTOJET_NEEDS_SHARED_FIXTURES();
  check_formula(test::shared_fixture("mamba/scan_formula_d384_l65536.safetensors"), active_isa(), 1000);
}

/// Addresses for `bytes` bytes behind which one block of memory lies again and again.
class RepeatedMemory {
 public:
  explicit RepeatedMemory(std::size_t bytes) : bytes_((bytes + kBlock - 1) / kBlock * kBlock) {
    const int file = memfd_create("scan", 0);
    if (file < 0 || ftruncate(file, kBlock) != 0) throw std::runtime_error("no memory file");
    start_ = static_cast<char*>(mmap(nullptr, bytes_, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0));
    if (start_ == MAP_FAILED) throw std::runtime_error("no addresses");
    for (std::size_t at = 0; at < bytes_; at += kBlock) {
      void* const block = mmap(start_ + at, kBlock, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, file, 0);
      if (block == MAP_FAILED) throw std::runtime_error("no mapping");
    }
    close(file);
  }
  ~RepeatedMemory() { munmap(start_, bytes_); }
  RepeatedMemory(const RepeatedMemory&) = delete;
  RepeatedMemory& operator=(const RepeatedMemory&) = delete;

  float* floats() const { return reinterpret_cast<float*>(start_); }
  static constexpr std::size_t kBlock = std::size_t{4} << 20;

 private:
  std::size_t bytes_;
  char* start_ = nullptr;
};

// y lies behind real addresses beyond 2^31 elements; the inputs repeat one step.
TEST(LongScan, MoreThanTwoToThe31Elements) {
  constexpr std::int64_t channels = 16, length = (std::int64_t{1} << 27) + 1001;
  static_assert(channels * length > std::int64_t{1} << 31);
  const RepeatedMemory y(static_cast<std::size_t>(4 * channels * length));
  std::vector<float> u(channels), delta(channels, 0.125f), a(channels, -0.5f), state(channels);
  for (std::size_t d = 0; d < u.size(); ++d) u[d] = static_cast<float>(d + 1);
  const float one = 1;
  for (const std::int64_t first : {std::int64_t{0}, length - 100}) {
    const scan::Sequence row{nullptr, 0, 1, 0};
    scan::SelectiveScan scan{.channels = channels, .length = length, .states = 1, .u = row, .delta = row, .y = row};
    scan.u.data = u.data();
    scan.delta.data = delta.data();
    scan.y = {nullptr, 0, 1, channels};
    scan.y_data = y.floats();
    scan.a = a.data();
    scan.b = scan.c = {.data = &one, .state_step = 1};
    scan.last_state = state.data();
    if (first != 0) {
      // The last steps alone, from a state that the sequence reached long before.
      scan.y_data += first * channels;
      scan.length = length - first;
      scan.initial_state = state.data();
    }
    scan::selective_scan(scan);
    const double limit = 0.125 / (1 - std::exp(-0.0625));
    for (std::size_t d = 0; d < u.size(); ++d) {
      EXPECT_NEAR(y.floats()[(length - 1) * channels + static_cast<std::int64_t>(d)], limit * u[d], 2e-5 * u[d]);
      EXPECT_NEAR(state[d], limit * u[d], 2e-5 * u[d]);
    }
  }
}

}  // namespace
}  // namespace histojet
