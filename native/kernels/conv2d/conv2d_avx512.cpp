// Register blocks of 28 x 16 or 14 x 32 (pixels x channels): 28 accumulators, one or two weight vectors, and the input
// as broadcasts from memory. Two FMA units with latency 4 need at least 8 independent sums; 28 also keep the loads per
// FMA near one (16 channels) or one half (32 channels).
#include <immintrin.h>

#include "kernels/conv2d/conv2d.hpp"
#include "kernels/vector/addresses.hpp"

namespace histojet::kernels::avx512 {
namespace {

// The plain form of the maximum makes GCC 12 warn about its own header; with a constant mask the same instruction
// results.
constexpr __mmask16 kAllLanes = 0xffff;

/// Where a pixel goes and what is added to it (or null).
struct Target {
  float* out;
  const float* addend;
  Target operator+(std::int64_t floats) const { return {out + floats, addend == nullptr ? nullptr : addend + floats}; }
};

/// One block: P pixels from column x, V vectors of 16 channels. S is the pixel stride when it is known at compile time
/// (all addresses become constants) or 0.
template <int P, int V, int S = 0>
void block(const Conv2dArgs& args, const float* const* rows, const float* panel, const float* bias, std::int64_t x,
           Target out) {
  __m512 sum[P][V];
#pragma GCC unroll 28
  for (int p = 0; p < P; ++p) {
#pragma GCC unroll 2
    for (int v = 0; v < V; ++v) sum[p][v] = _mm512_load_ps(bias + 16 * v);
  }
  if (out.addend != nullptr) {
#pragma GCC unroll 28
    for (int p = 0; p < P; ++p) {
#pragma GCC unroll 2
      for (int v = 0; v < V; ++v) sum[p][v] += _mm512_loadu_ps(out.addend + p * args.out_pixel_stride + 16 * v);
    }
  }
  for (const KStep *step = args.steps, *end = step + args.step_count; step != end; ++step) {
    const std::int64_t stride = S == 0 ? step->pixel_stride : S;
    Addresses<P, 4 * S> in(rows[step->row] + step->offset + x * stride, 4 * stride);
    for (const char* stop = in.first() + 4 * static_cast<std::int64_t>(step->length); in.first() != stop; in.next()) {
      in.hide();
      __m512 weight[V];
#pragma GCC unroll 2
      for (int v = 0; v < V; ++v) weight[v] = _mm512_load_ps(panel + 16 * v);
      panel += 16 * V;
#pragma GCC unroll 28
      for (int p = 0; p < P; ++p) {
        const __m512 value = _mm512_set1_ps(*reinterpret_cast<const float*>(in.pixel(p)));
#pragma GCC unroll 2
        for (int v = 0; v < V; ++v) sum[p][v] = _mm512_fmadd_ps(value, weight[v], sum[p][v]);
      }
    }
  }
  const __m512 floor = args.relu ? _mm512_setzero_ps() : _mm512_set1_ps(-__builtin_inff());
  if (args.stream) {
#pragma GCC unroll 28
    for (int p = 0; p < P; ++p) {
#pragma GCC unroll 2
      for (int v = 0; v < V; ++v) {
        _mm512_stream_ps(out.out + p * args.out_pixel_stride + 16 * v,
                         _mm512_maskz_max_ps(kAllLanes, floor, sum[p][v]));
      }
    }
    return;
  }
#pragma GCC unroll 28
  for (int p = 0; p < P; ++p) {
#pragma GCC unroll 2
    for (int v = 0; v < V; ++v) {
      _mm512_storeu_ps(out.out + p * args.out_pixel_stride + 16 * v, _mm512_maskz_max_ps(kAllLanes, floor, sum[p][v]));
    }
  }
}

using Block = void (*)(const Conv2dArgs&, const float* const*, const float*, const float*, std::int64_t, Target);

template <int V>
constexpr Block kSmallBlocks[] = {block<1, V>,  block<2, V>,  block<3, V>,  block<4, V>, block<5, V>,
                                  block<6, V>,  block<7, V>,  block<8, V>,  block<9, V>, block<10, V>,
                                  block<11, V>, block<12, V>, block<13, V>, block<14, V>};
constexpr std::int64_t kSmallPixels = 14;

/// The pixels from column x on, fewer than 28 / V, in one or two blocks. Eight sums are the fewest that keep the
/// multiply-add units busy, so some pixels of the block before may be computed again.
template <int V>
void row_end(const Conv2dArgs& args, const float* const* rows, const float* panel, const float* bias, std::int64_t x,
             Target out) {
  const std::int64_t rest = args.width - x;
  std::int64_t pixels = rest > kSmallPixels ? (rest + 1) / 2 : rest;
  if (pixels < 8 / V) pixels = args.width < 8 / V ? args.width : 8 / V;
  for (; x < args.width; x += pixels) {
    const std::int64_t start = args.width - x < pixels ? args.width - pixels : x;
    kSmallBlocks<V>[pixels - 1](args, rows, panel, bias, start, out + start * args.out_pixel_stride);
  }
}

/// Asks for what the next block adds: its lines lie far apart in wide maps, which hardware prefetchers do not follow.
template <int P, int V>
void prefetch(const Conv2dArgs& args, Target next) {
  for (int p = 0; p < P; ++p) {
    for (int v = 0; v < V; ++v) __builtin_prefetch(next.addend + p * args.out_pixel_stride + 16 * v);
  }
}

template <int V, int S = 0>
void row(const Conv2dArgs& args, const float* const* rows, const float* panel, const float* bias, Target out) {
  constexpr int kPixels = 28 / V;
  std::int64_t x = 0;
  for (; x + kPixels <= args.width; x += kPixels) {
    if (out.addend != nullptr && x + 2 * kPixels <= args.width)
      prefetch<kPixels, V>(args, out + (x + kPixels) * args.out_pixel_stride);
    block<kPixels, V, S>(args, rows, panel, bias, x, out + x * args.out_pixel_stride);
  }
  if (x < args.width) row_end<V>(args, rows, panel, bias, x, out);
}

/// The stride of all steps, or 0 when they differ.
std::int64_t common_stride(const Conv2dArgs& args) {
  for (std::int64_t s = 1; s < args.step_count; ++s) {
    if (args.steps[s].pixel_stride != args.steps[0].pixel_stride) return 0;
  }
  return args.steps[0].pixel_stride;
}

/// With one vector of columns each input is used once, as an operand in memory of a multiply-add; an addressing mode
/// with two registers would make it two micro-operations, a third of the speed when two threads share a core.
void single_row(const Conv2dArgs& args, const float* const* rows, const float* panel, const float* bias,
                std::int64_t stride, Target out) {
  switch (stride) {
    case 3:
      return row<1, 3>(args, rows, panel, bias, out);
    case 16:
      return row<1, 16>(args, rows, panel, bias, out);
    case 32:
      return row<1, 32>(args, rows, panel, bias, out);
    case 64:
      return row<1, 64>(args, rows, panel, bias, out);
    case 128:
      return row<1, 128>(args, rows, panel, bias, out);
    default:
      return row<1>(args, rows, panel, bias, out);
  }
}

}  // namespace

void conv2d(const Conv2dArgs& args) {
  const std::int64_t stride = common_stride(args);
  for (std::int64_t n = 0; n < args.columns; n += 32) {
    const float* panel = args.panels + n * args.k_total;
    for (std::int64_t y = 0; y < args.row_count; ++y) {
      const float* const* rows = args.rows + y * args.rows_per_output;
      const Target target{args.out_rows[y], args.addend_rows == nullptr ? nullptr : args.addend_rows[y]};
      if (args.columns - n >= 32) {
        row<2>(args, rows, panel, args.bias + n, target + n);
      } else {
        single_row(args, rows, panel, args.bias + n, stride, target + n);
      }
    }
  }
}

}  // namespace histojet::kernels::avx512
