#pragma once

#include <functional>
#include <unordered_map>
#include <vector>

#include "weights/pickle_heap.hpp"

namespace histojet::weights {

/// What a checkpoint form tells the machine.
struct PickleRules {
  /// Turns a persistent id (a storage's description) into a value. Called with the offset of the opcode.
  std::function<Value(PickleHeap&, const Value& id)> persistent;
  /// Inert mode: unknown globals and everything made from them become placeholders.
  bool opaque_globals = false;
  /// Largest tensor, in bytes, that a view may claim (views of stride 0 are larger than their storage).
  std::uint64_t max_tensor_bytes = 64u << 20;
};

/// Runs the program of a pickle without ever importing, calling or building anything: it knows the opcodes that state
/// dicts consist of, and a table of names (pickle_symbols.hpp) that it interprets itself. Everything else is an Error
/// with the byte offset (kUnsupportedFormat for foreign names and opcodes, kCorruptFile for malformed programs).
/// Opcodes: CPython `Lib/pickle.py`; restricted set as in PyTorch's `_weights_only_unpickler.py`.
class PickleMachine {
 public:
  PickleMachine(PickleHeap& heap, const PickleRules& rules) : heap_(heap), input_(heap.input()), rules_(rules) {}

  /// Executes one pickle up to its STOP and returns what it leaves.
  Value run();

 private:
  bool step_scalar(std::uint8_t op);
  bool step_text(std::uint8_t op);
  bool step_container(std::uint8_t op);
  bool step_memo(std::uint8_t op);
  bool step_call(std::uint8_t op);

  void push(const Value& value);
  Value pop();
  Value& top();
  /// Start of the values above the last MARK, which is removed.
  std::size_t pop_mark();
  void push_integer(std::int64_t value);
  void push_text(std::uint64_t length, bool must_be_utf8);
  void push_bytes(std::uint64_t length);
  void push_long(std::uint64_t length);
  void push_tuple(std::size_t start);
  void append_items(std::size_t start);
  void add_items(std::size_t start);
  void set_items(std::size_t start);
  void check_key(const Value& key);

  void store_memo(std::uint32_t number);
  void push_memo(std::uint32_t number);

  void push_global(const std::string& module, const std::string& name);
  void push_stack_global();
  void reduce(const Value& callee, const Value& arguments);
  void new_object_with_keywords();
  void build();
  Value call(const Symbol& symbol, const Value& arguments);
  Value call_container(const Symbol& symbol, const Value& arguments);
  Value call_tensor(const Symbol& symbol, const Value& arguments);
  Value argument(const Symbol& symbol, const Value& arguments, std::size_t number);

  [[noreturn]] void fail(const std::string& reason) const;
  [[noreturn]] void refuse(const std::string& reason) const;
  std::string tensor_hint() const;

  PickleHeap& heap_;
  PickleInput& input_;
  const PickleRules& rules_;
  std::vector<Value> stack_;
  std::vector<std::size_t> marks_;
  std::vector<Value> memo_;
  std::unordered_map<std::uint32_t, Value> sparse_memo_;
  std::uint64_t op_offset_ = 0;
};

}  // namespace histojet::weights
