#include "binding/array_copy.hpp"

#include <cstring>
#include <string>

#include "binding/convert.hpp"

namespace histojet::binding {

std::size_t ArrayCopy::size() const {
  if (const auto* tensor = std::get_if<Tensor>(&memory_)) return tensor->byte_size();
  return std::get<std::vector<std::uint8_t>>(memory_).size();
}

void ArrayCopy::append(std::span<const std::uint8_t> piece) {
  if (piece.size() > size() - filled_) {
    throw Error(ErrorCode::kInvalidArgument, "a copy of " + std::to_string(size()) + " bytes has no room for " +
                                                 std::to_string(filled_) + " + " + std::to_string(piece.size()));
  }
  if (piece.empty()) return;
  auto* tensor = std::get_if<Tensor>(&memory_);
  std::uint8_t* start = tensor ? tensor->bytes() : std::get<std::vector<std::uint8_t>>(memory_).data();
  std::memcpy(start + filled_, piece.data(), piece.size());
  filled_ += piece.size();
}

template <class Memory>
Memory ArrayCopy::take() {
  auto* memory = std::get_if<Memory>(&memory_);
  if (memory == nullptr || filled_ != size()) {
    throw Error(ErrorCode::kInvalidArgument,
                "a copy of " + std::to_string(size()) + " bytes was used with " + std::to_string(filled_) + " of them");
  }
  return std::move(*memory);
}

std::vector<std::uint8_t> ArrayCopy::take_bytes() {
  return take<std::vector<std::uint8_t>>();
}

Tensor ArrayCopy::take_tensor() {
  return take<Tensor>();
}

std::vector<std::uint8_t> copied_bytes(const Napi::Value& value) {
  if (!value.IsExternal()) return convert::values<std::uint8_t>(value);
  std::vector<std::uint8_t> bytes = get<ArrayCopy>(value)->take_bytes();
  drop_handle<ArrayCopy>(value);
  return bytes;
}

}  // namespace histojet::binding
