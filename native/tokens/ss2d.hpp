#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "base/aligned_buffer.hpp"
#include "base/cancel.hpp"
#include "tokens/linear.hpp"
#include "tokens/norm.hpp"
#include "tokens/token_products.hpp"

namespace histojet::tokens {

/// In which four orders a grid is scanned (VMamba's `scans`).
enum class CrossScan {
  kCross,           ///< row by row, column by column, and both reversed
  kUnidirectional,  ///< four times row by row
  kBidirectional,   ///< twice row by row, twice reversed
};

/// What a grid's places without a token are (negative entries of TokensIn::order).
enum class MissingTokens {
  kZeros,    ///< tokens of zeros
  kSkipped,  ///< nothing: zeros for the convolution, and scans pass over them
};

struct Ss2dConfig {
  std::int64_t dim = 0;
  std::int64_t inner = 0;  ///< ssm_ratio * dim
  std::int64_t d_state = 16;
  std::int64_t dt_rank = 0;
  std::int64_t kernel = 3;  ///< window of the depth-wise convolution: 3, 5 or 7; 0: none
  bool gated = true;        ///< has z (not VMamba's `_noz`)
  bool gate_silu = true;    ///< SiLU on z (not `_nozact`)
  bool out_gelu = false;    ///< GELU behind the norm (`_oact`)
  CrossScan scan = CrossScan::kCross;
};

/// The configuration that the shapes of `scope` tell; `gate_silu`, `out_gelu` and `scan` are told by none.
/// @throws Error kMissingWeight, kShapeMismatch for shapes that are no SS2D's.
Ss2dConfig ss2d_config(const weights::WeightScope& scope, std::int64_t dim);

/// Memory of a grid of tokens on its way through an SS2D. Not shared by threads.
struct Ss2dScratch {
  RowBuffer normed;           ///< [tokens][d]
  RowBuffer xz;               ///< [tokens][x | z]
  AlignedBuffer<float> halo;  ///< [height + k - 1][width + k - 1][E]
  std::int64_t halo_floats = 0;
  std::array<RowBuffer, 2> u;  ///< [tokens][E]: row by row, column by column
  std::array<RowBuffer, 2> y;  ///< likewise
  RowBuffer narrow;
  RowBuffer x_dbl;  ///< [tokens][dt | B | C] of one direction
  RowBuffer delta;
  RowBuffer scanned;
  RowBuffer out;
  std::vector<float> state;
  std::vector<LinearScratch> linear;
};

/// VMamba's two-dimensional selective scan: the grid is scanned in four orders and the results are added. Works on a
/// whole grid (a stage's pictures are small); immutable, shared by threads, bit-identical for any number of them.
class Ss2d {
 public:
  /// Keys: in_proj.weight, conv2d.{weight [E, 1, k, k], bias}, x_proj_weight [4, R + 2N, E], dt_projs_weight [4, E, R],
  /// dt_projs_bias [4, E], A_logs [4E, N], Ds [4E], out_norm.{weight, bias} [E], out_proj.weight.
  /// @throws Error kMissingWeight, kShapeMismatch naming the key and both shapes.
  static Ss2d load(const weights::WeightScope& scope, const Ss2dConfig& config, const LayerOptions& options);

  const Ss2dConfig& config() const { return config_; }
  std::int64_t byte_size() const;
  std::int64_t parameters() const { return parameters_; }

  /// out += ss2d(norm(in)) for a grid of tokens in raster order; `norm` may be null, `out` may be `in`.
  void accumulate(const Norm* norm, const TokensIn& in, const TokensOut& out, std::int64_t height, std::int64_t width,
                  Ss2dScratch& scratch, int threads, const CancelToken& cancel,
                  MissingTokens missing = MissingTokens::kZeros) const;

 private:
  struct Route {
    bool by_columns;
    bool reversed;
  };
  struct Branch {
    Linear x_proj;
    Linear dt_proj;
    AlignedBuffer<float> dt_bias;
    AlignedBuffer<float> a2;  ///< [N][stride]
    AlignedBuffer<float> d;
  };
  class Loader;
  class Run;

  std::array<Route, 4> routes() const;

  Ss2dConfig config_;
  LayerOptions options_;
  std::int64_t stride_ = 0;  ///< inner channels rounded up to 16
  std::int64_t parameters_ = 0;
  Linear in_proj_;
  AlignedBuffer<float> conv_weight_;  ///< [k * k][stride]
  AlignedBuffer<float> conv_bias_;
  std::array<Branch, 4> branches_;
  Norm out_norm_;
  Linear out_proj_;
};

}  // namespace histojet::tokens
