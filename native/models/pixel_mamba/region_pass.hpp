#pragma once

#include <condition_variable>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <vector>

#include "models/pixel_mamba/context.hpp"
#include "models/pixel_mamba/region_grid.hpp"

namespace histojet::models {

/// Lets regions pass the steps of a network in their order while each works on its own: region r enters a step only
/// after region r - 1 has left it, since it needs the state from there.
class Turnstile {
 public:
  explicit Turnstile(std::size_t steps) : next_(steps) {}
  /// @throws Cancelled when the run is cancelled or another region failed.
  void enter(std::size_t step, std::int64_t region, const CancelToken& cancel);
  void leave(std::size_t step);
  /// Lets nobody but `region` in from now on.
  void start_at(std::int64_t region);
  /// Turns everyone away; the first failure is kept.
  void fail(std::exception_ptr failure);
  /// Throws the failure, if there is one.
  void rethrow() const;

 private:
  std::mutex mutex_;
  std::condition_variable moved_;
  std::vector<std::int64_t> next_;
  std::exception_ptr failure_;
};

/// Takes regions from pixels, or from stored tokens of the stage before, through the stages that need no more than one
/// region and the states of the ones before: regions are worked on side by side, one thread each.
class RegionPass {
 public:
  /// Where the tokens go; one of the two. `store`: tokens of stage `last` before its blocks when `before_blocks`, else
  /// after them. `pool`: after the blocks of the network's last stage.
  struct Output {
    TokenStore* store = nullptr;
    bool before_blocks = false;
    TokenPool* pool = nullptr;
    TokenStore* sizes = nullptr;  ///< MergeKind::kTome, with `store`: sizes of its tokens
  };
  /// Tokens of stage `first` - 1 after its blocks; null: pixels, with `first` 0.
  struct Input {
    const TokenStore* store = nullptr;
    const TokenStore* sizes = nullptr;  ///< MergeKind::kTome
  };

  RegionPass(RunContext& context, std::size_t first, std::size_t last, Input from, Output output);
  void run();

  // For RegionReuse:

  /// Takes one region through the stages, from the present states on. Not beside another call.
  void run_region(std::int64_t region, int threads);
  /// All that a region has from those before it: the forward states of the blocks, one after the other.
  std::vector<tokens::MambaState>& states() { return states_; }
  /// Sees each state as region `region` finds it, from any thread; for one state the regions come in order.
  using StateWatcher = std::function<void(std::size_t state, std::int64_t region, const tokens::MambaState&)>;
  void watch_states(StateWatcher watcher) { watcher_ = std::move(watcher); }
  RunContext& context() { return context_; }

 private:
  /// One thread's memory: a region's tokens, twice.
  struct Workspace {
    AlignedBuffer<float> pixels;
    AlignedBuffer<float> tokens;
    AlignedBuffer<float> other;
    std::vector<TokenSize> sizes;  ///< of the region's tokens, where they merge by similarity
    PixelScratch scratch;
  };

  std::unique_ptr<Workspace> take_workspace();
  void work(std::int64_t region, Workspace& workspace, int threads);
  void begin(std::int64_t region, Workspace& workspace, int threads);
  void merge(std::size_t stage, std::int64_t region, Workspace& workspace, int threads);
  void run_stage(std::size_t stage, std::int64_t region, Workspace& workspace, int threads);
  void run_block(std::size_t stage, std::size_t block, std::int64_t region, Workspace& workspace, int threads);
  void run_mixer(std::size_t stage, std::size_t block, std::int64_t region, Workspace& workspace, int threads);
  void finish(std::int64_t region, Workspace& workspace);

  RunContext& context_;
  std::size_t first_;
  std::size_t last_;
  Input from_;
  Output output_;
  std::vector<std::size_t> first_step_;     ///< of each stage
  std::vector<RegionGrid> grids_;           ///< of each stage that scans one
  std::vector<tokens::MambaState> states_;  ///< forward, of each block, where the last region left it
  std::unique_ptr<Turnstile> turnstile_;
  StateWatcher watcher_;
  std::mutex mutex_;
  std::vector<std::unique_ptr<Workspace>> idle_;  ///< guarded by mutex_
};

}  // namespace histojet::models
