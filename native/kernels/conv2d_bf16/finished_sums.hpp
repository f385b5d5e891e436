#pragma once

// What happens to the sums of a convolution once they have left the tile registers; for _amx files only, in an unnamed
// namespace like all that such files define.
#include <immintrin.h>

#include "kernels/conv2d_bf16/store_results.hpp"
#include "kernels/vector/tiles.hpp"

namespace histojet::kernels::amx {
namespace {

constexpr std::int64_t kTileSums = 256;

/// Sums of blocks that have left the tile registers; one block is being converted while the next one is computed. With
/// `Active` each is stored as relu(scale * sum + shift), and as it is where there is a place for it. Two classes,
/// because `drain` is small enough to become part of the steps only without that.
template <Storage S, int B, bool Active>
class Finished {
 public:
  explicit Finished(const Output& output) : output_(output) {}

  /// Where scale and shift of the columns begin whose sums come next.
  void set_columns(const float* scale, const float* shift) {
    scale_ = scale;
    shift_ = shift;
  }

  /// Where the sums of the block that is computed now go; everything of the block before must have been drained.
  float* next() { return sums_[filling_]; }
  void add(const Target& to, std::int64_t positions) {
    to_ = to;
    done_ = 0;
    count_ = positions;
    filling_ ^= 1;
  }
  bool empty() const { return done_ == count_; }
  // Left to itself, the compiler makes a function of it, and every step pays for the call.
  [[gnu::always_inline]] void drain(std::int64_t positions) {
    if (empty()) return;
    if constexpr (Active) {
      to_.addend == nullptr ? drain_active<false>(positions) : drain_active<true>(positions);
    } else if (output_.relu) {
      to_.addend == nullptr ? drain_rows<false, true>(positions) : drain_rows<true, true>(positions);
    } else {
      to_.addend == nullptr ? drain_rows<false, false>(positions) : drain_rows<true, false>(positions);
    }
  }

 private:
  /// The sums of the next position, with what is added to them.
  template <bool Adds>
  static void load(__m512 (&value)[B], const float* sums, const std::byte* addend, std::int64_t plane_bytes) {
    [[maybe_unused]] constexpr std::int64_t kBytes = S == Storage::kFloat32 ? 64 : 32;
    for (int b = 0; b < B; ++b) {
      value[b] = _mm512_load_ps(sums + b * kLineSums);
      if constexpr (Adds) value[b] += stored_values<S>(addend + b * kBytes, plane_bytes);
    }
  }

  template <bool Adds, bool Relu>
  [[gnu::always_inline]] void drain_rows(std::int64_t positions) {
    // Copies: the stores below might change any member, as far as the compiler knows.
    const Output output = output_;
    const std::int64_t begin = done_;
    const std::int64_t end = count_ - begin < positions ? count_ : begin + positions;
    const std::byte* addend = Adds ? to_.addend + begin * output.position_bytes : nullptr;
    std::byte* out = to_.out + begin * output.position_bytes;
    done_ = end;
    const float* sums = sums_[filling_ ^ 1] + begin * B * kLineSums;
    for (std::int64_t i = begin; i < end; ++i, out += output.position_bytes, sums += B * kLineSums) {
      __m512 value[B];
      load<Adds>(value, sums, addend, output.addend_plane_bytes);
      if constexpr (Relu) {
        for (int b = 0; b < B; ++b) value[b] = relu(value[b]);
      }
      store_values<S, B>(value, output.plane_bytes, output.stream, out);
      if constexpr (Adds) addend += output.position_bytes;
    }
  }

  template <bool Adds>
  void drain_active(std::int64_t positions) {
    const Output output = output_;
    const ActiveForm<B> form(scale_, shift_);
    const std::int64_t begin = done_;
    const std::int64_t end = count_ - begin < positions ? count_ : begin + positions;
    Target to = to_.moved(begin * output.position_bytes);
    done_ = end;
    const float* sums = sums_[filling_ ^ 1] + begin * B * kLineSums;
    const bool both = to.out != nullptr;
    for (std::int64_t i = begin; i < end; ++i, sums += B * kLineSums) {
      __m512 value[B];
      load<Adds>(value, sums, to.addend, output.addend_plane_bytes);
      if (both) {
        store_values<S, B>(value, output.plane_bytes, output.stream, to.out);
        to.out += output.position_bytes;
      }
      for (int b = 0; b < B; ++b) value[b] = relu(_mm512_fmadd_ps(form.scale[b], value[b], form.shift[b]));
      store_values<S, B>(value, output.active_plane_bytes, output.active_stream, to.active);
      to.active += output.position_bytes;
      if constexpr (Adds) to.addend += output.position_bytes;
    }
  }

  alignas(64) float sums_[2][(B == 2 ? 2 : 4) * kTileSums];
  Output output_;
  Target to_;
  const float* scale_ = nullptr;
  const float* shift_ = nullptr;
  std::int64_t done_ = 0;
  std::int64_t count_ = 0;
  int filling_ = 0;
};

}  // namespace
}  // namespace histojet::kernels::amx
