#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "base/aligned_buffer.hpp"
#include "explain/scan_terms.hpp"
#include "tokens/mamba_scan_inputs.hpp"
#include "tokens/norm.hpp"

namespace histojet::explain {

/// The tokens that go into a block, before its norm.
class TokenReader {
 public:
  virtual ~TokenReader() = default;
  virtual std::int64_t tokens() const = 0;
  /// Tokens [first, first + count), `step` floats apart. Safe from several threads.
  virtual void read(std::int64_t first, std::int64_t count, float* to, std::int64_t step) const = 0;
};

/// The attention of a block with a Mamba mixer: norm, first product, convolution and projections of each tile, computed
/// again from the tokens that went in. No states are kept or needed.
class MixerTerms final : public BlockTerms {
 public:
  struct Options {
    /// Tokens after which the backward branch starts anew, convolution and all; 0: never.
    std::int64_t backward_segment = 0;
    Sign sign = Sign::kMajorant;  ///< of values and skip; B and C are given as they are
    Weighting weighting = Weighting::kContribution;
    int threads = 1;  ///< per direction; has no influence on results
    CancelToken cancel = {};
  };
  /// All must outlive this. @throws Error kInvalidArgument when tokens and mixer do not fit.
  MixerTerms(const tokens::MambaMixer& mixer, const tokens::Norm& norm, const TokenReader& reader,
             const Options& options);

  std::int64_t tokens() const override { return reader_.tokens(); }
  bool has(Direction direction) const override;
  ScanConstants constants(Direction direction) const override;
  ScanTerms terms(Direction direction, std::int64_t first, std::int64_t count) override;
  double factor() const override;

 private:
  /// Tokens [first, first + count) and their neighbours that the convolution sees.
  struct Run {
    std::int64_t first;
    std::int64_t count;
    std::int64_t before;
    std::int64_t after;
  };
  struct Branch {
    AlignedBuffer<float> in;  ///< [tile + neighbours][dim]
    AlignedBuffer<float> delta;
    AlignedBuffer<float> b;
    AlignedBuffer<float> c;
    AlignedBuffer<float> importance;
    AlignedBuffer<float> value;
    std::int64_t capacity = 0;
    tokens::MixerScratch scratch;
  };
  void reserve(Branch& branch, std::int64_t count) const;
  void keep(const tokens::ScanInputs& tile, std::int64_t lead, std::int64_t count, std::int64_t offset,
            Branch& branch) const;
  void weigh_channels(float* rows, const float* tokens, std::int64_t count) const;
  void compute(Direction direction, const Run& run, std::int64_t offset, Branch& branch);

  const tokens::MambaMixer& mixer_;
  const tokens::Norm& norm_;
  const TokenReader& reader_;
  const Options options_;
  const std::int64_t step_;       ///< floats between tokens
  const std::int64_t stride_;     ///< floats between rows of channels
  std::vector<float> norms_;      ///< of out_proj's columns
  AlignedBuffer<float> skip_[2];  ///< of both directions, or none
  Branch branches_[2];
};

}  // namespace histojet::explain
