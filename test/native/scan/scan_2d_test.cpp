#include "scan/scan_2d.hpp"

#include <gtest/gtest.h>

#include "base/error.hpp"
#include "safetensors_file.hpp"
#include "scan_checks.hpp"

namespace histojet {
namespace {

/// The tensors of `scan` (layout kBdl) as a grid.
Tensor grid_scan(const scan::ScanTensors& scan, std::int64_t height, std::int64_t width,
                 const scan::ScanRun& run = {}) {
  const Shape& shape = scan.u.shape();
  const std::int64_t states = scan.a.shape()[1], length = shape[2];
  Tensor y(DType::kF32, shape);
  const auto sequence = [&](const Tensor* tensor) {
    const float* data = tensor == nullptr ? nullptr : tensor->values<float>().data();
    return scan::Sequence{data, shape[1] * length, length, 1};
  };
  const auto factor = [&](const Tensor& tensor) {
    return scan::Factor{tensor.values<float>().data(), states * length, 0, length, 1};
  };
  scan::scan_2d({.batch = shape[0],
                 .channels = shape[1],
                 .length = length,
                 .states = states,
                 .u = sequence(&scan.u),
                 .delta = sequence(&scan.delta),
                 .z = sequence(scan.z ? &*scan.z : nullptr),
                 .y = sequence(nullptr),
                 .y_data = y.values<float>().data(),
                 .a = scan.a.values<float>().data(),
                 .b = factor(scan.b),
                 .c = factor(scan.c),
                 .d = scan.d->values<float>().data(),
                 .delta_bias = scan.delta_bias->values<float>().data(),
                 .delta_softplus = scan.delta_softplus,
                 .reverse = scan.reverse},
                height, width, run);
  return y;
}

void check_fixture(const std::string& path) {
  const test::SafetensorsFile file = test::read_safetensors(path);
  scan::ScanTensors scan;
  scan.u = file.at("u");
  scan.delta = file.at("delta");
  scan.z = file.at("z");
  scan.a = file.at("A");
  scan.b = file.at("B");
  scan.c = file.at("C");
  scan.d = file.at("D");
  scan.delta_bias = file.at("delta_bias");
  scan.delta_softplus = true;
  const std::int64_t height = std::stoll(file.metadata.at("H")), width = std::stoll(file.metadata.at("W"));
  // B and C have one group; [1, 1, length] stands for [1, states, length] with one state.
  for (const Isa isa : test::available_isas()) {
    test::expect_close(grid_scan(scan, height, width, {.isa = isa}), file.at("out"),
                       path + " with " + std::string(isa_name(isa)));
  }
}

TEST(Scan2d, KeepsTheBar) {
  check_fixture(test::own_fixture("mamba/scan2d_small.safetensors"));
}

TEST(Scan2d, KeepsTheBarAcrossTheReferencesBlocks) {
  HISTOJET_NEEDS_SHARED_FIXTURES();
  check_fixture(test::shared_fixture("mamba/scan2d_cross_block.safetensors"));
}

/// The definition, cell by cell, in double precision; one channel of one batch item.
std::vector<double> exact_cells(const scan::ScanTensors& scan, std::int64_t d, std::int64_t height,
                                std::int64_t width) {
  const std::int64_t states = scan.a.shape()[1], length = height * width;
  const auto at = [](const Tensor& tensor, std::int64_t i) {
    return static_cast<double>(tensor.values<float>()[static_cast<std::size_t>(i)]);
  };
  std::vector<double> y(static_cast<std::size_t>(length));
  for (std::int64_t n = 0; n < states; ++n) {
    std::vector<double> above(static_cast<std::size_t>(width));
    for (std::int64_t i = 0; i < height; ++i) {
      double row = 0;
      for (std::int64_t j = 0; j < width; ++j) {
        const std::int64_t step = i * width + j, t = scan.reverse ? length - 1 - step : step;
        const double dt = std::log1p(std::exp(at(scan.delta, d * length + t) + at(*scan.delta_bias, d)));
        const double power = std::exp(dt * at(scan.a, d * states + n));
        row = power * row + dt * at(scan.b, n * length + t) * at(scan.u, d * length + t);
        double& cell = above[static_cast<std::size_t>(j)];
        cell = power * cell + row;
        y[static_cast<std::size_t>(t)] += at(scan.c, n * length + t) * cell;
      }
    }
  }
  for (std::int64_t t = 0; t < length; ++t) {
    double& value = y[static_cast<std::size_t>(t)];
    const double z = at(*scan.z, d * length + t);
    value = (value + at(*scan.d, d) * at(scan.u, d * length + t)) * z / (1 + std::exp(-z));
  }
  return y;
}

TEST(Scan2d, AgreesWithTheDefinitionWhereRowsAreCut) {
  for (const auto& [height, width] : {std::pair<std::int64_t, std::int64_t>{3, 1100}, {1, 40}, {40, 1}, {9, 65}}) {
    scan::ScanTensors scan = test::random_scan(1, 18, 5, height * width);
    scan.reverse = width == 65;
    for (const Isa isa : test::available_isas()) {
      const Tensor y = grid_scan(scan, height, width, {.threads = 1, .isa = isa});
      EXPECT_TRUE(test::same_bits(y, grid_scan(scan, height, width, {.threads = 2, .isa = isa})));
      for (const std::int64_t d : {0, 15, 17}) {
        const std::vector<double> exact = exact_cells(scan, d, height, width);
        double worst = 0, most = 0;
        for (std::size_t t = 0; t < exact.size(); ++t) {
          const float value = y.values<float>()[static_cast<std::size_t>(d) * exact.size() + t];
          worst = std::max(worst, std::fabs(value - exact[t]));
          most = std::max(most, std::fabs(exact[t]));
        }
        EXPECT_LE(worst, 1e-6 * most + 1e-6) << isa_name(isa) << ", " << height << " x " << width;
      }
    }
  }
}

TEST(Scan2d, RefusesAGridOfAnotherSize) {
  const scan::ScanTensors scan = test::random_scan(1, 4, 2, 12);
  EXPECT_THROW(grid_scan(scan, 3, 5), Error);
  EXPECT_THROW(grid_scan(scan, -3, -4), Error);
}

}  // namespace
}  // namespace histojet
