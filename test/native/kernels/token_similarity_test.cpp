#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "kernels/conv_reference.hpp"
#include "kernels/stored_matrix.hpp"
#include "kernels/token_similarity/nearest_rows.hpp"

using namespace histojet;
using namespace histojet::kernels;
using histojet::test::available_isas;
using histojet::test::Noise;

namespace {

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

std::vector<float> unit_rows(const std::vector<float>& rows, const std::vector<std::int32_t>& chosen,
                             std::int64_t channels, std::int64_t group, Isa isa) {
  const auto count = static_cast<std::int64_t>(chosen.size());
  // A value behind the end shows stores that go too far.
  std::vector<float> out(static_cast<std::size_t>(unit_groups(count, group) * group * channels + 1), -7.0f);
  kUnitRows.pick(isa)({.rows = rows.data(),
                       .row_floats = channels,
                       .chosen = chosen.data(),
                       .count = count,
                       .channels = channels,
                       .group = group,
                       .out = out.data()});
  EXPECT_EQ(out.back(), -7.0f);
  out.pop_back();
  return out;
}

std::vector<std::int32_t> chosen_rows(std::int64_t count) {
  std::vector<std::int32_t> chosen;
  for (std::int64_t i = 0; i < count; ++i) chosen.push_back(static_cast<std::int32_t>(i % 5 == 3 ? -1 : i));
  return chosen;
}

struct Nearest {
  std::vector<float> best;
  std::vector<std::int32_t> column;
};

Nearest nearest(const std::vector<float>& rows, const std::vector<float>& panels, std::int64_t row_count,
                std::int64_t columns, std::int64_t channels, Isa isa) {
  Nearest found{std::vector<float>(static_cast<std::size_t>(row_count)),
                std::vector<std::int32_t>(static_cast<std::size_t>(row_count))};
  kNearestRows.pick(isa)({.rows = rows.data(),
                          .panels = panels.data(),
                          .row_count = row_count,
                          .column_count = columns,
                          .channels = channels,
                          .best = found.best.data(),
                          .column = found.column.data()});
  return found;
}

bool same_bits(const std::vector<float>& a, const std::vector<float>& b) {
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (!(a[i] == b[i] || (std::isnan(a[i]) && std::isnan(b[i])))) return false;
  }
  return a.size() == b.size();
}

}  // namespace

TEST(UnitRows, HaveUnitLengthInTheirGroups) {
  for (const std::int64_t channels : {1, 3, 8, 21, 64}) {
    const std::int64_t count = 61;
    Noise noise(3);
    std::vector<float> rows = noise.vector(count * channels);
    for (std::int64_t c = 0; c < channels; ++c) rows[static_cast<std::size_t>(2 * channels + c)] = 1e-15f;
    const auto chosen = chosen_rows(count);
    for (const std::int64_t group : {kRowGroup, kPanelColumns}) {
      const std::vector<float> wanted = unit_rows(rows, chosen, channels, group, Isa::kScalar);
      for (std::int64_t i = 0; i < static_cast<std::int64_t>(wanted.size()) / channels; ++i) {
        double square = 0;
        for (std::int64_t c = 0; c < channels; ++c) {
          square += std::pow(wanted[static_cast<std::size_t>((i / group * channels + c) * group + i % group)], 2);
        }
        if (i >= count || chosen[static_cast<std::size_t>(i)] < 0) {
          EXPECT_TRUE(std::isnan(square));
        } else {
          EXPECT_NEAR(square, i == 2 ? 0 : 1, 1e-6);
        }
      }
      for (const Isa isa : available_isas()) {
        EXPECT_TRUE(same_bits(unit_rows(rows, chosen, channels, group, isa), wanted));
      }
    }
  }
}

TEST(NearestRows, AllVariantsFindTheFirstLargestProduct) {
  // The last one has more panels than fit into one chunk.
  for (const auto& [row_count, columns, channels] : {std::array<std::int64_t, 3>{1, 1, 1},
                                                     {9, 17, 5},
                                                     {30, 48, 64},
                                                     {13, 49, 33},
                                                     {64, 97, 40},
                                                     {31, 129, 65},
                                                     {9, 1030, 400}}) {
    Noise noise(static_cast<std::uint32_t>(columns));
    std::vector<float> a = noise.vector(row_count * channels);
    std::vector<float> b = noise.vector(columns * channels);
    // Equal columns, of which the first must win, and equal rows.
    for (std::int64_t i = 0; i < channels; ++i) {
      b[static_cast<std::size_t>((columns - 1) * channels + i)] =
          b[static_cast<std::size_t>(columns / 3 * channels + i)];
      a[static_cast<std::size_t>((row_count - 1) * channels + i)] = a[static_cast<std::size_t>(i)];
    }
    std::vector<std::int32_t> all_rows, all_columns;
    for (std::int32_t i = 0; i < row_count; ++i) all_rows.push_back(i);
    for (std::int32_t j = 0; j < columns; ++j) all_columns.push_back(columns > 40 && j == 5 ? -1 : j);
    const auto rows = unit_rows(a, all_rows, channels, kRowGroup, Isa::kScalar);
    const auto panels = unit_rows(b, all_columns, channels, kPanelColumns, Isa::kScalar);
    const Nearest wanted = nearest(rows, panels, row_count, columns, channels, Isa::kScalar);
    EXPECT_EQ(wanted.column.front(), wanted.column.back());
    for (const Isa isa : available_isas()) {
      const Nearest found = nearest(rows, panels, row_count, columns, channels, isa);
      EXPECT_EQ(found.best, wanted.best);
      EXPECT_EQ(found.column, wanted.column);
    }
  }
}

TEST(NearestRows, NanIsNeverPreferred) {
  const std::vector<float> a = {1, 0, kNan, 0, 0, 0};
  const std::vector<float> b = {kNan, 0, -1, 0, -1, 0};
  for (const Isa isa : available_isas()) {
    const auto rows = unit_rows(a, {0, 1, 2}, 2, kRowGroup, isa);
    const auto panels = unit_rows(b, {0, 1, 2}, 2, kPanelColumns, isa);
    const Nearest found = nearest(rows, panels, 3, 3, 2, isa);
    EXPECT_EQ(found.column, (std::vector<std::int32_t>{1, -1, 1}));
    EXPECT_EQ(found.best[0], -1);
    EXPECT_EQ(found.best[2], 0);
    EXPECT_EQ(nearest(rows, panels, 3, 0, 2, isa).column, (std::vector<std::int32_t>{-1, -1, -1}));
  }
}
