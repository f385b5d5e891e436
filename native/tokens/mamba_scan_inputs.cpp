#include "tokens/mamba_scan_inputs.hpp"

#include <algorithm>
#include <cmath>

#include "base/error.hpp"
#include "tokens/mamba_compiled.hpp"
#include "tokens/mamba_tiles.hpp"

namespace histojet::tokens {
namespace {

constexpr std::int64_t kUnitRows = 64;

const MambaBranch& branch_of(const MambaMixer::Compiled& mixer, Direction direction) {
  const MambaBranch& branch = mixer.branch(direction);
  if (branch.projections) return branch;
  throw Error(ErrorCode::kInvalidArgument, "mamba mixer: it has no backward branch");
}

}  // namespace

void MambaTiles::run_inputs(const CancelToken& cancel, const std::function<void(const ScanInputs&)>& take) {
  if (run_.tokens <= 0) return;
  constexpr std::int64_t kGranule = 32;
  reshape();
  for (begin_tile(0);; begin_tile(start_ + count_)) {
    cancel.throw_if_cancelled();
    share_rows({-known_before_, count_}, kGranule, threads_, [&](Range rows, int thread) { load(rows, thread); });
    share_rows({0, count_}, kGranule, threads_, [&](Range rows, int thread) { project(rows, thread); });
    take(inputs());
    end_tile();
    if (start_ + count_ == run_.tokens) return;
  }
}

ScanInputs MambaTiles::inputs() const {
  const std::int64_t row = reversed_ ? count_ - 1 : 0, way = reversed_ ? -1 : 1;
  const std::int64_t rank = mixer_.config.dt_rank;
  const float* x_dbl = buffers_.x_dbl.row(row);
  return {.first = token_of(row),
          .count = count_,
          .delta = buffers_.delta.row(row),
          .u = buffers_.u.row(row),
          .z = buffers_.raw.row(before_ + row) + mixer_.stride,
          .b = x_dbl + rank,
          .c = x_dbl + rank + mixer_.config.d_state,
          .delta_step = way * buffers_.delta.step(),
          .u_step = way * buffers_.u.step(),
          .z_step = way * buffers_.raw.step(),
          .b_step = way * buffers_.x_dbl.step(),
          .c_step = way * buffers_.x_dbl.step()};
}

void scan_inputs(const MambaMixer& mixer, Direction direction, const MixerRun& run, MambaState& state,
                 MixerScratch& scratch, int threads, const CancelToken& cancel,
                 const std::function<void(const ScanInputs&)>& take) {
  branch_of(mixer.compiled(), direction);
  MambaTiles(mixer.compiled(), direction, run, state, scratch.buffers(), resolved_threads(threads))
      .run_inputs(cancel, take);
}

BranchConstants branch_constants(const MambaMixer& mixer, Direction direction) {
  const MambaMixer::Compiled& compiled = mixer.compiled();
  const MambaBranch& branch = branch_of(compiled, direction);
  return {branch.a2.get(), branch.d.get(), branch.projections->dt_bias.get(), compiled.stride};
}

std::vector<float> output_norms(const MambaMixer& mixer) {
  const Linear& layer = mixer.compiled().out_proj;
  const std::int64_t inner = layer.in();
  RowBuffer units, stored;
  units.reshape(kUnitRows, inner);
  stored.reshape(kUnitRows, inner, layer.storage());
  std::vector<float> out(static_cast<std::size_t>(kUnitRows * layer.columns()));
  std::vector<float> norms;
  LinearScratch scratch;
  for (std::int64_t first = 0; first < inner; first += kUnitRows) {
    const std::int64_t count = std::min(kUnitRows, inner - first);
    for (std::int64_t i = 0; i < count; ++i) {
      std::fill_n(units.row(i), inner, 0.0F);
      units.row(i)[first + i] = 1;
    }
    store_rows({units.row(0), units.step()}, 0, inner, mixer.compiled().options.isa, stored, 0, count);
    layer.run(stored, 0, count, out.data(), layer.columns(), scratch);
    for (std::int64_t i = 0; i < count; ++i) {
      double squares = 0;
      for (std::int64_t k = 0; k < layer.out(); ++k) {
        const double value = out[static_cast<std::size_t>(i * layer.columns() + k)];
        squares += value * value;
      }
      norms.push_back(static_cast<float>(std::sqrt(squares)));
    }
  }
  return norms;
}

}  // namespace histojet::tokens
