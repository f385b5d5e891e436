#include "scan/ssd_scan.hpp"

#include <gtest/gtest.h>

#include <limits>

#include "base/error.hpp"
#include "safetensors_file.hpp"
#include "scan_checks.hpp"

namespace histojet {
namespace {

struct SsdCase {
  Tensor x, dt, a, b, c, d, initial_state;
  bool softplus = false;
};

struct SsdResult {
  Tensor y, last_state;
};

SsdResult run(const SsdCase& scan, const scan::ScanRun& how = {}) {
  const Shape& x = scan.x.shape();
  SsdResult result{Tensor(DType::kF32, x), Tensor(DType::kF32, scan.initial_state.shape())};
  scan::ssd_scan({.batch = x[0],
                  .length = x[1],
                  .heads = x[2],
                  .head_channels = x[3],
                  .groups = scan.b.shape()[2],
                  .states = scan.b.shape()[3],
                  .x = scan.x.values<float>().data(),
                  .dt = scan.dt.values<float>().data(),
                  .a = scan.a.values<float>().data(),
                  .b = scan.b.values<float>().data(),
                  .c = scan.c.values<float>().data(),
                  .d = scan.d.size() == x[2] ? scan.d.values<float>().data() : nullptr,
                  .initial_state = scan.initial_state.values<float>().data(),
                  .y = result.y.values<float>().data(),
                  .last_state = result.last_state.values<float>().data(),
                  .dt_softplus = scan.softplus},
                 how);
  return result;
}

SsdCase random_case(std::int64_t heads, std::int64_t channels, std::int64_t states, std::int64_t length) {
  std::mt19937 random(3);
  SsdCase scan;
  scan.x = test::random_tensor({2, length, heads, channels}, random, -1, 1);
  scan.dt = test::random_tensor({2, length, heads}, random, -5, 1);
  scan.a = test::random_tensor({heads}, random, -2, -0.2f);
  scan.b = test::random_tensor({2, length, 2, states}, random, -1, 1);
  scan.c = test::random_tensor({2, length, 2, states}, random, -1, 1);
  scan.d = test::random_tensor({heads}, random, 0, 1);
  scan.initial_state = test::random_tensor({2, heads, channels, states}, random, -1, 1);
  scan.softplus = true;
  return scan;
}

TEST(SsdScan, KeepsTheBarOnTheFixture) {
  const test::SafetensorsFile file = test::read_safetensors(test::own_fixture("mamba/mamba2_ssd.safetensors"));
  SsdCase scan{file.at("x"), file.at("dt"), file.at("A"), file.at("B"), file.at("C"), {}, file.at("initial_state")};
  for (const Isa isa : test::available_isas()) {
    const SsdResult result = run(scan, {.isa = isa});
    test::expect_close(result.y, file.at("y"), std::string(isa_name(isa)));
    test::expect_close(result.last_state, file.at("final_state"), std::string(isa_name(isa)));
  }
}

TEST(SsdScan, VariantsAgreeForOddSizes) {
  for (const std::int64_t states : {1, 9, 16, 40}) {
    for (const std::int64_t channels : {1, 16, 21}) {
      const SsdCase scan = random_case(4, channels, states, 300);
      const SsdResult exact = run(scan, {.isa = Isa::kScalar});
      for (const Isa isa : test::available_isas()) {
        const SsdResult result = run(scan, {.threads = 1, .isa = isa});
        test::expect_close(result.y, exact.y, std::string(isa_name(isa)));
        test::expect_close(result.last_state, exact.last_state, std::string(isa_name(isa)));
        EXPECT_TRUE(test::same_bits(run(scan, {.threads = 3, .isa = isa}).y, result.y));
      }
    }
  }
}

// A head whose decay is the same for all states is a selective scan with that A everywhere.
TEST(SsdScan, IsASelectiveScanWithOneDecay) {
  const std::int64_t channels = 5, states = 7, length = 90;
  scan::ScanTensors selective = test::random_scan(1, channels, states, length);
  for (float& value : selective.a.values<float>()) value = -0.75f;
  for (std::int64_t i = 0; i < selective.delta.size(); ++i) {
    selective.delta.values<float>()[static_cast<std::size_t>(i)] =
        selective.delta.values<float>()[static_cast<std::size_t>(i % length)];
  }
  selective.delta_bias.reset();
  selective.z.reset();
  for (float& value : selective.d->values<float>()) value = 0.5f;
  const scan::ScanResult expected = test::exact_scan(selective);
  const auto with_head = [](const Tensor& from, Shape shape) { return Tensor::from_f32(from.values<float>(), shape); };
  SsdCase scan;
  scan.x = with_head(test::time_first(selective.u), {1, length, 1, channels});
  scan.dt = Tensor::from_f32(selective.delta.values<float>().first(static_cast<std::size_t>(length)), {1, length, 1});
  scan.a = Tensor::from_f32(std::vector<float>{-0.75f}, {1});
  scan.b = with_head(test::time_first(selective.b), {1, length, 1, states});
  scan.c = with_head(test::time_first(selective.c), {1, length, 1, states});
  scan.d = Tensor::from_f32(std::vector<float>{0.5f}, {1});
  scan.initial_state = with_head(*selective.initial_state, {1, 1, channels, states});
  scan.softplus = true;
  const SsdResult result = run(scan);
  test::expect_close(with_head(result.y, {1, length, channels}), test::time_first(expected.y), "y");
  test::expect_close(with_head(result.last_state, {1, channels, states}), *expected.last_state, "last state");
}

TEST(SsdScan, NamesThePositionOfADtThatIsNotFinite) {
  SsdCase scan = random_case(2, 3, 4, 50);
  scan.dt.values<float>()[(50 + 33) * 2 + 1] = std::numeric_limits<float>::infinity();
  try {
    run(scan);
    ADD_FAILURE() << "nothing was refused";
  } catch (const Error& error) {
    EXPECT_STREQ(error.what(), "dt is inf at batch item 1, step 33, head 1, expected a finite number");
  }
}

}  // namespace
}  // namespace histojet
