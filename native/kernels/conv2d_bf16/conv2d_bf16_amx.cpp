// Blocks of 32 positions x 32 columns (two tiles of input, two of weights, four of sums) or, for a last 16 columns, of
// 64 x 16. A tile load costs half as much as a product, so both patterns keep the tile unit busy when each of the 16
// lines of a load lies in one cache line. The vector units are idle meanwhile: they convert and store the sums of the
// block before (`Finished`), a few rows after each step.
#include <immintrin.h>

#include "kernels/conv2d_bf16/conv2d_bf16.hpp"
#include "kernels/vector/tiles.hpp"

namespace histojet::kernels::amx {
namespace {

constexpr std::int64_t kTileSums = 256;
constexpr std::int64_t kLineSums = 16;

struct Output {
  std::int64_t position_bytes;
  std::int64_t plane_bytes;
  std::int64_t addend_plane_bytes;
  bool relu;
  bool stream;
};

void put(std::byte* to, __m512i value, bool stream) {
  if (stream) {
    // Narrow rows start at any 32 bytes; the write-combining buffer joins the halves.
    _mm256_stream_si256(reinterpret_cast<__m256i*>(to), _mm512_castsi512_si256(value));
    _mm256_stream_si256(reinterpret_cast<__m256i*>(to + 32), _mm512_extracti64x4_epi64(value, 1));
  } else {
    _mm512_storeu_si512(to, value);
  }
}

__m512 widen(__m256i values) {
  return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(values), 16));
}

/// Sixteen values of an addend.
template <Storage S>
__m512 stored_values(const std::byte* from, std::int64_t plane_bytes) {
  if constexpr (S == Storage::kFloat32) return _mm512_loadu_ps(from);
  const __m512 high = widen(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(from)));
  if constexpr (S == Storage::kBfloat16) return high;
  return high + widen(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(from + plane_bytes)));
}

template <Storage S, int B, bool Adds, bool Relu>
void store_position(const float* sums, const Output& output, const std::byte* addend, std::byte* to) {
  __m512 value[B];
  for (int b = 0; b < B; ++b) {
    value[b] = _mm512_load_ps(sums + b * kLineSums);
    [[maybe_unused]] constexpr std::int64_t kBytes = S == Storage::kFloat32 ? 64 : 32;
    if constexpr (Adds) value[b] += stored_values<S>(addend + b * kBytes, output.addend_plane_bytes);
    // The second operand is what remains of a NaN.
    if constexpr (Relu) value[b] = _mm512_maskz_max_ps(0xffff, _mm512_setzero_ps(), value[b]);
  }
  if constexpr (S == Storage::kFloat32) {
    for (int b = 0; b < B; ++b) _mm512_storeu_ps(to + 64 * b, value[b]);
  } else if constexpr (B == 2) {
    const auto high = reinterpret_cast<__m512i>(_mm512_cvtne2ps_pbh(value[1], value[0]));
    put(to, high, output.stream);
    if constexpr (S == Storage::kSplit) {
      const __m512 low0 = value[0] - widen(_mm512_castsi512_si256(high));
      const __m512 low1 = value[1] - widen(_mm512_extracti64x4_epi64(high, 1));
      put(to + output.plane_bytes, reinterpret_cast<__m512i>(_mm512_cvtne2ps_pbh(low1, low0)), output.stream);
    }
  } else {
    const auto high = reinterpret_cast<__m256i>(_mm512_cvtneps_pbh(value[0]));
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(to), high);
    if constexpr (S == Storage::kSplit) {
      const auto low = reinterpret_cast<__m256i>(_mm512_cvtneps_pbh(value[0] - widen(high)));
      _mm256_storeu_si256(reinterpret_cast<__m256i*>(to + output.plane_bytes), low);
    }
  }
}

/// Sums of blocks that have left the tile registers; one block is being converted while the next one is computed.
template <Storage S, int B>
class Finished {
 public:
  explicit Finished(const Output& output) : output_(output) {}

  /// Where the sums of the block that is computed now go; everything of the block before must have been drained.
  float* next() { return sums_[filling_]; }
  void add(std::byte* out, const std::byte* addend, std::int64_t positions) {
    out_ = out;
    addend_ = addend;
    done_ = 0;
    count_ = positions;
    filling_ ^= 1;
  }
  bool empty() const { return done_ == count_; }
  void drain(std::int64_t positions) {
    if (empty()) return;
    if (output_.relu) {
      addend_ == nullptr ? drain_rows<false, true>(positions) : drain_rows<true, true>(positions);
    } else {
      addend_ == nullptr ? drain_rows<false, false>(positions) : drain_rows<true, false>(positions);
    }
  }

 private:
  template <bool Adds, bool Relu>
  void drain_rows(std::int64_t positions) {
    // Copies: the stores below might change any member, as far as the compiler knows.
    const Output output = output_;
    const std::int64_t begin = done_;
    const std::int64_t end = count_ - begin < positions ? count_ : begin + positions;
    const std::byte* addend = Adds ? addend_ + begin * output.position_bytes : nullptr;
    std::byte* out = out_ + begin * output.position_bytes;
    done_ = end;
    const float* sums = sums_[filling_ ^ 1] + begin * B * kLineSums;
    for (std::int64_t i = begin; i < end; ++i, out += output.position_bytes, sums += B * kLineSums) {
      store_position<S, B, Adds, Relu>(sums, output, addend, out);
      if constexpr (Adds) addend += output.position_bytes;
    }
  }

  alignas(64) float sums_[2][4 * kTileSums];
  Output output_;
  std::byte* out_ = nullptr;
  const std::byte* addend_ = nullptr;
  std::int64_t done_ = 0;
  std::int64_t count_ = 0;
  int filling_ = 0;
};

/// A x B tiles of sums in registers 0 to A * B - 1. They start as the bias: a load with stride 0 gives it to all
/// positions, while the vector units would need an addition for each.
template <int A, int B>
void start_sums(const float* bias) {
  load_tile<0>(bias, 0);
  if constexpr (A * B > 1) load_tile<1>(bias + (B - 1) * kLineSums, 0);
  if constexpr (A * B > 2) load_tile<2>(bias, 0);
  if constexpr (A * B > 2) load_tile<3>(bias + (B - 1) * kLineSums, 0);
}

/// The sums of a position side by side.
template <int A, int B>
void store_sums(float* to) {
  constexpr std::int64_t kPitch = B * kLine;
  constexpr std::int64_t kNext = B == 2 ? kLineSums : kTileSums;
  store_tile<0>(to, kPitch);
  if constexpr (A * B > 1) store_tile<1>(to + kNext, kPitch);
  if constexpr (A * B > 2) store_tile<2>(to + 2 * kTileSums, kPitch);
  if constexpr (A * B > 2) store_tile<3>(to + 2 * kTileSums + kNext, kPitch);
}

/// One step for 16 A positions and 16 B columns; `weights` of the second column tile lie `column_tile` elements
/// further.
template <int A, int B>
void step(const std::byte* in, std::int64_t stride, const Bfloat16* weights, std::int64_t column_tile) {
  const std::int64_t next = kTileRows * stride;
  if constexpr (B == 2) {
    load_tile<4>(in, stride);
    load_tile<6>(weights, kLine);
    multiply<0, 4, 6>();
    load_tile<7>(weights + column_tile, kLine);
    multiply<1, 4, 7>();
    if constexpr (A == 2) {
      load_tile<5>(in + next, stride);
      multiply<2, 5, 6>();
      multiply<3, 5, 7>();
    }
  } else {
    load_tile<4>(weights, kLine);
    load_tile<5>(in, stride);
    multiply<0, 5, 4>();
    if constexpr (A >= 2) {
      load_tile<6>(in + next, stride);
      multiply<1, 6, 4>();
    }
    if constexpr (A == 4) {
      load_tile<7>(in + 2 * next, stride);
      multiply<2, 7, 4>();
      load_tile<5>(in + 3 * next, stride);
      multiply<3, 5, 4>();
    }
  }
}

/// The same for the three steps of a split: two loads of each input and of each weight tile serve three products.
template <int A, int B>
void split_step(const std::byte* low, const std::byte* high, std::int64_t stride, const Bfloat16* weights,
                std::int64_t column_tile) {
  const std::int64_t next = kTileRows * stride;
  const Bfloat16* low_weights = weights + kTileElements;
  if constexpr (B == 2) {
    step<A, B>(low, stride, weights, column_tile);
    load_tile<4>(high, stride);
    multiply<0, 4, 6>();
    multiply<1, 4, 7>();
    if constexpr (A == 2) {
      load_tile<5>(high + next, stride);
      multiply<2, 5, 6>();
      multiply<3, 5, 7>();
    }
    load_tile<6>(low_weights, kLine);
    multiply<0, 4, 6>();
    if constexpr (A == 2) multiply<2, 5, 6>();
    load_tile<7>(low_weights + column_tile, kLine);
    multiply<1, 4, 7>();
    if constexpr (A == 2) multiply<3, 5, 7>();
  } else {
    step<A, B>(low, stride, weights, column_tile);
    load_tile<5>(high, stride);
    multiply<0, 5, 4>();
    if constexpr (A >= 2) {
      load_tile<6>(high + next, stride);
      multiply<1, 6, 4>();
    }
    if constexpr (A == 4) {
      load_tile<7>(high + 2 * next, stride);
      multiply<2, 7, 4>();
      load_tile<5>(high + 3 * next, stride);
      multiply<3, 5, 4>();
    }
    load_tile<4>(low_weights, kLine);
    if constexpr (A >= 2) multiply<1, 6, 4>();
    if constexpr (A == 4) {
      multiply<2, 7, 4>();
      multiply<3, 5, 4>();
      load_tile<5>(high, stride);
    }
    multiply<0, 5, 4>();
  }
}

template <Storage S, int B, StepOrder O>
class Columns {
 public:
  Columns(const Conv2dBf16Args& args, const Output& output)
      : args_(args), finished_(output), column_tile_(weight_tile(O, args.step_count) * kTileElements) {}

  /// All rows for the columns [n, n + 16 B).
  void run(std::int64_t n) {
    first_column_ = n;
    tiles_ = args_.tiles + n / 16 * column_tile_;
    for (std::int64_t y = 0; y < args_.row_count; ++y) row(y);
    finished_.drain(kAllPositions);
  }

 private:
  static constexpr std::int64_t kAllPositions = 64;
  static constexpr int kInputTiles = B == 2 ? 2 : 4;
  static constexpr std::int64_t kTogether = O == StepOrder::kSplit ? 3 : 1;
  static constexpr std::int64_t kTilesTogether = weight_tile(O, kTogether);

  void row(std::int64_t y) {
    const std::byte* const* rows = args_.rows + y * args_.rows_per_output;
    for (std::int64_t k = 0; k < args_.step_count; ++k) {
      args_.scratch_pointers[k] = rows[args_.steps[k].row] + args_.steps[k].offset;
    }
    const std::int64_t column_bytes = first_column_ * (S == Storage::kFloat32 ? 4 : 2);
    std::byte* out = args_.out_rows[y] + column_bytes;
    addend_ = args_.addend_rows == nullptr ? nullptr : args_.addend_rows[y] + column_bytes;
    std::int64_t x = 0;
    constexpr std::int64_t kWhole = kTileRows * kInputTiles;
    for (; args_.positions - x > kWhole - kTileRows; x += kWhole) block<kInputTiles>(x, out);
    if (B == 1 && args_.positions - x > kTileRows) {
      block<2>(x, out);
      x += 2 * kTileRows;
    }
    if (x < args_.positions) block<1>(x, out);
  }

  /// Results in main memory, and far apart in wide maps, which hardware prefetchers do not follow: asks for the lines
  /// of this block, which are touched while the next one is computed.
  template <int A>
  void prefetch(std::int64_t x, std::byte* out) const {
    const std::int64_t first = x * args_.out_position_bytes;
    for (std::int64_t i = 0; i < kTileRows * A; ++i) {
      const std::int64_t at = first + i * args_.out_position_bytes;
      if (addend_ != nullptr) __builtin_prefetch(addend_ + at, 0);
      if (!args_.stream) __builtin_prefetch(out + at, 1);
    }
  }

  /// The steps from k on that share loads.
  template <int A>
  void steps(std::int64_t k, std::int64_t x, const Bfloat16* weights) const {
    const std::byte* const* pointers = args_.scratch_pointers;
    const std::int64_t stride = args_.steps[k].stride;
    const std::int64_t at = x * stride;
    if constexpr (O == StepOrder::kSplit) {
      split_step<A, B>(pointers[k] + at, pointers[k + 1] + at, stride, weights, column_tile_);
    } else {
      step<A, B>(pointers[k] + at, stride, weights, column_tile_);
    }
  }

  template <int A>
  void block(std::int64_t x, std::byte* out) {
    if (args_.prefetch) prefetch<A>(x, out);
    asm volatile("" : : : "memory");
    start_sums<A, B>(args_.bias + first_column_);
    const std::int64_t count = args_.step_count;
    const std::int64_t share = (kTileRows * kInputTiles * kTogether + count - 1) / count;
    const Bfloat16* weights = tiles_;
    std::int64_t k = 0;
    for (; k < count && !finished_.empty(); k += kTogether, weights += kTilesTogether * kTileElements) {
      steps<A>(k, x, weights);
      finished_.drain(share);
    }
    for (; k < count; k += kTogether, weights += kTilesTogether * kTileElements) steps<A>(k, x, weights);
    finished_.drain(kAllPositions);
    store_sums<A, B>(finished_.next());
    const std::int64_t at = x * args_.out_position_bytes;
    const std::int64_t left = args_.positions - x;
    finished_.add(out + at, addend_ == nullptr ? nullptr : addend_ + at, left < kTileRows * A ? left : kTileRows * A);
  }

  const Conv2dBf16Args& args_;
  Finished<S, B> finished_;
  std::int64_t column_tile_;  ///< elements between the weights of neighbouring column tiles
  std::int64_t first_column_ = 0;
  const Bfloat16* tiles_ = nullptr;
  const std::byte* addend_ = nullptr;
};

template <Storage S, StepOrder O>
void all_columns(const Conv2dBf16Args& args, const Output& output) {
  const std::int64_t pairs = args.columns / 32 * 32;
  if (pairs > 0) {
    Columns<S, 2, O> columns(args, output);
    for (std::int64_t n = 0; n < pairs; n += 32) columns.run(n);
  }
  if (pairs < args.columns) Columns<S, 1, O>(args, output).run(pairs);
}

template <StepOrder O>
void to_storage(const Conv2dBf16Args& args, const Output& output) {
  switch (args.storage) {
    case Storage::kFloat32:
      return all_columns<Storage::kFloat32, O>(args, output);
    case Storage::kBfloat16:
      return all_columns<Storage::kBfloat16, O>(args, output);
    case Storage::kSplit:
      return all_columns<Storage::kSplit, O>(args, output);
  }
}

}  // namespace

void conv2d_bf16(const Conv2dBf16Args& args) {
  const Output output{args.out_position_bytes, args.out_plane_bytes, args.addend_plane_bytes, args.relu, args.stream};
  configure_tiles();
  args.order == StepOrder::kSplit ? to_storage<StepOrder::kSplit>(args, output)
                                  : to_storage<StepOrder::kPlain>(args, output);
  // A live tile state would make each switch of threads save 8 KiB.
  release_tiles();
}

}  // namespace histojet::kernels::amx
