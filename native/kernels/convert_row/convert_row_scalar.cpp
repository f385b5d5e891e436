#include <cstring>

#include "base/bfloat16.hpp"
#include "kernels/convert_row/convert_row.hpp"

namespace histojet::kernels::scalar {
namespace {

Bfloat16 load(const std::byte* row, std::int64_t index) {
  Bfloat16 value;
  std::memcpy(&value, row + index * 2, sizeof value);
  return value;
}

void store(std::byte* row, std::int64_t index, Bfloat16 value) {
  std::memcpy(row + index * 2, &value, sizeof value);
}

}  // namespace

void widen_row(const WidenRowArgs& args) {
  for (std::int64_t i = 0; i < args.count; ++i) {
    const Bfloat16 high = load(args.in, i);
    args.out[i] =
        args.storage == Storage::kSplit ? joined({high, load(args.in + args.plane_bytes, i)}) : from_bfloat16(high);
  }
}

void narrow_row(const NarrowRowArgs& args) {
  for (std::int64_t i = 0; i < args.count; ++i) {
    const SplitFloat value = split_float(args.in[i]);
    store(args.out, i, value.high);
    if (args.storage == Storage::kSplit) store(args.out + args.plane_bytes, i, value.low);
  }
}

void image_to_bfloat16(const ImageToBfloat16Args& args) {
  for (std::int64_t x = 0; x < args.width; ++x) {
    for (std::int64_t c = 0; c < 4; ++c) {
      store(args.out, 4 * x + c, c < 3 ? to_bfloat16(static_cast<float>(args.in[3 * x + c])) : Bfloat16{0});
    }
  }
}

}  // namespace histojet::kernels::scalar
