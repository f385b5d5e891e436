// The part of the pickle machine that stands for calls: names, reductions and object states, all interpreted here.
#include <algorithm>

#include "base/text.hpp"
#include "weights/pickle_machine.hpp"
#include "weights/tensor_view.hpp"

namespace histojet::weights {
namespace {

constexpr std::uint8_t kGlobal = 'c';
constexpr std::uint8_t kStackGlobal = 0x93;
constexpr std::uint8_t kReduce = 'R';
constexpr std::uint8_t kNewObj = 0x81;
constexpr std::uint8_t kNewObjEx = 0x92;
constexpr std::uint8_t kBuild = 'b';
constexpr std::uint8_t kBinPersId = 'Q';

std::string full_name(const Symbol& symbol) {
  return std::string(symbol.module) + "." + std::string(symbol.name);
}

}  // namespace

bool PickleMachine::step_call(std::uint8_t op) {
  switch (op) {
    case kGlobal: {
      const std::string module = input_.line();
      push_global(module, input_.line());
      return true;
    }
    case kStackGlobal:
      push_stack_global();
      return true;
    case kReduce:
    case kNewObj: {
      const Value arguments = pop();
      const Value callee = pop();
      reduce(callee, arguments);
      return true;
    }
    case kNewObjEx:
      new_object_with_keywords();
      return true;
    case kBuild:
      build();
      return true;
    case kBinPersId: {
      const Value id = pop();
      push(rules_.persistent(heap_, id));
      return true;
    }
    default:
      return false;
  }
}

std::string PickleMachine::tensor_hint() const {
  // While a dict is being filled, the key of the value under construction lies right below it.
  if (stack_.empty() || stack_.back().kind != ValueKind::kString) return "a tensor";
  return "tensor " + quote(heap_.text(stack_.back()));
}

void PickleMachine::push_global(const std::string& module, const std::string& name) {
  const Symbol* symbol = find_symbol(module, name);
  Value value{ValueKind::kSymbol};
  value.symbol = symbol;
  if (symbol == nullptr) {
    if (!rules_.opaque_globals) {
      refuse("the pickle refers to " + quote(module + "." + name) +
             ", which is not part of a state dict; nothing was executed. Save the state dict alone, or open the file "
             "in inert mode (option opaqueGlobals) if you need only its tensors");
    }
    value = Value{ValueKind::kOpaque};
  }
  push(value);
}

void PickleMachine::push_stack_global() {
  const Value name = pop();
  const Value module = pop();
  if (name.kind != ValueKind::kString || module.kind != ValueKind::kString) {
    fail("the pickle names a global by something that is no text");
  }
  push_global(std::string(heap_.text(module)), std::string(heap_.text(name)));
}

void PickleMachine::reduce(const Value& callee, const Value& arguments) {
  if (callee.kind == ValueKind::kOpaque) return push(callee);
  if (callee.kind != ValueKind::kSymbol) fail("the pickle calls something that is no name");
  if (arguments.kind != ValueKind::kTuple) fail("the pickle calls " + full_name(*callee.symbol) + " without arguments");
  if (rules_.opaque_globals) {
    const std::vector<Value>& items = heap_.items(arguments);
    const bool unknown =
        std::any_of(items.begin(), items.end(), [](const Value& item) { return item.kind == ValueKind::kOpaque; });
    if (unknown || callee.symbol->kind == SymbolKind::kRefused) return push(Value{ValueKind::kOpaque});
  }
  push(call(*callee.symbol, arguments));
}

void PickleMachine::new_object_with_keywords() {
  const Value keywords = pop();
  const Value arguments = pop();
  const Value callee = pop();
  if (keywords.kind != ValueKind::kDict) fail("the pickle passes keywords that are no dict");
  if (callee.kind != ValueKind::kOpaque && !heap_.items(keywords).empty()) {
    refuse("the pickle creates an object with keyword arguments; nothing was executed");
  }
  reduce(callee, arguments);
}

void PickleMachine::build() {
  const Value state = pop();
  const Value& target = top();
  if (target.kind == ValueKind::kOpaque) return;
  // A state dict carries its modules' versions in `_metadata`; values do not depend on it.
  if (target.kind == ValueKind::kDict && (state.kind == ValueKind::kDict || state.kind == ValueKind::kOpaque)) return;
  refuse("the pickle sets the state of an object; nothing was executed");
}

Value PickleMachine::argument(const Symbol& symbol, const Value& arguments, std::size_t number) {
  const std::vector<Value>& items = heap_.items(arguments);
  if (number >= items.size())
    fail(full_name(symbol) + " needs more than " + std::to_string(items.size()) + " arguments");
  return items[number];
}

Value PickleMachine::call(const Symbol& symbol, const Value& arguments) {
  switch (symbol.kind) {
    case SymbolKind::kRebuildTensor:
      return call_tensor(symbol, arguments);
    case SymbolKind::kFirstArgument: {
      const Value first = argument(symbol, arguments, 0);
      if (first.kind != ValueKind::kTensor) fail(full_name(symbol) + " is given something that is no tensor");
      return first;
    }
    case SymbolKind::kDict:
    case SymbolKind::kSet:
    case SymbolKind::kTorchSize:
      return call_container(symbol, arguments);
    case SymbolKind::kTorchDevice:
      return Value{ValueKind::kOpaque};
    case SymbolKind::kEncode: {
      Value text = argument(symbol, arguments, 0);
      if (text.kind != ValueKind::kString) fail(full_name(symbol) + " is given something that is no text");
      text.kind = ValueKind::kBytes;
      return text;
    }
    case SymbolKind::kRefused:
      refuse(tensor_hint() + " is " + std::string(symbol.reason) + " (" + full_name(symbol) +
             "), which cannot be read");
    default:
      refuse("the pickle calls " + full_name(symbol) + ", which is no function; nothing was executed");
  }
}

Value PickleMachine::call_container(const Symbol& symbol, const Value& arguments) {
  const ValueKind kind = symbol.kind == SymbolKind::kDict  ? ValueKind::kDict
                         : symbol.kind == SymbolKind::kSet ? ValueKind::kSet
                                                           : ValueKind::kTuple;
  const Value result = heap_.make_container(kind);
  if (heap_.items(arguments).empty()) return result;
  const Value from = argument(symbol, arguments, 0);
  if (!is_container(from.kind)) fail(full_name(symbol) + " is given something that is no container");
  heap_.count_objects(heap_.items(from).size());
  std::vector<Value> items = heap_.items(from);
  if (kind == ValueKind::kDict && from.kind != ValueKind::kDict) {
    std::vector<Value> pairs;
    for (const Value& item : items) {
      const bool pair =
          (item.kind == ValueKind::kTuple || item.kind == ValueKind::kList) && heap_.items(item).size() == 2;
      if (!pair) fail(full_name(symbol) + " is given something that is no list of pairs");
      pairs.insert(pairs.end(), heap_.items(item).begin(), heap_.items(item).end());
    }
    items = std::move(pairs);
  }
  for (std::size_t i = 0; kind == ValueKind::kDict && i < items.size(); i += 2) check_key(items[i]);
  heap_.items(result) = std::move(items);
  return result;
}

Value PickleMachine::call_tensor(const Symbol& symbol, const Value& arguments) {
  const std::string where = tensor_hint();
  ViewRequest request{argument(symbol, arguments, 0), argument(symbol, arguments, 1), argument(symbol, arguments, 2),
                      argument(symbol, arguments, 3), std::nullopt};
  if (symbol.name == "_rebuild_tensor_v3") {
    const Value type = argument(symbol, arguments, 6);
    if (type.kind != ValueKind::kSymbol) fail(where + " has no element type");
    if (type.symbol->kind != SymbolKind::kDType) {
      refuse(where + " has the type " + full_name(*type.symbol) + ", which cannot be read");
    }
    request.dtype = type.symbol->dtype;
  }
  return make_view(heap_, request, rules_.max_tensor_bytes, where);
}

}  // namespace histojet::weights
