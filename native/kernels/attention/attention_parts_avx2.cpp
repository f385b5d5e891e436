#include "kernels/attention/attention_parts_vector.hpp"

namespace histojet::kernels::avx2 {

void softmax_block(const SoftmaxBlockArgs& args) {
  softmax_block_any(args);
}

void merge_block(const MergeBlockArgs& args) {
  merge_block_any(args);
}

}  // namespace histojet::kernels::avx2
