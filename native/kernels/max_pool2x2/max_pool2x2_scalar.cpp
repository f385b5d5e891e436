#include <cstring>

#include "base/bfloat16.hpp"
#include "kernels/max_pool2x2/max_pool2x2.hpp"

namespace histojet::kernels::scalar {
namespace {

/// A NaN wins, as in torch.
float larger(float a, float b) {
  return a > b || a != a ? a : b;
}

SplitFloat load(const MaxPool2x2Bf16Args& args, const std::byte* row, std::int64_t index) {
  SplitFloat value{0, 0};
  std::memcpy(&value.high, row + 2 * index, sizeof value.high);
  if (args.storage == Storage::kSplit) {
    std::memcpy(&value.low, row + args.in_plane_bytes + 2 * index, sizeof value.low);
  }
  return value;
}

/// The bits of a bfloat16 as an integer of the same order.
int order(Bfloat16 value) {
  return (value & 0x8000U) != 0 ? -1 - (value & 0x7fff) : value;
}

SplitFloat larger(SplitFloat a, SplitFloat b) {
  if (a.high != b.high) return order(a.high) > order(b.high) ? a : b;
  return order(a.low) > order(b.low) ? a : b;
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

void max_pool2x2_bf16(const MaxPool2x2Bf16Args& args) {
  const std::int64_t channels = args.channels;
  for (std::int64_t x = 0; x < args.width; ++x) {
    for (std::int64_t c = 0; c < channels; ++c) {
      const std::int64_t left = 2 * x * channels + c;
      const std::int64_t right = left + channels;
      const SplitFloat value = larger(larger(load(args, args.row0, left), load(args, args.row0, right)),
                                      larger(load(args, args.row1, left), load(args, args.row1, right)));
      std::byte* out = args.out + 2 * (x * channels + c);
      std::memcpy(out, &value.high, sizeof value.high);
      if (args.storage == Storage::kSplit) std::memcpy(out + args.out_plane_bytes, &value.low, sizeof value.low);
    }
  }
}

}  // namespace histojet::kernels::scalar
