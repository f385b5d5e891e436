// Register blocks of 28 x 16 or 14 x 32 (pixels x channels): 28 accumulators, one or two weight vectors, and the input
// as broadcasts from memory. Two FMA units with latency 4 need at least 8 independent sums; 28 also keep the loads per
// FMA near one (16 channels) or one half (32 channels).
#include <immintrin.h>

#include "kernels/conv2d/conv2d.hpp"

namespace histojet::kernels::avx512 {
namespace {

// The plain form of the maximum makes GCC 12 warn about its own header; with a constant mask the same instruction
// results.
constexpr __mmask16 kAllLanes = 0xffff;

/// One block: P pixels from column x, V vectors of 16 channels. S is the pixel stride when it is known at compile time
/// (all addresses become constants) or 0.
template <int P, int V, int S>
void block(const Conv2dArgs& args, const float* const* rows, const float* panel, const float* bias, std::int64_t x,
           float* out) {
  __m512 sum[P][V];
#pragma GCC unroll 28
  for (int p = 0; p < P; ++p) {
#pragma GCC unroll 2
    for (int v = 0; v < V; ++v) sum[p][v] = _mm512_load_ps(bias + 16 * v);
  }
  for (const KStep *step = args.steps, *end = step + args.step_count; step != end; ++step) {
    const std::int64_t stride = S != 0 ? S : step->pixel_stride;
    const float* in = rows[step->row] + step->offset + x * stride;
    for (const float* stop = in + step->length; in != stop; ++in) {
      // Hides how `in` moves: with small strides the compiler would carry values from one turn to the next and spill.
      asm("" : "+r"(in));
      __m512 weight[V];
#pragma GCC unroll 2
      for (int v = 0; v < V; ++v) weight[v] = _mm512_load_ps(panel + 16 * v);
      panel += 16 * V;
#pragma GCC unroll 28
      for (int p = 0; p < P; ++p) {
        const __m512 value = _mm512_set1_ps(in[p * stride]);
#pragma GCC unroll 2
        for (int v = 0; v < V; ++v) sum[p][v] = _mm512_fmadd_ps(value, weight[v], sum[p][v]);
      }
    }
  }
  const __m512 floor = args.relu ? _mm512_setzero_ps() : _mm512_set1_ps(-__builtin_inff());
#pragma GCC unroll 28
  for (int p = 0; p < P; ++p) {
#pragma GCC unroll 2
    for (int v = 0; v < V; ++v) {
      _mm512_storeu_ps(out + p * args.out_pixel_stride + 16 * v, _mm512_maskz_max_ps(kAllLanes, floor, sum[p][v]));
    }
  }
}

/// As many blocks of P as the row holds; returns the first column left.
template <int P, int V, int S>
std::int64_t whole_blocks(const Conv2dArgs& args, const float* const* rows, const float* panel, const float* bias,
                          float* out) {
  std::int64_t x = 0;
  for (; x + P <= args.width; x += P) block<P, V, S>(args, rows, panel, bias, x, out + x * args.out_pixel_stride);
  return x;
}

/// A block of P that ends with the row: pixels that it shares with the block before are computed twice.
template <int P, int V, int S>
void last_block(const Conv2dArgs& args, const float* const* rows, const float* panel, const float* bias, float* out) {
  const std::int64_t x = args.width - P;
  block<P, V, S>(args, rows, panel, bias, x, out + x * args.out_pixel_stride);
}

/// A row in blocks of 28 / V pixels; the rest goes into the smallest block that holds it. Eight sums are the fewest
/// that keep the multiply-add units busy.
template <int V, int S>
void row(const Conv2dArgs& args, const float* const* rows, const float* panel, const float* bias, float* out) {
  const std::int64_t rest = args.width - whole_blocks<28 / V, V, S>(args, rows, panel, bias, out);
  if (rest == 0) return;
  if (rest <= 8 / V) return last_block<8 / V, V, S>(args, rows, panel, bias, out);
  if (rest <= 16 / V) return last_block<16 / V, V, S>(args, rows, panel, bias, out);
  last_block<28 / V, V, S>(args, rows, panel, bias, out);
}

/// Rows narrower than a large block.
template <int V>
void narrow_row(const Conv2dArgs& args, const float* const* rows, const float* panel, const float* bias, float* out) {
  constexpr int kPixels = 4;
  if (args.width < kPixels) {
    whole_blocks<1, V, 0>(args, rows, panel, bias, out);
    return;
  }
  const std::int64_t done = whole_blocks<kPixels, V, 0>(args, rows, panel, bias, out);
  if (done < args.width) last_block<kPixels, V, 0>(args, rows, panel, bias, out);
}

template <int V>
void any_row(const Conv2dArgs& args, const float* const* rows, const float* panel, const float* bias, float* out) {
  if (args.width < 28 / V) return narrow_row<V>(args, rows, panel, bias, out);
  switch (args.uniform_pixel_stride) {
    case 3:
      return row<V, 3>(args, rows, panel, bias, out);
    case 16:
      return row<V, 16>(args, rows, panel, bias, out);
    case 32:
      return row<V, 32>(args, rows, panel, bias, out);
    case 64:
      return row<V, 64>(args, rows, panel, bias, out);
    case 128:
      return row<V, 128>(args, rows, panel, bias, out);
    default:
      return narrow_row<V>(args, rows, panel, bias, out);
  }
}

}  // namespace

void conv2d(const Conv2dArgs& args) {
  for (std::int64_t n = 0; n < args.columns; n += 32) {
    const float* panel = args.panels + n * args.k_total;
    for (std::int64_t y = 0; y < args.row_count; ++y) {
      const float* const* rows = args.rows + y * args.rows_per_output;
      if (args.columns - n >= 32) {
        any_row<2>(args, rows, panel, args.bias + n, args.out_rows[y] + n);
      } else {
        any_row<1>(args, rows, panel, args.bias + n, args.out_rows[y] + n);
      }
    }
  }
}

}  // namespace histojet::kernels::avx512
