#include <limits>

#include "engine/plan.hpp"

namespace histojet::engine {
namespace {

// Longer chains were never worth while on the networks here, and planning time grows with the square.
constexpr std::size_t kLongestChain = 14;
constexpr std::int64_t kUnits[] = {1, 2, 4, 8};
// A written line is first read into the cache; what falls out of the second-level cache comes back from the third,
// which is about three times as fast as memory.
constexpr double kWriteWeight = 2.0;
constexpr double kRefetchWeight = 0.35;
// Columns that the kernels compute in one sweep over their rows; a few take half as many.
constexpr std::int64_t kPanelColumns = 32;

struct Candidate {
  Chain chain;
  double cost = std::numeric_limits<double>::infinity();
};

class Chooser {
 public:
  Chooser(const Topology& topology, const std::vector<std::int64_t>& row_bytes, std::int64_t cache_bytes)
      : topology_(topology), row_bytes_(row_bytes), cache_bytes_(cache_bytes) {}

  /// best_[e] = cheapest way to cover order[0, e); each step appends one chain.
  std::vector<Chain> choose() const {
    const std::size_t count = topology_.order.size();
    std::vector<double> best(count + 1, std::numeric_limits<double>::infinity());
    std::vector<Candidate> last(count + 1);
    best[0] = 0.0;
    const auto cuts_group = [&](std::size_t at) { return at < count && topology_.is_companion(topology_.order[at]); };
    for (std::size_t begin = 0; begin < count; ++begin) {
      if (cuts_group(begin)) continue;
      std::size_t steps = 0;
      for (std::size_t end = begin + 1; end <= count && steps < kLongestChain; ++end) {
        if (cuts_group(end)) continue;
        ++steps;
        Candidate candidate = cheapest(begin, end);
        const double cost = best[begin] + candidate.cost;
        if (cost >= best[end]) continue;
        best[end] = cost;
        last[end] = std::move(candidate);
      }
    }
    std::vector<Chain> chains;
    for (std::size_t end = count; end > 0; end -= chains.back().members.size()) {
      chains.push_back(std::move(last[end].chain));
    }
    std::reverse(chains.begin(), chains.end());
    return chains;
  }

 private:
  Candidate cheapest(std::size_t begin, std::size_t end) const {
    Candidate best;
    for (const std::int64_t unit : kUnits) {
      Candidate candidate{make_chain(topology_, begin, end, unit)};
      const bool several = candidate.chain.group_end(0) < end - begin;
      if (several && !bands_are_independent(topology_, candidate.chain)) break;
      size_rings(topology_, candidate.chain);
      const std::int64_t room = cache_bytes_ - working_set(candidate.chain);
      const std::int64_t excess = std::max<std::int64_t>(0, -room);
      candidate.chain.spare_bytes = std::max<std::int64_t>(0, room);
      if (excess > 3 * cache_bytes_ && several) break;
      const double turns = static_cast<double>((candidate.chain.coarse_rows + unit - 1) / unit);
      const double refetched = 2.0 * static_cast<double>(excess) + repeated_rows(candidate.chain);
      candidate.cost = traffic(candidate.chain) + kRefetchWeight * refetched * turns;
      if (candidate.cost < best.cost) best = std::move(candidate);
    }
    return best;
  }

  std::int64_t bytes(int id) const {
    return row_bytes_[static_cast<std::size_t>(id)] * topology_.extents[static_cast<std::size_t>(id)].height;
  }

  /// Bytes through main memory, weighted.
  double traffic(const Chain& chain) const {
    double total = 0.0;
    std::vector<bool> counted(topology_.extents.size(), false);
    for (std::size_t i = 0; i < chain.members.size(); ++i) {
      const int id = chain.members[i];
      if (chain.stored[i]) total += kWriteWeight * static_cast<double>(bytes(id));
      for (const InputView& input : topology_.inputs[static_cast<std::size_t>(id)]) {
        const auto index = static_cast<std::size_t>(input.id);
        if (chain.position[index] >= 0 || counted[index]) continue;
        counted[index] = true;
        total += static_cast<double>(bytes(input.id));
      }
    }
    return total;
  }

  /// Bytes that one turn touches again and again: rings, the rows that slide over buffers, fresh rows and weights.
  std::int64_t working_set(const Chain& chain) const {
    std::int64_t total = 0;
    std::vector<std::int64_t> window(topology_.extents.size(), 0);
    for (std::size_t i = 0; i < chain.members.size(); ++i) {
      const auto id = static_cast<std::size_t>(chain.members[i]);
      const ProgramNode& node = topology_.program->node(static_cast<int>(id));
      const std::int64_t fresh_rows = chain.unit << chain.shift[i];
      total += node.weight_bytes();
      total += row_bytes_[id] * (chain.stored[i] ? fresh_rows : chain.ring_rows[i]);
      const auto& inputs = topology_.inputs[id];
      for (std::size_t k = 0; k < inputs.size(); ++k) {
        const auto input = static_cast<std::size_t>(inputs[k].id);
        const int source = chain.position[input];
        if (source >= 0 && !chain.stored[static_cast<std::size_t>(source)]) continue;
        const std::int64_t rows = topology_.rows_needed(chain.members[i], k, fresh_rows - 1).last -
                                  topology_.rows_needed(chain.members[i], k, 0).first + 1;
        window[input] = std::max(window[input], rows * row_bytes_[input]);
      }
    }
    for (const std::int64_t rows : window) total += rows;
    return total;
  }

  /// Bytes per turn that single convolutions read again because the rows of a turn and one weight panel do not fit into
  /// the cache together: each panel sweeps over all rows.
  double repeated_rows(const Chain& chain) const {
    double total = 0.0;
    for (std::size_t i = 0; i < chain.members.size(); ++i) {
      const auto id = static_cast<std::size_t>(chain.members[i]);
      const ProgramNode& node = topology_.program->node(static_cast<int>(id));
      if (!node.is_conv()) continue;
      const std::int64_t panels = (node.parts[0].columns() + kPanelColumns - 1) / kPanelColumns;
      const std::int64_t fresh_rows = chain.unit << chain.shift[i];
      std::int64_t rows = fresh_rows * row_bytes_[id];
      for (const InputView& input : topology_.inputs[id]) {
        rows += (fresh_rows + node.kernel - 1) * row_bytes_[static_cast<std::size_t>(input.id)];
      }
      const bool fits = rows + node.parts[0].weight_bytes() / panels <= cache_bytes_;
      if (!fits) total += static_cast<double>(rows * (panels - 1));
    }
    return total;
  }

  const Topology& topology_;
  const std::vector<std::int64_t>& row_bytes_;
  std::int64_t cache_bytes_;
};

}  // namespace

std::vector<Chain> choose_chains(const Topology& topology, const std::vector<std::int64_t>& row_bytes,
                                 std::int64_t cache_bytes) {
  return Chooser(topology, row_bytes, cache_bytes).choose();
}

}  // namespace histojet::engine
