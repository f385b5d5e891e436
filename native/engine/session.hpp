#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/aligned_buffer.hpp"
#include "base/cancel.hpp"
#include "base/image.hpp"
#include "engine/plan.hpp"

namespace histojet::engine {

/// Where one output of the program goes: [channels, height, width] floats, dense, owned by the caller.
struct OutputBinding {
  std::string name;
  float* data = nullptr;
};

/// Stands around the work on one chain of the plan, by its index: calls `work` once or, for measuring, several times
/// (a chain computes the same again).
using ChainHook = std::function<void(std::size_t chain, const std::function<void()>& work)>;

/// Working memory of a plan and the means to run it. One picture at a time; several threads may share the work of it.
class Session {
 public:
  /// @throws Error kOutOfMemory.
  explicit Session(std::shared_ptr<const Plan> plan);

  /// Computes all outputs; those without a binding are computed into memory of the session's own and dropped. Rows are
  /// split into bands when `max_threads` is above 1 (0: all threads of the executor); results are bit-identical for any
  /// number. @throws Error kShapeMismatch when `rgb` is not of the plan's size or has not 3 channels, kInvalidArgument
  /// for an unknown output; Cancelled.
  void run(ImageView rgb, const std::vector<OutputBinding>& outputs, int max_threads, const CancelToken& cancel);

  /// From now on `hook` stands around every chain; empty: nothing does.
  void set_chain_hook(ChainHook hook) { chain_hook_ = std::move(hook); }

  const Plan& plan() const { return *plan_; }
  /// Arena and the scratch memory of all threads that took part so far.
  std::int64_t memory_bytes() const;

 private:
  class SlotLease;
  std::vector<float*> bind(const std::vector<OutputBinding>& outputs);
  std::byte* take_slot();
  void give_slot(std::byte* slot);

  std::shared_ptr<const Plan> plan_;
  ChainHook chain_hook_;
  AlignedBuffer<std::byte> arena_;
  AlignedBuffer<std::byte> zeros_;
  std::vector<std::vector<float>> dropped_;  ///< by id: outputs that nobody asked for
  mutable std::mutex slots_mutex_;
  std::vector<AlignedBuffer<std::byte>> slots_;
  std::vector<std::byte*> free_slots_;
};

}  // namespace histojet::engine
