#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "tokens/layer_options.hpp"
#include "tokens/token_rows.hpp"

namespace histojet::tokens {

/// Mean over tokens of `dim` values, summed in double precision in the order of the tokens.
std::vector<float> mean_of_tokens(const TokensIn& tokens, std::int64_t count, std::int64_t dim);

/// PyTorch's default GELU of each value, in place.
void gelu(std::span<float> values, Isa isa);

}  // namespace histojet::tokens
