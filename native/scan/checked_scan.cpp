#include "scan/checked_scan.hpp"

#include <cmath>
#include <initializer_list>
#include <string>

#include "base/checked.hpp"
#include "base/error.hpp"

namespace histojet::scan {

namespace {

std::string at(const char* name, std::initializer_list<std::int64_t> position, float value) {
  std::string text = std::string(name) + "[";
  for (const std::int64_t index : position) text += (text.back() == '[' ? "" : ", ") + std::to_string(index);
  return text + "] is " + std::to_string(value) + ", expected a finite number";
}

void check_sizes(const SelectiveScan& scan) {
  const auto expect = [](bool holds, const std::string& what) {
    if (!holds) throw Error(ErrorCode::kInvalidArgument, "selective scan: " + what);
  };
  expect(scan.batch >= 0 && scan.channels >= 0 && scan.length >= 0, "sizes must not be negative");
  expect(scan.states >= 1, "expected at least 1 state, got " + std::to_string(scan.states));
  expect(scan.groups >= 1 && scan.channels % scan.groups == 0,
         std::to_string(scan.channels) + " channels cannot be " + std::to_string(scan.groups) + " equal groups");
  const auto product = [](std::initializer_list<std::int64_t> sides) {
    std::optional<std::uint64_t> count = 4;
    for (const std::int64_t side : sides) count = count ? checked_mul(*count, static_cast<std::uint64_t>(side)) : count;
    return count.has_value() && *count <= std::uint64_t{1} << 62;
  };
  expect(product({scan.batch, scan.channels, scan.length}) && product({scan.batch, scan.channels, scan.states}),
         "the number of values overflows");
}

void check_values(const SelectiveScan& scan) {
  for (std::int64_t d = 0; d < scan.channels; ++d) {
    for (std::int64_t n = 0; n < scan.states; ++n) {
      const float value = scan.a[d * scan.states + n];
      if (!std::isfinite(value)) throw Error(ErrorCode::kInvalidArgument, at("A", {d, n}, value));
    }
    const float bias = scan.delta_bias == nullptr ? 0.0f : scan.delta_bias[d];
    if (!std::isfinite(bias)) throw Error(ErrorCode::kInvalidArgument, at("deltaBias", {d}, bias));
  }
}

}  // namespace

void check_scan(const SelectiveScan& scan) {
  check_sizes(scan);
  check_values(scan);
}

}  // namespace histojet::scan
