#include "layers/tf_same_padding.hpp"

#include <algorithm>

namespace histojet::layers {

engine::ConvGeometry tf_same_padding(std::int64_t kernel, std::int64_t stride) {
  const std::int64_t padding = std::max<std::int64_t>(kernel - stride, 0);
  return {.stride = stride, .pad_before = padding / 2, .pad_after = padding - padding / 2};
}

}  // namespace histojet::layers
