#include "kernels/attention/attention_parts.hpp"

namespace histojet::kernels {

const KernelTable<TileProductArgs> kTileProduct{
    .scalar = scalar::tile_product, .avx512bf16 = avx512bf16::tile_product, .amx = amx::tile_product};
const KernelTable<SoftmaxBlockArgs> kSoftmaxBlock{.scalar = scalar::softmax_block,
                                                  .avx2 = avx2::softmax_block,
                                                  .avx512 = avx512::softmax_block,
                                                  .avx512bf16 = avx512bf16::softmax_block};
const KernelTable<MergeBlockArgs> kMergeBlock{.scalar = scalar::merge_block,
                                              .avx2 = avx2::merge_block,
                                              .avx512 = avx512::merge_block,
                                              .avx512bf16 = avx512bf16::merge_block};
const KernelTable<PackTileArgs> kPackTile{.scalar = scalar::pack_tile, .avx512bf16 = avx512bf16::pack_tile};

}  // namespace histojet::kernels
