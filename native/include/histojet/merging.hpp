#pragma once

/// Token merging: matchings by similarity, merging and its reversal, sizes and owners over several steps, fixed 2 x 2
/// merging.

#include "histojet/base.hpp"
#include "histojet/tensor.hpp"
#include "merging/patch_merging.hpp"
#include "merging/token_merging.hpp"
