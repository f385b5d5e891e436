// Register blocks of 6 pixels x 16 channels: 12 accumulators, two weight vectors and the input as broadcasts fill 15 of
// the 16 registers.
#include <immintrin.h>

#include "kernels/conv2d/conv2d.hpp"

namespace histojet::kernels::avx2 {
namespace {

constexpr int kPixels = 6;

/// Where the inputs of neighbouring pixels lie, S floats apart, or any number of bytes (S = 0): with a few multiples of
/// the stride in registers each of them is one addressing mode (base + register, or + 4 * register).
template <int S>
class Addresses {
 public:
  Addresses(const float* row, std::int64_t x, std::int64_t pixel_stride) : one_(4 * (S == 0 ? pixel_stride : S)) {
    base_ = reinterpret_cast<const char*>(row) + x * one_;
    two_ = 2 * one_;
    three_ = 3 * one_;
    five_ = 5 * one_;
  }
  const char* first() const { return base_; }
  void next() { base_ += 4; }
  /// Hides how the values are related. The compiler would keep each pixel's address in a register, or with small
  /// constant strides carry values from one turn to the next, and spill.
  void hide() {
    asm("" : "+r"(base_));
    if constexpr (S == 0) asm("" : "+r"(one_), "+r"(two_), "+r"(three_), "+r"(five_));
  }
  const float* pixel(int p) const {
    const std::int64_t in_registers[kPixels] = {0, one_, two_, three_, 4 * one_, five_};
    return reinterpret_cast<const float*>(base_ + (S == 0 ? in_registers[p] : 4 * S * p));
  }

 private:
  const char* base_;
  std::int64_t one_, two_, three_, five_;  ///< strides in bytes
};

/// Where a pixel goes and what is added to it (or null).
struct Target {
  float* out;
  const float* addend;
  Target operator+(std::int64_t floats) const { return {out + floats, addend == nullptr ? nullptr : addend + floats}; }
};

/// One block: P pixels from column x, 16 channels. S is the pixel stride when it is known at compile time or 0.
template <int P, int S = 0>
void block(const Conv2dArgs& args, const float* const* rows, const float* panel, const float* bias, std::int64_t x,
           Target out) {
  __m256 low[P], high[P];
#pragma GCC unroll 6
  for (int p = 0; p < P; ++p) {
    low[p] = _mm256_load_ps(bias);
    high[p] = _mm256_load_ps(bias + 8);
  }
  if (out.addend != nullptr) {
#pragma GCC unroll 6
    for (int p = 0; p < P; ++p) {
      low[p] += _mm256_loadu_ps(out.addend + p * args.out_pixel_stride);
      high[p] += _mm256_loadu_ps(out.addend + p * args.out_pixel_stride + 8);
    }
  }
  for (const KStep *step = args.steps, *end = step + args.step_count; step != end; ++step) {
    Addresses<S> in(rows[step->row] + step->offset, x, step->pixel_stride);
    for (const char* stop = in.first() + 4 * static_cast<std::int64_t>(step->length); in.first() != stop; in.next()) {
      in.hide();
      const __m256 weight_low = _mm256_load_ps(panel);
      const __m256 weight_high = _mm256_load_ps(panel + 8);
      panel += 16;
#pragma GCC unroll 6
      for (int p = 0; p < P; ++p) {
        const __m256 value = _mm256_broadcast_ss(in.pixel(p));
        low[p] = _mm256_fmadd_ps(value, weight_low, low[p]);
        high[p] = _mm256_fmadd_ps(value, weight_high, high[p]);
      }
    }
  }
  const __m256 floor = args.relu ? _mm256_setzero_ps() : _mm256_set1_ps(-__builtin_inff());
#pragma GCC unroll 6
  for (int p = 0; p < P; ++p) {
    float* pixel = out.out + p * args.out_pixel_stride;
    _mm256_storeu_ps(pixel, _mm256_max_ps(floor, low[p]));
    _mm256_storeu_ps(pixel + 8, _mm256_max_ps(floor, high[p]));
  }
}

using Block = void (*)(const Conv2dArgs&, const float* const*, const float*, const float*, std::int64_t, Target);
constexpr Block kBlocks[kPixels] = {block<1>, block<2>, block<3>, block<4>, block<5>, block<6>};

/// A row in blocks of six and one of the rest. Eight sums are the fewest that keep the multiply-add units busy: a last
/// block of less than four pixels computes some of the block before again.
template <int S>
void row(const Conv2dArgs& args, const float* const* rows, const float* panel, const float* bias, Target out) {
  std::int64_t x = 0;
  for (; x + kPixels <= args.width; x += kPixels) {
    block<kPixels, S>(args, rows, panel, bias, x, out + x * args.out_pixel_stride);
  }
  if (x == args.width) return;
  std::int64_t pixels = args.width - x;
  if (pixels < 4) pixels = args.width < 4 ? args.width : 4;
  x = args.width - pixels;
  kBlocks[pixels - 1](args, rows, panel, bias, x, out + x * args.out_pixel_stride);
}

/// The stride of all steps, or 0 when they differ.
std::int64_t common_stride(const Conv2dArgs& args) {
  for (std::int64_t s = 1; s < args.step_count; ++s) {
    if (args.steps[s].pixel_stride != args.steps[0].pixel_stride) return 0;
  }
  return args.steps[0].pixel_stride;
}

/// Small strides mean short steps, at whose start constants save a few percent.
template <int S>
void all_rows(const Conv2dArgs& args) {
  for (std::int64_t n = 0; n < args.columns; n += 16) {
    for (std::int64_t y = 0; y < args.row_count; ++y) {
      row<S>(args, args.rows + y * args.rows_per_output, args.panels + n * args.k_total, args.bias + n,
             Target{args.out_rows[y], args.addend_rows == nullptr ? nullptr : args.addend_rows[y]} + n);
    }
  }
}

}  // namespace

void conv2d(const Conv2dArgs& args) {
  switch (common_stride(args)) {
    case 3:
      return all_rows<3>(args);
    case 16:
      return all_rows<16>(args);
    default:
      return all_rows<0>(args);
  }
}

}  // namespace histojet::kernels::avx2
