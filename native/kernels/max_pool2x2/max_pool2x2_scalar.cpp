#include "kernels/max_pool2x2/max_pool2x2.hpp"

namespace histojet::kernels::scalar {
namespace {

float larger(float a, float b) {
  return a > b ? a : b;
}

}  // namespace

void max_pool2x2(const MaxPool2x2Args& args) {
  const std::int64_t channels = args.channels;
  for (std::int64_t x = 0; x < args.width; ++x) {
    for (std::int64_t c = 0; c < channels; ++c) {
      const std::int64_t left = 2 * x * channels + c;
      const std::int64_t right = left + channels;
      args.out[x * channels + c] =
          larger(larger(args.row0[left], args.row0[right]), larger(args.row1[left], args.row1[right]));
    }
  }
}

}  // namespace histojet::kernels::scalar
