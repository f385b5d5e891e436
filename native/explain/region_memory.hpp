#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "models/pixel_mamba/region_pass.hpp"
#include "models/pixel_mamba/region_reuse.hpp"
#include "models/pixel_mamba/token_store.hpp"

namespace histojet::explain {

/// How evaluations of one picture share memory for tokens.
struct SharedStore {
  int side_by_side = 1;          ///< evaluations
  int threads = 1;               ///< of each
  std::int64_t store_bytes = 0;  ///< of each
  std::int64_t kept_bytes = 0;   ///< for what is kept of one of them
};

/// Divides threads and memory among up to `count` evaluations, each with a memory of its own or (`one_memory`) all with
/// one. A stage that scans the whole picture as a grid must have that in memory: such a network gets all there is, one
/// evaluation at a time.
SharedStore share_store(const models::PixelMambaConfig& config, const models::PixelMambaRunOptions& run,
                        std::int64_t count, bool one_memory);

/// What is kept of one evaluation so that another one, of a picture that differs in few regions, need not do everything
/// again: what every region had from those before it (the forward states of all blocks), and the tokens behind the pass
/// over regions. Memory: a store's budget, the rest in a file.
class RegionMemory {
 public:
  /// `budget` must outlive this.
  explicit RegionMemory(models::StoreBudget& budget) : budget_(budget) {}

  /// Nothing was kept: the network does not work region by region.
  bool empty() const { return tokens_ == nullptr; }
  std::int64_t regions() const { return regions_; }

 private:
  friend class KeepingRun;
  friend class ChangedRun;

  /// Room for the states of `pass` and for tokens like those of `tokens`.
  void prepare(models::RegionPass& pass, const models::TokenStore& tokens);
  void keep_state(std::size_t index, std::int64_t region, const tokens::MambaState& state);
  void restore_states(std::int64_t region, std::vector<tokens::MambaState>& states) const;
  /// Whether `region` would find the same numbers as it did.
  bool same_states(std::int64_t region, const std::vector<tokens::MambaState>& states) const;
  /// The tokens of the regions [first, last).
  void copy_tokens(std::int64_t first, std::int64_t last, const models::TokenStore& from, models::TokenStore& to) const;

  models::StoreBudget& budget_;
  std::int64_t regions_ = 0;
  std::int64_t unit_ = 0;                                    ///< tokens of a region
  std::vector<std::unique_ptr<models::TokenStore>> states_;  ///< of each state a row per region
  std::unique_ptr<models::TokenStore> tokens_;
};

/// An evaluation that computes everything and keeps it.
class KeepingRun final : public models::RegionReuse {
 public:
  explicit KeepingRun(RegionMemory& memory) : memory_(memory) {}
  void run(models::RegionPass& pass, models::TokenStore& tokens) override;

 private:
  RegionMemory& memory_;
};

/// An evaluation that computes regions which differ from those of the memory, and the ones behind them as long as what
/// they find differs in a single bit: the result is that of an evaluation of everything.
class ChangedRun final : public models::RegionReuse {
 public:
  /// `changed`: numbers of regions, ascending. The memory must not be empty.
  ChangedRun(const RegionMemory& memory, std::vector<std::int64_t> changed)
      : memory_(memory), changed_(std::move(changed)) {}
  /// Afterwards the memory is that of this picture.
  static ChangedRun updating(RegionMemory& memory, std::vector<std::int64_t> changed) {
    ChangedRun run(memory, std::move(changed));
    run.updated_ = &memory;
    return run;
  }
  void run(models::RegionPass& pass, models::TokenStore& tokens) override;
  /// Regions that were computed.
  std::int64_t computed() const { return computed_; }

 private:
  void compute(std::int64_t region, models::RegionPass& pass);

  const RegionMemory& memory_;
  RegionMemory* updated_ = nullptr;
  const std::vector<std::int64_t> changed_;
  std::int64_t computed_ = 0;
};

}  // namespace histojet::explain
