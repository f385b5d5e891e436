#pragma once

#include <memory>
#include <vector>

#include "models/pixel_mamba/context.hpp"

namespace histojet::models {

/// Takes stored tokens of one stage through its blocks, a chunk at a time. A block that looks back over the whole
/// sequence is swept from both ends at once: until the middle each direction is the first to touch its tokens, beyond
/// it the second. Which one is first depends on the sequence alone, so that the sums round alike for any number of
/// threads. Stages that scan a grid, or windows of one, go by the places of their tokens in the picture. `cells`: of
/// the stage's regions or, where tokens cover several, of each token. `store` holds the result afterwards.
/// @throws Error kInvalidArgument for a grid that does not fit into memory, kIo; Cancelled.
void sweep_stage(RunContext& context, std::size_t stage, const std::vector<tokens::GridCell>& cells,
                 std::unique_ptr<TokenStore>& store);

/// Tokens that sweeps take at a time.
std::int64_t chunk_tokens(std::int64_t dim);

/// Cells of stage `stage` whose tokens cover several regions: those with a token in `cells` of the stage before, in
/// order. `width_px`: of the picture.
std::vector<tokens::GridCell> coarser_cells(const PixelMambaConfig& config, std::int64_t width_px, std::size_t stage,
                                            const std::vector<tokens::GridCell>& cells);

/// Tokens of stage `stage`, one for each of `to`, from those of the stage before, one for each of `from`; cells without
/// a token are zeros.
std::unique_ptr<TokenStore> merge_cells(RunContext& context, std::size_t stage, const TokenStore& tokens,
                                        const std::vector<tokens::GridCell>& from,
                                        const std::vector<tokens::GridCell>& to);

/// Pools stored tokens of the last stage; `sizes`: theirs, with MergeKind::kTome, else null; `cells`: of its regions
/// or, where tokens cover several, of each token.
void pool_store(RunContext& context, const TokenStore& tokens, const TokenStore* sizes,
                const std::vector<tokens::GridCell>& cells, TokenPool& pool);

}  // namespace histojet::models
