#include "weights/tensor_view.hpp"

#include <algorithm>

#include "base/checked.hpp"
#include "base/text.hpp"

namespace histojet::weights {
namespace {

constexpr std::size_t kMaxRank = 64;

bool all_natural(const std::vector<Value>& values) {
  return std::all_of(values.begin(), values.end(),
                     [](const Value& value) { return value.kind == ValueKind::kInt && value.integer >= 0; });
}

/// Bytes of a dense tensor, or nothing when a product overflows at any step.
std::optional<std::uint64_t> dense_bytes(const std::vector<Value>& sizes, DType dtype) {
  std::optional<std::uint64_t> count = 1;
  for (const Value& size : sizes) {
    count = checked_mul(*count, static_cast<std::uint64_t>(size.integer));
    if (!count) return std::nullopt;
  }
  return checked_mul(*count, dtype_size(dtype));
}

/// One past the last element that a non-empty view touches, or nothing when the sum overflows.
std::optional<std::uint64_t> view_end(std::uint64_t offset, const std::vector<Value>& sizes,
                                      const std::vector<Value>& strides) {
  std::optional<std::uint64_t> end = checked_add(offset, 1);
  for (std::size_t i = 0; end && i < sizes.size(); ++i) {
    const auto reach =
        checked_mul(static_cast<std::uint64_t>(sizes[i].integer) - 1, static_cast<std::uint64_t>(strides[i].integer));
    end = reach ? checked_add(*end, *reach) : std::nullopt;
  }
  return end;
}

}  // namespace

Value make_view(PickleHeap& heap, const ViewRequest& request, std::uint64_t max_bytes, const std::string& where) {
  const auto fail = [&](const std::string& reason) {
    corrupt_at(heap.input().label(), heap.input().offset(), where + " " + reason);
  };
  if (request.storage.kind != ValueKind::kStorage) fail("has no storage");
  if (request.offset.kind != ValueKind::kInt || request.offset.integer < 0) fail("has an invalid storage offset");
  if (request.sizes.kind != ValueKind::kTuple || request.strides.kind != ValueKind::kTuple) {
    fail("has no tuples of sizes and strides");
  }
  const std::vector<Value>& sizes = heap.items(request.sizes);
  const std::vector<Value>& strides = heap.items(request.strides);
  if (sizes.size() != strides.size() || sizes.size() > kMaxRank) {
    fail("has " + std::to_string(sizes.size()) + " sizes and " + std::to_string(strides.size()) +
         " strides; expected equally many, at most 64");
  }
  if (!all_natural(sizes) || !all_natural(strides)) fail("has a size or stride that is no natural number");

  const StorageRef& storage = heap.storage(request.storage.index);
  const std::optional<DType> dtype = request.dtype ? request.dtype : storage.dtype;
  if (!dtype) fail("views an untyped storage without naming an element type");
  const std::uint64_t elements = storage.bytes() / dtype_size(*dtype);
  const auto offset = static_cast<std::uint64_t>(request.offset.integer);
  const auto bytes = dense_bytes(sizes, *dtype);
  if (!bytes) fail("has sizes whose product overflows 64 bits");
  const auto end = *bytes == 0 ? std::optional<std::uint64_t>(0) : view_end(offset, sizes, strides);
  if (!end || *end > elements) {
    fail("reaches beyond its storage " + quote(storage.key) + " of " + std::to_string(elements) + " elements");
  }
  if (*bytes > max_bytes) fail("claims " + std::to_string(*bytes) + " bytes, far more than the file can hold");
  return heap.add_tensor({request.storage.index, offset, request.sizes.index, request.strides.index, *dtype});
}

}  // namespace histojet::weights
