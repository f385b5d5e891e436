// Blocks of 14 positions x 32 columns or, for a last 16 columns, of 28 x 16: 28 vectors of sums stay in registers over
// all steps and are stored from there. A step's 14 inputs and two vectors of weights serve 28 products, so loads are
// half of what the two multipliers take.
#include "kernels/conv2d_bf16/conv2d_bf16.hpp"
#include "kernels/conv2d_bf16/store_results.hpp"
#include "kernels/vector/dots.hpp"

namespace histojet::kernels::avx512bf16 {
namespace {

/// The columns [first, first + 16 B) of all rows.
template <Storage S, StepOrder O, int B, bool Active>
class Columns {
 public:
  Columns(const Conv2dBf16Args& args, const Output& output, std::int64_t first)
      : args_(args),
        output_(output),
        first_(first),
        column_tile_(weight_tile(O, args.step_count) * kTileElements),
        tiles_(args.tiles + first / kVectorSums * column_tile_) {}

  void run() const {
    constexpr int kMost = 28 / B;
    for (std::int64_t y = 0; y < args_.row_count; ++y) {
      point_at_row(args_, y);
      const Target row = row_target(args_, y, first_, element_bytes(S));
      std::int64_t x = 0;
      for (; args_.positions - x > kMost / 2; x += kMost) block<kMost>(x, row);
      if (args_.positions - x > 4) {
        block<kMost / 2>(x, row);
        x += kMost / 2;
      }
      if (x < args_.positions) block<4>(x, row);
    }
  }

 private:
  /// Positions from x on: P are computed, those of the row are stored.
  template <int P>
  void block(std::int64_t x, const Target& row) const {
    __m512 sums[P][B];
#pragma GCC unroll 28
    for (int p = 0; p < P; ++p) {
#pragma GCC unroll 2
      for (int b = 0; b < B; ++b) sums[p][b] = _mm512_load_ps(args_.bias + first_ + b * kLineSums);
    }
    for (std::int64_t k = 0; k < args_.step_count; ++k) {
      const std::int64_t stride = args_.steps[k].stride;
      dot_step(sums, args_.scratch_pointers[k] + x * stride, stride, tiles_ + weight_tile(O, k) * kTileElements,
               column_tile_);
    }
    Target to = row.moved(x * output_.position_bytes);
    const std::int64_t count = smaller(args_.positions - x, P);
#pragma GCC unroll 28
    for (int p = 0; p < P; ++p) {
      if (p >= count) break;
      store(sums[p], to);
      to = to.moved(output_.position_bytes);
    }
  }

  [[gnu::always_inline]] void store(__m512 (&value)[B], const Target& to) const {
    [[maybe_unused]] constexpr std::int64_t kBytes = S == Storage::kFloat32 ? 64 : 32;
    if (to.addend != nullptr) {
      for (int b = 0; b < B; ++b) value[b] += stored_values<S>(to.addend + b * kBytes, output_.addend_plane_bytes);
    }
    if constexpr (Active) {
      if (to.out != nullptr) store_values<S, B>(value, output_.plane_bytes, output_.stream, to.out);
      const ActiveForm<B> form(args_.scale + first_, args_.shift + first_);
      for (int b = 0; b < B; ++b) value[b] = relu(_mm512_fmadd_ps(form.scale[b], value[b], form.shift[b]));
      store_values<S, B>(value, output_.active_plane_bytes, output_.active_stream, to.active);
    } else {
      if (output_.relu) {
        for (int b = 0; b < B; ++b) value[b] = relu(value[b]);
      }
      store_values<S, B>(value, output_.plane_bytes, output_.stream, to.out);
    }
  }

  const Conv2dBf16Args& args_;
  const Output& output_;
  std::int64_t first_;
  std::int64_t column_tile_;  ///< elements between the weights of neighbouring column tiles
  const Bfloat16* tiles_;
};

template <Storage S, StepOrder O, bool Active>
void run_columns(const Conv2dBf16Args& args, const Output& output) {
  std::int64_t n = 0;
  for (; n + 32 <= args.columns; n += 32) Columns<S, O, 2, Active>(args, output, n).run();
  if (n < args.columns) Columns<S, O, 1, Active>(args, output, n).run();
}

}  // namespace

void conv2d_bf16(const Conv2dBf16Args& args) {
  const Output output(args);
  with_form(args, [&]<Storage S, StepOrder O, bool Active>() { run_columns<S, O, Active>(args, output); });
}

}  // namespace histojet::kernels::avx512bf16
