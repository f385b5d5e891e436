// Blocks of 32 positions x 32 columns (two tiles of input, two of weights, four of sums) or, for a last 16 columns, of
// 64 x 16. A tile load costs half as much as a product, so both patterns keep the tile unit busy when each of the 16
// lines of a load lies in one cache line. The vector units are idle meanwhile: they convert and store the sums that
// have left the tile registers (`Finished`), a few rows after each step.
//
// A store of sums that waits for the last product of its tile blocks everything behind it. So the two halves of a block
// of 32 x 32 are a few steps apart, and sums leave the registers while the other half is being computed.
#include "kernels/conv2d_bf16/conv2d_bf16.hpp"
#include "kernels/conv2d_bf16/finished_sums.hpp"
#include "kernels/vector/tiles.hpp"

namespace histojet::kernels::amx {
namespace {

/// A tiles of sums in registers 0 to A - 1, 16 columns each. They start as the bias: a load with stride 0 gives it to
/// all positions, while the vector units would need an addition for each.
template <int A>
void start_sums(const float* bias) {
  load_tile<0>(bias, 0);
  if constexpr (A > 1) load_tile<1>(bias, 0);
  if constexpr (A > 2) load_tile<2>(bias, 0);
  if constexpr (A > 2) load_tile<3>(bias, 0);
}

template <int A>
void store_sums(float* to) {
  store_tile<0>(to, kLine);
  if constexpr (A > 1) store_tile<1>(to + kTileSums, kLine);
  if constexpr (A > 2) store_tile<2>(to + 2 * kTileSums, kLine);
  if constexpr (A > 2) store_tile<3>(to + 3 * kTileSums, kLine);
}

/// One step for 16 A positions and 16 columns.
template <int A>
void step(const std::byte* in, std::int64_t stride, const Bfloat16* weights) {
  const std::int64_t next = kTileRows * stride;
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

/// The same for the three steps of a split: two loads of each input and of the weights serve three products.
template <int A>
void split_step(const std::byte* low, const std::byte* high, std::int64_t stride, const Bfloat16* weights) {
  const std::int64_t next = kTileRows * stride;
  step<A>(low, stride, weights);
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
  load_tile<4>(weights + kTileElements, kLine);
  if constexpr (A >= 2) multiply<1, 6, 4>();
  if constexpr (A == 4) {
    multiply<2, 7, 4>();
    multiply<3, 5, 4>();
    load_tile<5>(high, stride);
  }
  multiply<0, 5, 4>();
}

/// One step for 32 positions and 32 columns; weights of the second column tile lie `column_tile` elements further.
void pair_step(const std::byte* in, std::int64_t stride, const Bfloat16* weights, std::int64_t column_tile) {
  load_tile<4>(in, stride);
  load_tile<6>(weights, kLine);
  multiply<0, 4, 6>();
  load_tile<7>(weights + column_tile, kLine);
  multiply<1, 4, 7>();
  load_tile<5>(in + kTileRows * stride, stride);
  multiply<2, 5, 6>();
  multiply<3, 5, 7>();
}

void split_pair_step(const std::byte* low, const std::byte* high, std::int64_t stride, const Bfloat16* weights,
                     std::int64_t column_tile) {
  const Bfloat16* low_weights = weights + kTileElements;
  pair_step(low, stride, weights, column_tile);
  load_tile<4>(high, stride);
  multiply<0, 4, 6>();
  multiply<1, 4, 7>();
  load_tile<5>(high + kTileRows * stride, stride);
  multiply<2, 5, 6>();
  multiply<3, 5, 7>();
  load_tile<6>(low_weights, kLine);
  multiply<0, 4, 6>();
  multiply<2, 5, 6>();
  load_tile<7>(low_weights + column_tile, kLine);
  multiply<1, 4, 7>();
  multiply<3, 5, 7>();
}

/// Half a block, H = 0 or 1: 16 positions x 32 columns, sums in registers 2 H and 2 H + 1.
template <int H>
void start_half(const float* bias) {
  load_tile<2 * H>(bias, 0);
  load_tile<2 * H + 1>(bias + kLineSums, 0);
}

template <int H>
void store_half(float* to) {
  store_tile<2 * H>(to, 2 * kLine);
  store_tile<2 * H + 1>(to + kLineSums, 2 * kLine);
}

template <int H>
void half_step(const std::byte* in, std::int64_t stride, const Bfloat16* weights, std::int64_t column_tile) {
  load_tile<4 + H>(in, stride);
  load_tile<6>(weights, kLine);
  multiply<2 * H, 4 + H, 6>();
  load_tile<7>(weights + column_tile, kLine);
  multiply<2 * H + 1, 4 + H, 7>();
}

template <int H>
void split_half_step(const std::byte* low, const std::byte* high, std::int64_t stride, const Bfloat16* weights,
                     std::int64_t column_tile) {
  half_step<H>(low, stride, weights, column_tile);
  load_tile<4 + H>(high, stride);
  multiply<2 * H, 4 + H, 6>();
  multiply<2 * H + 1, 4 + H, 7>();
  load_tile<6>(weights + kTileElements, kLine);
  multiply<2 * H, 4 + H, 6>();
  load_tile<7>(weights + kTileElements + column_tile, kLine);
  multiply<2 * H + 1, 4 + H, 7>();
}

/// Steps that share loads, and the weight tiles that they use.
template <StepOrder O>
constexpr std::int64_t kTogether = O == StepOrder::kSplit ? 3 : 1;
template <StepOrder O>
constexpr std::int64_t kTilesTogether = weight_tile(O, kTogether<O>);

/// Fetches `Conv2dBf16Args::ahead`, the same share with every block.
class Ahead {
 public:
  explicit Ahead(const Conv2dBf16Args& args) : range_(args.ahead), end_(args.ahead + args.ahead_count) {
    std::int64_t lines = 0;
    for (const RowsAhead* range = range_; range != end_; ++range) lines += range->count;
    const std::int64_t blocks = (args.columns + 31) / 32 * args.row_count * ((args.positions + 31) / 32);
    share_ = (lines + blocks - 1) / blocks;
    start();
  }

  void fetch() {
    for (std::int64_t wanted = share_; wanted > 0 && range_ != end_;) {
      const std::int64_t count = smaller(wanted, left_);
      for (std::int64_t i = 0; i < count; ++i) __builtin_prefetch(at_ + i * kLine, 0, 2);
      at_ += count * kLine;
      left_ -= count;
      wanted -= count;
      if (left_ > 0) break;
      ++range_;
      start();
    }
  }

 private:
  void start() {
    if (range_ == end_) return;
    at_ = range_->from;
    left_ = range_->count;
  }

  const RowsAhead* range_;
  const RowsAhead* end_;
  std::int64_t share_ = 0;
  const std::byte* at_ = nullptr;
  std::int64_t left_ = 0;
};

/// Thirty-two columns at a time.
template <Storage S, StepOrder O, bool Active>
class ColumnPairs {
 public:
  ColumnPairs(const Conv2dBf16Args& args, const Output& output, Ahead& ahead)
      : args_(args),
        ahead_(ahead),
        finished_(output),
        column_tile_(weight_tile(O, args.step_count) * kTileElements),
        lead_(smaller(args.step_count, kApart)),
        tail_(args.step_count - smaller(args.step_count - lead_, kApart)) {}

  /// All rows for the columns [n, n + 32).
  void run(std::int64_t n) {
    bias_ = args_.bias + n;
    if constexpr (Active) finished_.set_columns(args_.scale + n, args_.shift + n);
    tiles_ = args_.tiles + n / 16 * column_tile_;
    for (std::int64_t y = 0; y < args_.row_count; ++y) {
      point_at_row(args_, y);
      const Target to = row_target(args_, y, n, element_bytes(S));
      std::int64_t x = 0;
      for (; args_.positions - x > kTileRows; x += 2 * kTileRows) block<true>(x, to);
      if (x < args_.positions) block<false>(x, to);
    }
    store_waiting();
    finished_.drain(kTileRows);
  }

 private:
  /// By so many steps the second half is behind: longer than the last product takes, and a multiple of kTogether.
  static constexpr std::int64_t kApart = O == StepOrder::kSplit ? 3 : 2;

  /// 16 or 32 positions from x on.
  template <bool Both>
  void block(std::int64_t x, const Target& to) {
    ahead_.fetch();
    asm volatile("" : : : "memory");
    const std::int64_t count = args_.step_count;
    start_half<0>(bias_);
    share_ = share(lead_);
    walk<true, false>(0, lead_, x);
    store_waiting();
    share_ = share(Both ? 2 * count - tail_ : count - lead_);
    if constexpr (Both) {
      start_half<1>(bias_);
      walk<false, true>(0, lead_, x);
    }
    walk<true, Both>(lead_, tail_, x);
    walk<true, false>(tail_, count, x);
    if constexpr (Both) walk<false, true>(tail_, count, x);
    finished_.drain(kTileRows);
    store_half<0>(finished_.next());
    add(x, to);
    if constexpr (Both) {
      waits_ = true;
      waiting_x_ = x + kTileRows;
      waiting_to_ = to;
    }
  }

  /// The steps [from, to) for one half or both.
  template <bool First, bool Second>
  void walk(std::int64_t from, std::int64_t to, std::int64_t x) {
    const Bfloat16* weights = tiles_ + from / kTogether<O> * kTilesTogether<O> * kTileElements;
    const std::byte* const* pointers = args_.scratch_pointers;
    for (std::int64_t k = from; k < to; k += kTogether<O>, weights += kTilesTogether<O> * kTileElements) {
      const std::int64_t stride = args_.steps[k].stride;
      const std::int64_t at = (First ? x : x + kTileRows) * stride;
      if constexpr (O == StepOrder::kSplit) {
        const std::byte* low = pointers[k] + at;
        const std::byte* high = pointers[k + 1] + at;
        if constexpr (First && Second) split_pair_step(low, high, stride, weights, column_tile_);
        if constexpr (First && !Second) split_half_step<0>(low, high, stride, weights, column_tile_);
        if constexpr (!First) split_half_step<1>(low, high, stride, weights, column_tile_);
      } else {
        if constexpr (First && Second) pair_step(pointers[k] + at, stride, weights, column_tile_);
        if constexpr (First && !Second) half_step<0>(pointers[k] + at, stride, weights, column_tile_);
        if constexpr (!First) half_step<1>(pointers[k] + at, stride, weights, column_tile_);
      }
      finished_.drain(share_);
    }
  }

  /// Positions to convert after each of so many steps.
  static std::int64_t share(std::int64_t steps) {
    return steps == 0 ? 0 : (kTileRows * kTogether<O> + steps - 1) / steps;
  }

  /// The second half of the block before leaves its registers.
  void store_waiting() {
    finished_.drain(kTileRows);
    if (!waits_) return;
    store_half<1>(finished_.next());
    add(waiting_x_, waiting_to_);
    waits_ = false;
  }

  void add(std::int64_t x, const Target& to) {
    finished_.add(to.moved(x * args_.out_position_bytes), smaller(args_.positions - x, kTileRows));
  }

  const Conv2dBf16Args& args_;
  Ahead& ahead_;
  Finished<S, 2, Active> finished_;
  std::int64_t column_tile_;  ///< elements between the weights of neighbouring column tiles
  std::int64_t lead_;         ///< steps that the first half does alone at the start of a block
  std::int64_t tail_;         ///< from this step on the halves finish one after the other
  std::int64_t share_ = 0;
  const float* bias_ = nullptr;
  const Bfloat16* tiles_ = nullptr;
  bool waits_ = false;  ///< the second half of a block is still in its registers
  std::int64_t waiting_x_ = 0;
  Target waiting_to_;
};

/// The last 16 columns.
template <Storage S, StepOrder O, bool Active>
class LastColumns {
 public:
  LastColumns(const Conv2dBf16Args& args, const Output& output, Ahead& ahead)
      : args_(args), ahead_(ahead), finished_(output) {}

  /// All rows for the columns [n, n + 16).
  void run(std::int64_t n) {
    bias_ = args_.bias + n;
    if constexpr (Active) finished_.set_columns(args_.scale + n, args_.shift + n);
    tiles_ = args_.tiles + n / 16 * weight_tile(O, args_.step_count) * kTileElements;
    for (std::int64_t y = 0; y < args_.row_count; ++y) {
      point_at_row(args_, y);
      const Target to = row_target(args_, y, n, element_bytes(S));
      std::int64_t x = 0;
      for (; args_.positions - x > 3 * kTileRows; x += 4 * kTileRows) block<4>(x, to);
      if (args_.positions - x > kTileRows) {
        block<2>(x, to);
        x += 2 * kTileRows;
      }
      if (x < args_.positions) block<1>(x, to);
    }
    finished_.drain(4 * kTileRows);
  }

 private:
  template <int A>
  void block(std::int64_t x, const Target& to) {
    ahead_.fetch();
    asm volatile("" : : : "memory");
    start_sums<A>(bias_);
    const std::int64_t count = args_.step_count;
    const std::int64_t share = (4 * kTileRows * kTogether<O> + count - 1) / count;
    const Bfloat16* weights = tiles_;
    for (std::int64_t k = 0; k < count; k += kTogether<O>, weights += kTilesTogether<O> * kTileElements) {
      const std::byte* const* pointers = args_.scratch_pointers + k;
      const std::int64_t stride = args_.steps[k].stride;
      const std::int64_t at = x * stride;
      if constexpr (O == StepOrder::kSplit) {
        split_step<A>(pointers[0] + at, pointers[1] + at, stride, weights);
      } else {
        step<A>(pointers[0] + at, stride, weights);
      }
      finished_.drain(share);
    }
    finished_.drain(4 * kTileRows);
    store_sums<A>(finished_.next());
    finished_.add(to.moved(x * args_.out_position_bytes), smaller(args_.positions - x, A * kTileRows));
  }

  const Conv2dBf16Args& args_;
  Ahead& ahead_;
  Finished<S, 1, Active> finished_;
  const float* bias_ = nullptr;
  const Bfloat16* tiles_ = nullptr;
};

template <Storage S, StepOrder O, bool Active>
void run_columns(const Conv2dBf16Args& args, const Output& output) {
  const std::int64_t pairs = args.columns / 32 * 32;
  Ahead ahead(args);
  if (pairs > 0) {
    ColumnPairs<S, O, Active> columns(args, output, ahead);
    for (std::int64_t n = 0; n < pairs; n += 32) columns.run(n);
  }
  if (pairs < args.columns) LastColumns<S, O, Active>(args, output, ahead).run(pairs);
}

}  // namespace

void conv2d_bf16(const Conv2dBf16Args& args) {
  const Output output(args);
  configure_tiles();
  with_form(args, [&]<Storage S, StepOrder O, bool Active>() { run_columns<S, O, Active>(args, output); });
  // A live tile state would make each switch of threads save 8 KiB.
  release_tiles();
}

}  // namespace histojet::kernels::amx
