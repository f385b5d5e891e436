#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <variant>
#include <vector>

#include "binding/handle.hpp"
#include "histojet/histojet.hpp"

namespace histojet::binding {

/// A copy of a caller's large array that is made piece by piece between turns of the event loop. Its memory comes from
/// the executor, where touching it for the first time (the larger part of the cost) holds nobody up; each piece then is
/// a plain copy. Job by job: made on the executor, filled on the JavaScript thread, handed to a job when it is full.
class ArrayCopy {
 public:
  explicit ArrayCopy(std::vector<std::uint8_t> bytes) : memory_(std::move(bytes)) {}
  explicit ArrayCopy(Tensor tensor) : memory_(std::move(tensor)) {}

  /// Bytes in all.
  std::size_t size() const;
  /// The next piece. @throws Error kInvalidArgument when it reaches beyond the end.
  void append(std::span<const std::uint8_t> piece);

  /// The whole copy, once. @throws Error kInvalidArgument when it is not full or of the other kind.
  std::vector<std::uint8_t> take_bytes();
  Tensor take_tensor();

 private:
  template <class Memory>
  Memory take();

  std::variant<std::vector<std::uint8_t>, Tensor> memory_;
  std::size_t filled_ = 0;
};

template <>
struct HandleKind<ArrayCopy> {
  static constexpr const char* kName = "copy of an array";
  static constexpr napi_type_tag kTag{0x40f7ce1b92a64d38, 0xb3152fd8c0e79a46};
};

/// The bytes of a Uint8Array, copied, or those of a full ArrayCopy, taken out of it. @throws Error kInvalidArgument.
std::vector<std::uint8_t> copied_bytes(const Napi::Value& value);

}  // namespace histojet::binding
