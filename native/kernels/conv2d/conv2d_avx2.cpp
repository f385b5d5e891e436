// Register blocks of 6 pixels x 16 channels: 12 accumulators, two weight vectors and the input as broadcasts fill 15 of
// the 16 registers.
#include <immintrin.h>

#include "kernels/conv2d/conv2d.hpp"

namespace histojet::kernels::avx2 {
namespace {

/// One block: P pixels from column x, 16 channels. S is the pixel stride when it is known at compile time (all
/// addresses become constants) or 0.
template <int P, int S>
void block(const Conv2dArgs& args, const float* const* rows, const float* panel, const float* bias, std::int64_t x,
           float* out) {
  __m256 low[P], high[P];
#pragma GCC unroll 6
  for (int p = 0; p < P; ++p) {
    low[p] = _mm256_load_ps(bias);
    high[p] = _mm256_load_ps(bias + 8);
  }
  for (const KStep *step = args.steps, *end = step + args.step_count; step != end; ++step) {
    const std::int64_t stride = S != 0 ? S : step->pixel_stride;
    const float* in = rows[step->row] + step->offset + x * stride;
    for (const float* stop = in + step->length; in != stop; ++in) {
      // Hides how `in` moves: with small strides the compiler would carry values from one turn to the next and spill.
      asm("" : "+r"(in));
      const __m256 weight_low = _mm256_load_ps(panel);
      const __m256 weight_high = _mm256_load_ps(panel + 8);
      panel += 16;
#pragma GCC unroll 6
      for (int p = 0; p < P; ++p) {
        const __m256 value = _mm256_broadcast_ss(in + p * stride);
        low[p] = _mm256_fmadd_ps(value, weight_low, low[p]);
        high[p] = _mm256_fmadd_ps(value, weight_high, high[p]);
      }
    }
  }
  const __m256 floor = args.relu ? _mm256_setzero_ps() : _mm256_set1_ps(-__builtin_inff());
#pragma GCC unroll 6
  for (int p = 0; p < P; ++p) {
    float* pixel = out + p * args.out_pixel_stride;
    _mm256_storeu_ps(pixel, _mm256_max_ps(floor, low[p]));
    _mm256_storeu_ps(pixel + 8, _mm256_max_ps(floor, high[p]));
  }
}

/// A row in blocks of P; the last block is moved left so that it ends with the row (some pixels are computed twice).
template <int P, int S>
void row(const Conv2dArgs& args, const float* const* rows, const float* panel, const float* bias, float* out) {
  for (std::int64_t x = 0; x < args.width; x += P) {
    const std::int64_t start = x + P <= args.width ? x : args.width - P;
    block<P, S>(args, rows, panel, bias, start, out + start * args.out_pixel_stride);
  }
}

void any_row(const Conv2dArgs& args, const float* const* rows, const float* panel, const float* bias, float* out) {
  if (args.width < 6) return row<1, 0>(args, rows, panel, bias, out);
  switch (args.uniform_pixel_stride) {
    case 3:
      return row<6, 3>(args, rows, panel, bias, out);
    case 16:
      return row<6, 16>(args, rows, panel, bias, out);
    case 32:
      return row<6, 32>(args, rows, panel, bias, out);
    case 64:
      return row<6, 64>(args, rows, panel, bias, out);
    case 128:
      return row<6, 128>(args, rows, panel, bias, out);
    default:
      return row<6, 0>(args, rows, panel, bias, out);
  }
}

}  // namespace

void conv2d(const Conv2dArgs& args) {
  for (std::int64_t n = 0; n < args.columns; n += 16) {
    for (std::int64_t y = 0; y < args.row_count; ++y) {
      any_row(args, args.rows + y * args.rows_per_output, args.panels + n * args.k_total, args.bias + n,
              args.out_rows[y] + n);
    }
  }
}

}  // namespace histojet::kernels::avx2
