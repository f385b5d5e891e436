#pragma once

#include "kernels/nuclei_maps/sobel_pass.hpp"

namespace histojet::kernels {
// One body for every instruction set. Unnamed, so that each file that includes it keeps a copy of its own: a shared one
// could end up with the widest instructions for the whole program.
namespace {

/// `V`: `Register` of `kLanes` doubles with load, store, set, add, subtract, multiply, fma, fnma, min and max.
/// Four vectors of a row share their loads: a value lies under several taps of neighbouring vectors.
template <class V, int kRadius, bool kSymmetric>
void row_block(const double* in, const typename V::Register* taps, double* out) {
  constexpr int kVectors = 4, kLanes = V::kLanes;
  typename V::Register sums[kVectors];
  for (int j = 0; j < kVectors; ++j) sums[j] = V::set(0);
#pragma GCC unroll 64
  for (int at = -kRadius; at <= kRadius + kLanes * (kVectors - 1); ++at) {
    const typename V::Register value = V::load(in + at);
#pragma GCC unroll 4
    for (int j = 0; j < kVectors; ++j) {
      const int k = at - kLanes * j;
      if (k < -kRadius || k > kRadius || (k == 0 && !kSymmetric)) continue;
      sums[j] = k < 0 && !kSymmetric ? V::fnma(value, taps[-k], sums[j]) : V::fma(value, taps[k < 0 ? -k : k], sums[j]);
    }
  }
  for (int j = 0; j < kVectors; ++j) V::store(out + kLanes * j, sums[j]);
}

template <class V, int kRadius, bool kSymmetric>
void row_pass(const SobelRowArgs& args) {
  constexpr std::int64_t kBlock = 4 * V::kLanes;
  if (args.width < kBlock) return scalar::sobel_row(args);
  typename V::Register taps[kRadius + 1];
  for (int k = 0; k <= kRadius; ++k) taps[k] = V::set(args.taps[k]);
  for (std::int64_t x = 0; x + kBlock <= args.width; x += kBlock) {
    row_block<V, kRadius, kSymmetric>(args.in + x, taps, args.out + x);
  }
  // The last block may write some values a second time.
  const std::int64_t last = args.width - kBlock;
  if (last % kBlock != 0) row_block<V, kRadius, kSymmetric>(args.in + last, taps, args.out + last);
}

/// `kRows` rows of one vector: each row of the input is loaded once for all of them.
template <class V, int kRadius, bool kSymmetric, int kRows>
void column_block(const double* in, const double* taps, double* out, typename V::Register& low,
                  typename V::Register& high) {
  using Register = typename V::Register;
  Register rows[2 * kRadius + kRows];
#pragma GCC unroll 32
  for (int i = 0; i < 2 * kRadius + kRows; ++i) rows[i] = V::load(in + (i - kRadius) * kSobelStride);
#pragma GCC unroll 4
  for (int j = 0; j < kRows; ++j) {
    Register sum = kSymmetric ? V::multiply(rows[j + kRadius], V::set(taps[0])) : V::set(0);
#pragma GCC unroll 16
    for (int k = 1; k <= kRadius; ++k) {
      const Register above = rows[j + kRadius - k], below = rows[j + kRadius + k];
      sum = V::fma(kSymmetric ? V::add(above, below) : V::subtract(below, above), V::set(taps[k]), sum);
    }
    V::store(out + j * kSobelStride, sum);
    low = V::min(sum, low);
    high = V::max(sum, high);
  }
}

template <class V, int kRadius, bool kSymmetric, int kRows>
void column_rows(const SobelColumnArgs& args, std::int64_t y, typename V::Register& low, typename V::Register& high) {
  const double* in = args.in + y * kSobelStride;
  double* out = args.out + y * kSobelStride;
  for (std::int64_t x = 0; x + V::kLanes <= args.width; x += V::kLanes) {
    column_block<V, kRadius, kSymmetric, kRows>(in + x, args.taps, out + x, low, high);
  }
  const std::int64_t last = args.width - V::kLanes;
  if (last % V::kLanes == 0) return;
  column_block<V, kRadius, kSymmetric, kRows>(in + last, args.taps, out + last, low, high);
}

template <class V, int kRadius, bool kSymmetric>
void column_pass(const SobelColumnArgs& args) {
  if (args.width < V::kLanes) return scalar::sobel_column(args);
  typename V::Register low = V::set(args.range[0]), high = V::set(args.range[1]);
  std::int64_t y = 0;
  for (; y + 4 <= args.rows; y += 4) column_rows<V, kRadius, kSymmetric, 4>(args, y, low, high);
  for (; y < args.rows; ++y) column_rows<V, kRadius, kSymmetric, 1>(args, y, low, high);
  double lows[V::kLanes], highs[V::kLanes];
  V::store(lows, low);
  V::store(highs, high);
  for (int i = 0; i < V::kLanes; ++i) {
    args.range[0] = lows[i] < args.range[0] ? lows[i] : args.range[0];
    args.range[1] = highs[i] > args.range[1] ? highs[i] : args.range[1];
  }
}

template <class V>
void row_with(const SobelRowArgs& args) {
  if (args.radius == 10) {
    args.symmetric ? row_pass<V, 10, true>(args) : row_pass<V, 10, false>(args);
  } else {
    args.symmetric ? row_pass<V, 2, true>(args) : row_pass<V, 2, false>(args);
  }
}

template <class V>
void column_with(const SobelColumnArgs& args) {
  if (args.radius == 10) {
    args.symmetric ? column_pass<V, 10, true>(args) : column_pass<V, 10, false>(args);
  } else {
    args.symmetric ? column_pass<V, 2, true>(args) : column_pass<V, 2, false>(args);
  }
}

}  // namespace
}  // namespace histojet::kernels
