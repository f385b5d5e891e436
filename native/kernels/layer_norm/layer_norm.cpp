#include "kernels/layer_norm/layer_norm.hpp"

namespace histojet::kernels {

const KernelTable<LayerNormArgs> kLayerNorm{.scalar = scalar::layer_norm,
                                            .avx2 = avx2::layer_norm,
                                            .avx512 = avx512::layer_norm,
                                            .avx512bf16 = avx512bf16::layer_norm};

}  // namespace histojet::kernels
