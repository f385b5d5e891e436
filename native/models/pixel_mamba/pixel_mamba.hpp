#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/cancel.hpp"
#include "models/nuclei_network.hpp"
#include "models/pixel_mamba/config.hpp"
#include "models/pixel_mamba/head.hpp"
#include "models/pixel_mamba/layers.hpp"
#include "models/pixel_mamba/region_source.hpp"
#include "models/pixel_mamba/token_pool.hpp"
#include "tokens/layer_options.hpp"

namespace histojet::models {

/// The layers of one network with their weights packed. Immutable, shared by threads.
struct PixelNetwork {
  PixelMambaConfig config;
  PixelStem stem;
  std::vector<PixelStage> stages;
  PoolLayer pool;
  PixelHead head;
};

/// A run of tokens on its way into a block, as a listener sees it.
struct BlockVisit {
  std::size_t stage = 0;
  std::size_t block = 0;
  tokens::Direction direction = tokens::Direction::kForward;
  std::int64_t first_token = 0;  ///< number of the run's first token in the order of the scan
  std::int64_t count = 0;
  const float* tokens = nullptr;  ///< the block's input (the residual, before the norm), `step` floats apart
  std::int64_t step = 0;
  /// What the direction carries into the run, as the network has it there.
  const tokens::MambaState* state = nullptr;
};

/// Sees what passes through a network; for attribution, which computes regions again from what it kept here. Calls come
/// from several threads at once, but the runs of one block and direction come one after the other, in their order.
class RunListener {
 public:
  virtual ~RunListener() = default;
  /// Whether stage `stage` is looked at; asked often.
  virtual bool wants(std::size_t /*stage*/) const { return true; }
  /// Not for blocks that scan a grid.
  virtual void before_block(const BlockVisit& /*visit*/) {}
  /// Tokens after the last block of a stage, in no particular order of runs.
  virtual void after_stage(std::size_t /*stage*/, std::int64_t /*first_token*/, std::int64_t /*count*/,
                           const float* /*tokens*/, std::int64_t /*step*/) {}
  /// Which tokens of the last stage the pooling looks at; empty: all of the run. Runs come in order.
  virtual void pooled(std::int64_t /*first_token*/, std::int64_t /*count*/, std::span<const std::uint8_t> /*counts*/) {}
};

/// Which of a stage's tokens in the cell at `cell` (a region, or what a token that covers several covers) the pooling
/// looks at: those with a pixel of the picture and tissue, and the region's own token if any of the others is. Empty:
/// all. `form`: the stage's, with places.
std::vector<std::uint8_t> counted_tokens(const StageForm& form, const RegionSource& source, tokens::GridCell cell);

class RegionReuse;

struct PixelMambaProgress {
  std::string stage;  ///< "regions", or "stage 3, block 1" and the like
  std::int64_t done = 0;
  std::int64_t total = 0;
};

struct PixelMambaRunOptions {
  int threads = 0;  ///< 0: all of the executor; has no influence on the result
  /// Memory for the tokens of stages that look back over the whole picture; the rest waits in a file. Has no influence
  /// on the result.
  std::int64_t store_bytes = std::int64_t{1} << 30;
  std::string spill_folder;  ///< for that file; empty: the system's folder for temporary files
  /// Called from any thread, one call at a time, at most about 20 times a second.
  std::function<void(const PixelMambaProgress&)> progress;
  RunListener* listener = nullptr;
  /// Decides which regions are computed. The tokens behind the pass over regions then go through `store_bytes` in any
  /// case.
  RegionReuse* reuse = nullptr;
  bool keep_attention = false;  ///< with PoolKind::kAttention: the share of every token in the result
};

struct PixelMambaResult {
  std::vector<float> features;  ///< of the last stage, pooled
  std::vector<float> logits;
  HeadResult head;
  std::vector<float> attention;  ///< empty unless asked for
  std::int64_t regions = 0;
  std::int64_t regions_skipped = 0;  ///< for lack of tissue
  std::int64_t tokens_pooled = 0;
  std::int64_t spilled_bytes = 0;
};

/// The network `pixel-mamba/1` with its weights. Immutable, shared by threads.
class PixelMamba {
 public:
  /// The configuration is `config` where given, else the metadata `config` of the checkpoint. Keys may begin with
  /// "module.". @throws Error kInvalidArgument (no configuration, see parse_pixel_mamba(); a weight that is no finite
  /// number), kMissingWeight, kShapeMismatch naming the key and both shapes, kUnsupportedFormat for keys that are no
  /// part of the network.
  static std::shared_ptr<const PixelMamba> load(std::shared_ptr<const weights::StateDict> dict,
                                                const tokens::LayerOptions& options,
                                                const PixelMambaConfig* config = nullptr);

  const PixelMambaConfig& config() const { return network_.config; }
  /// The layers, for code that computes parts again.
  const PixelNetwork& network() const { return network_; }
  tokens::Precision precision() const { return precision_; }
  Isa isa() const { return isa_; }
  std::int64_t parameters() const { return parameters_; }
  std::int64_t memory_bytes() const { return memory_bytes_; }

  /// Evaluates a picture region by region. Memory: about 16 bytes per channel of a region's tokens and thread (80 where
  /// a stage scans grids in four orders), the states of all blocks, and `store_bytes`. @throws Error kInvalidArgument
  /// (nothing to look at, a result that is no number), kIo, what the source throws; Cancelled.
  PixelMambaResult run(const RegionSource& source, const PixelMambaRunOptions& options = {},
                       const CancelToken& cancel = {}) const;

 private:
  PixelMamba() = default;

  PixelNetwork network_;
  tokens::Precision precision_ = tokens::Precision::kFloat32;
  Isa isa_ = Isa::kScalar;
  std::int64_t parameters_ = 0;
  std::int64_t memory_bytes_ = 0;
};

}  // namespace histojet::models
