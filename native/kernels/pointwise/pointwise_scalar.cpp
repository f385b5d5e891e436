#include <cmath>
#include <cstring>

#include "base/bfloat16.hpp"
#include "kernels/pointwise/pointwise.hpp"

namespace histojet::kernels::scalar {
namespace {

float load(const RowIn& row, Storage storage, std::int64_t index) {
  const std::byte* from = row.pixels + index * element_bytes(storage);
  if (storage == Storage::kFloat32) {
    float value;
    std::memcpy(&value, from, sizeof value);
    return value;
  }
  SplitFloat value{0, 0};
  std::memcpy(&value.high, from, sizeof value.high);
  if (storage == Storage::kBfloat16) return from_bfloat16(value.high);
  std::memcpy(&value.low, from + row.plane_bytes, sizeof value.low);
  return joined(value);
}

void store(const RowOut& row, Storage storage, std::int64_t index, float value) {
  std::byte* to = row.pixels + index * element_bytes(storage);
  if (storage == Storage::kFloat32) {
    std::memcpy(to, &value, sizeof value);
    return;
  }
  const SplitFloat split = split_float(value);
  std::memcpy(to, &split.high, sizeof split.high);
  if (storage == Storage::kSplit) std::memcpy(to + row.plane_bytes, &split.low, sizeof split.low);
}

}  // namespace

void pointwise(const PointwiseArgs& args) {
  for (std::int64_t x = 0; x < args.width; ++x) {
    const std::int64_t source_x = args.enlarge ? x / 2 : x;
    for (std::int64_t c = 0; c < args.channels; ++c) {
      float value = load(args.a, args.storage, source_x * args.channels + c);
      if (args.b.pixels != nullptr) value += load(args.b, args.storage, x * args.channels + c);
      if (args.scale != nullptr) value = std::fma(args.scale[c], value, args.shift[c]);
      if (args.relu && value < 0.0f) value = 0.0f;
      store(args.out, args.storage, x * args.channels + c, value);
    }
  }
}

}  // namespace histojet::kernels::scalar
