#pragma once

#include <cstdint>
#include <vector>

#include "tokens/mamba_mixer.hpp"

namespace histojet::tokens {

/// The order of SR-Mamba's second branch (MambaMIL, 2024): every `rate`-th token, beginning with token 0, then every
/// `rate`-th beginning with token 1, and so on. The sequence is filled up to a multiple of `rate`; places without a
/// token are -1.
std::vector<std::int32_t> strided_order(std::int64_t tokens, std::int64_t rate);

/// A whole sequence through a mixer with two branches (kV2) as SR-Mamba uses them: the first in the order of the
/// sequence, the second (`conv1d_b`, `x_proj_b`, …) in `strided_order`, both forward; results are added to `out`, which
/// must not be `in`. Bit-identical for any number of threads.
/// @throws Error kInvalidArgument for a mixer of another form or a rate below 1, Cancelled.
void accumulate_strided(const MambaMixer& mixer, const MixerRun& run, std::int64_t rate, MixerScratch& scratch,
                        int threads, const CancelToken& cancel);

}  // namespace histojet::tokens
