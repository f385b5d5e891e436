#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "binding/napi.hpp"
#include "histojet/base.hpp"

namespace histojet::binding {

/// What a kind of handle is called in messages, and its type tag: two random numbers that no other kind has.
/// Specialised once for each type that JavaScript may hold.
template <class T>
struct HandleKind;

/// A native object held by JavaScript. Jobs copy the pointer, so closing a handle never pulls an object from under one.
template <class T>
struct Holder {
  std::shared_ptr<T> object;  ///< null once closed
  std::int64_t bytes = 0;     ///< what the garbage collector is told that it weighs
};

template <class T>
Napi::Value make_handle(Napi::Env env, std::shared_ptr<T> object, std::int64_t bytes) {
  auto holder = std::make_unique<Holder<T>>(Holder<T>{std::move(object), bytes});
  auto handle = Napi::External<Holder<T>>::New(env, holder.get(), [](Napi::BasicEnv basic, Holder<T>* held) {
    if (held->object) Napi::MemoryManagement::AdjustExternalMemory(basic, -held->bytes);
    delete held;
  });
  holder.release();
  handle.TypeTag(&HandleKind<T>::kTag);
  Napi::MemoryManagement::AdjustExternalMemory(env, bytes);
  return handle;
}

template <class T>
Holder<T>* holder_of(const Napi::Value& value) {
  if (!value.IsExternal() || !value.As<Napi::External<Holder<T>>>().CheckTypeTag(&HandleKind<T>::kTag)) {
    throw Error(ErrorCode::kInvalidArgument, std::string("expected a ") + HandleKind<T>::kName);
  }
  return value.As<Napi::External<Holder<T>>>().Data();
}

/// @throws Error kInvalidArgument for another kind of value, kDisposed when it is closed.
template <class T>
std::shared_ptr<T> get(const Napi::Value& value) {
  const auto& object = holder_of<T>(value)->object;
  if (!object) throw Error(ErrorCode::kDisposed, std::string("the ") + HandleKind<T>::kName + " is closed");
  return object;
}

/// Drops the handle's share of the object; running jobs keep theirs. Dropping twice is fine.
template <class T>
void drop_handle(const Napi::Value& value) {
  Holder<T>* holder = holder_of<T>(value);
  if (!holder->object) return;
  holder->object.reset();
  Napi::MemoryManagement::AdjustExternalMemory(value.Env(), -holder->bytes);
}

/// (handle): closes it.
template <class T>
Napi::Value close_handle(const Napi::CallbackInfo& info) {
  drop_handle<T>(info[0]);
  return info.Env().Undefined();
}

}  // namespace histojet::binding
