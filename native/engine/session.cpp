#include "engine/session.hpp"

#include <sys/mman.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>

#include "base/checked.hpp"
#include "base/error.hpp"
#include "base/executor.hpp"
#include "engine/band_runner.hpp"

namespace histojet::engine {
namespace {

constexpr std::size_t kHugePage = std::size_t{2} << 20;
constexpr int kMostThreads = 256;

/// Large memory on huge pages where the system has them: rows of several buffers are in use at once, more than the
/// translation cache holds with small pages.
AlignedBuffer<std::byte> allocate(std::int64_t size) {
  const auto bytes = static_cast<std::size_t>(size);
  if (bytes < kHugePage) return make_aligned<std::byte>(bytes);
  const std::size_t rounded = (bytes + kHugePage - 1) / kHugePage * kHugePage;
  void* pointer = std::aligned_alloc(kHugePage, rounded);
  if (pointer == nullptr) throw std::bad_alloc();
  madvise(pointer, rounded, MADV_HUGEPAGE);
  return AlignedBuffer<std::byte>(static_cast<std::byte*>(pointer));
}

AlignedBuffer<std::byte> allocate_or_explain(std::int64_t bytes, const Plan& plan) {
  try {
    return allocate(bytes);
  } catch (const std::bad_alloc&) {
    throw Error(ErrorCode::kOutOfMemory, "engine: no memory for a session of " + std::to_string(plan.image().width) +
                                             " x " + std::to_string(plan.image().height) +
                                             " pixels: " + std::to_string(bytes) + " bytes");
  }
}

}  // namespace

/// Scratch memory while a band runs. Giving it back takes a lock, whose atomic instruction also puts the band's
/// streaming stores before everything that follows; other stores would overtake them.
class Session::SlotLease {
 public:
  explicit SlotLease(Session& session) : session_(session), slot_(session.take_slot()) {}
  ~SlotLease() { session_.give_slot(slot_); }
  SlotLease(const SlotLease&) = delete;
  SlotLease& operator=(const SlotLease&) = delete;
  std::byte* memory() const { return slot_; }

 private:
  Session& session_;
  std::byte* slot_;
};

Session::Session(std::shared_ptr<const Plan> plan)
    : plan_(std::move(plan)),
      arena_(allocate_or_explain(plan_->arena_bytes(), *plan_)),
      zeros_(allocate_or_explain(plan_->zero_row_bytes() + plan_->slack_bytes(), *plan_)),
      dropped_(plan_->program().nodes().size()) {
  std::memset(zeros_.get(), 0, static_cast<std::size_t>(plan_->zero_row_bytes() + plan_->slack_bytes()));
  give_slot(take_slot());
}

std::byte* Session::take_slot() {
  const std::lock_guard lock(slots_mutex_);
  if (free_slots_.empty()) {
    slots_.push_back(allocate_or_explain(plan_->scratch_bytes(), *plan_));
    return slots_.back().get();
  }
  std::byte* slot = free_slots_.back();
  free_slots_.pop_back();
  return slot;
}

void Session::give_slot(std::byte* slot) {
  const std::lock_guard lock(slots_mutex_);
  free_slots_.push_back(slot);
}

std::int64_t Session::memory_bytes() const {
  const std::lock_guard lock(slots_mutex_);
  std::int64_t bytes = plan_->arena_bytes() + plan_->zero_row_bytes() +
                       static_cast<std::int64_t>(slots_.size()) * plan_->scratch_bytes();
  for (const auto& output : dropped_) bytes += static_cast<std::int64_t>(output.size() * sizeof(float));
  return bytes;
}

std::vector<float*> Session::bind(const std::vector<OutputBinding>& outputs) {
  const auto& nodes = plan_->program().nodes();
  std::vector<float*> bound(nodes.size(), nullptr);
  for (const OutputBinding& output : outputs) {
    const auto found = std::find_if(nodes.begin(), nodes.end(), [&](const ProgramNode& node) {
      return is_output(node.kind) && node.name == output.name;
    });
    if (found == nodes.end()) {
      throw Error(ErrorCode::kInvalidArgument, "engine: no output is called \"" + output.name + "\"");
    }
    bound[static_cast<std::size_t>(found - nodes.begin())] = output.data;
  }
  for (std::size_t id = 0; id < nodes.size(); ++id) {
    if (!is_output(nodes[id].kind) || bound[id] != nullptr) continue;
    const Extent extent = plan_->extent(static_cast<int>(id));
    dropped_[id].resize(static_cast<std::size_t>(nodes[id].channels * extent.height * extent.width));
    bound[id] = dropped_[id].data();
  }
  return bound;
}

void Session::run(ImageView rgb, const std::vector<OutputBinding>& outputs, int max_threads,
                  const CancelToken& cancel) {
  const Extent image = plan_->image();
  if (rgb.width != image.width || rgb.height != image.height || rgb.channels != 3) {
    throw Error(ErrorCode::kShapeMismatch,
                "engine: a picture of " + std::to_string(rgb.width) + " x " + std::to_string(rgb.height) +
                    " pixels and " + std::to_string(rgb.channels) + " channels, expected " +
                    std::to_string(image.width) + " x " + std::to_string(image.height) + " and 3");
  }
  const std::vector<float*> bound = bind(outputs);
  const RunMemory memory{plan_.get(), rgb, arena_.get(), zeros_.get(), &bound};
  Executor& executor = Executor::instance();
  const int threads = max_threads <= 0 ? executor.thread_count() : std::min(max_threads, kMostThreads);
  // Two bands per thread: a thread that other work slows down hands rows to the others.
  const std::int64_t wanted = threads == 1 ? 1 : 2 * static_cast<std::int64_t>(threads);
  const auto run_chain = [&](const Chain& chain) {
    const std::int64_t bands = std::min(wanted, chain.coarse_rows);
    const auto band = [&](std::int64_t i) {
      const SlotLease lease(*this);
      run_band(memory, chain, lease.memory(), i * chain.coarse_rows / bands, (i + 1) * chain.coarse_rows / bands,
               cancel);
    };
    if (bands == 1) {
      band(0);
    } else {
      executor.parallel_for(bands, threads, band);
    }
  };
  std::size_t index = 0;
  for (const Chain& chain : plan_->chains()) {
    if (chain_hook_) {
      chain_hook_(index++, [&] { run_chain(chain); });
    } else {
      run_chain(chain);
    }
  }
}

}  // namespace histojet::engine
