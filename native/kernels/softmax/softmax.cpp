#include "kernels/softmax/softmax.hpp"

namespace histojet::kernels {

const KernelTable<SoftmaxArgs> kSoftmax{
    .scalar = scalar::softmax, .avx2 = avx2::softmax, .avx512 = avx512::softmax, .avx512bf16 = avx512bf16::softmax};

}  // namespace histojet::kernels
