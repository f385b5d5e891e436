#include "weights/pickle_machine.hpp"

#include <bit>
#include <cstdio>

#include "base/text.hpp"

namespace histojet::weights {
namespace {

constexpr std::size_t kMaxStack = 10'000'000;
constexpr std::uint64_t kMaxOpcodes = 100'000'000;
constexpr std::size_t kMaxSparseMemo = 1'000'000;
constexpr std::uint32_t kMaxKeyBytes = 64 << 10;

/// Opcodes with the names of CPython's pickletools.
enum Opcode : std::uint8_t {
  kProto = 0x80,
  kFrame = 0x95,
  kStop = '.',
  kMark = '(',
  kNone = 'N',
  kNewTrue = 0x88,
  kNewFalse = 0x89,
  kBinInt = 'J',
  kBinInt1 = 'K',
  kBinInt2 = 'M',
  kLong1 = 0x8a,
  kBinFloat = 'G',
  kBinUnicode = 'X',
  kShortBinUnicode = 0x8c,
  kBinUnicode8 = 0x8d,
  kBinString = 'T',
  kShortBinString = 'U',
  kBinBytes = 'B',
  kShortBinBytes = 'C',
  kBinBytes8 = 0x8e,
  kEmptyTuple = ')',
  kEmptyList = ']',
  kEmptyDict = '}',
  kEmptySet = 0x8f,
  kTuple = 't',
  kTuple1 = 0x85,
  kTuple2 = 0x86,
  kTuple3 = 0x87,
  kAppend = 'a',
  kAppends = 'e',
  kAddItems = 0x90,
  kSetItem = 's',
  kSetItems = 'u',
  kBinPut = 'q',
  kLongBinPut = 'r',
  kBinGet = 'h',
  kLongBinGet = 'j',
  kMemoize = 0x94,
  kGlobal = 'c',
  kStackGlobal = 0x93,
  kReduce = 'R',
  kNewObj = 0x81,
  kNewObjEx = 0x92,
  kBuild = 'b',
  kBinPersId = 'Q',
};

}  // namespace

Value PickleMachine::run() {
  for (std::uint64_t count = 0; count < kMaxOpcodes; ++count) {
    op_offset_ = input_.offset();
    const std::uint8_t op = input_.u8();
    if (op == kStop) {
      const Value result = pop();
      if (!stack_.empty() || !marks_.empty()) fail("the pickle ends with values left over");
      return result;
    }
    if (step_memo(op) || step_text(op) || step_container(op) || step_scalar(op) || step_call(op)) continue;
    char code[8];
    std::snprintf(code, sizeof code, "0x%02x", op);
    refuse(std::string("the pickle uses the instruction ") + code +
           ", which state dicts never need; it was not executed");
  }
  fail("the pickle has more than 100 million instructions");
}

bool PickleMachine::step_scalar(std::uint8_t op) {
  switch (op) {
    case kProto:
      if (input_.u8() > 5) fail("the pickle has an unknown protocol version");
      return true;
    case kFrame:
      if (input_.u64() > input_.total() - input_.consumed()) fail("a frame of the pickle passes the end of the file");
      return true;
    case kNone:
      push({});
      return true;
    case kNewTrue:
    case kNewFalse: {
      Value value{ValueKind::kBool};
      value.integer = op == kNewTrue ? 1 : 0;
      push(value);
      return true;
    }
    case kBinInt:
      push_integer(static_cast<std::int32_t>(input_.u32()));
      return true;
    case kBinInt1:
      push_integer(input_.u8());
      return true;
    case kBinInt2:
      push_integer(input_.u16());
      return true;
    case kLong1:
      push_long(input_.u8());
      return true;
    case kBinFloat: {
      Value value{ValueKind::kFloat};
      value.real = std::bit_cast<double>(__builtin_bswap64(input_.u64()));
      push(value);
      return true;
    }
    default:
      return false;
  }
}

bool PickleMachine::step_text(std::uint8_t op) {
  switch (op) {
    case kBinUnicode:
      push_text(input_.u32(), true);
      return true;
    case kShortBinUnicode:
      push_text(input_.u8(), true);
      return true;
    case kBinUnicode8:
      push_text(input_.u64(), true);
      return true;
    case kBinString:
      push_text(input_.u32(), false);
      return true;
    case kShortBinString:
      push_text(input_.u8(), false);
      return true;
    case kBinBytes:
      push_bytes(input_.u32());
      return true;
    case kShortBinBytes:
      push_bytes(input_.u8());
      return true;
    case kBinBytes8:
      push_bytes(input_.u64());
      return true;
    default:
      return false;
  }
}

bool PickleMachine::step_container(std::uint8_t op) {
  switch (op) {
    case kMark:
      marks_.push_back(stack_.size());
      return true;
    case kEmptyTuple:
      push(heap_.make_container(ValueKind::kTuple));
      return true;
    case kEmptyList:
      push(heap_.make_container(ValueKind::kList));
      return true;
    case kEmptyDict:
      push(heap_.make_container(ValueKind::kDict));
      return true;
    case kEmptySet:
      push(heap_.make_container(ValueKind::kSet));
      return true;
    case kTuple:
      push_tuple(pop_mark());
      return true;
    case kTuple1:
    case kTuple2:
    case kTuple3: {
      const std::size_t length = op - kTuple1 + std::size_t{1};
      const std::size_t floor = marks_.empty() ? 0 : marks_.back();
      if (stack_.size() - floor < length) fail("the pickle takes more values than there are");
      push_tuple(stack_.size() - length);
      return true;
    }
    case kAppend:
      append_items(stack_.size() - 1);
      return true;
    case kAppends:
      append_items(pop_mark());
      return true;
    case kAddItems:
      add_items(pop_mark());
      return true;
    case kSetItem:
      set_items(stack_.size() - 2);
      return true;
    case kSetItems:
      set_items(pop_mark());
      return true;
    default:
      return false;
  }
}

bool PickleMachine::step_memo(std::uint8_t op) {
  switch (op) {
    case kBinPut:
      store_memo(input_.u8());
      return true;
    case kLongBinPut:
      store_memo(input_.u32());
      return true;
    case kMemoize:
      store_memo(static_cast<std::uint32_t>(memo_.size()));
      return true;
    case kBinGet:
      push_memo(input_.u8());
      return true;
    case kLongBinGet:
      push_memo(input_.u32());
      return true;
    default:
      return false;
  }
}

void PickleMachine::push(const Value& value) {
  if (stack_.size() == kMaxStack) fail("the pickle keeps more than 10 million values waiting");
  stack_.push_back(value);
}

Value& PickleMachine::top() {
  if (stack_.size() <= (marks_.empty() ? 0 : marks_.back())) fail("the pickle takes more values than there are");
  return stack_.back();
}

Value PickleMachine::pop() {
  const Value value = top();
  stack_.pop_back();
  return value;
}

std::size_t PickleMachine::pop_mark() {
  if (marks_.empty()) fail("the pickle closes a group that it never opened");
  const std::size_t start = marks_.back();
  marks_.pop_back();
  return start;
}

void PickleMachine::push_integer(std::int64_t integer) {
  Value value{ValueKind::kInt};
  value.integer = integer;
  push(value);
}

void PickleMachine::push_text(std::uint64_t length, bool must_be_utf8) {
  Value value{ValueKind::kString};
  value.position = input_.take(length);
  value.length = static_cast<std::uint32_t>(length);
  if (!is_utf8(heap_.text(value))) {
    if (must_be_utf8) fail("a text of the pickle is not valid UTF-8");
    value.kind = ValueKind::kBytes;
  }
  push(value);
}

void PickleMachine::push_bytes(std::uint64_t length) {
  Value value{ValueKind::kBytes};
  value.position = input_.take(length);
  value.length = static_cast<std::uint32_t>(length);
  push(value);
}

void PickleMachine::push_long(std::uint64_t length) {
  Value value{ValueKind::kBigInt};
  value.position = input_.take(length);
  value.length = static_cast<std::uint32_t>(length);
  if (length > 8) return push(value);
  const std::string_view bytes = heap_.text(value);
  const bool negative = length > 0 && (static_cast<std::uint8_t>(bytes.back()) & 0x80) != 0;
  std::uint64_t integer = negative ? ~std::uint64_t{0} : 0;
  for (std::size_t i = bytes.size(); i-- > 0;) integer = (integer << 8) | static_cast<std::uint8_t>(bytes[i]);
  push_integer(static_cast<std::int64_t>(integer));
}

void PickleMachine::push_tuple(std::size_t start) {
  const Value tuple = heap_.make_container(ValueKind::kTuple);
  const auto first = stack_.begin() + static_cast<std::ptrdiff_t>(start);
  heap_.items(tuple).assign(first, stack_.end());
  stack_.erase(first, stack_.end());
  push(tuple);
}

void PickleMachine::append_items(std::size_t start) {
  const std::size_t floor = marks_.empty() ? 0 : marks_.back();
  if (start > stack_.size() || start < floor + 1) fail("the pickle appends to a list that is not there");
  const Value list = stack_[start - 1];
  if (list.kind == ValueKind::kList) {
    std::vector<Value>& items = heap_.items(list);
    items.insert(items.end(), stack_.begin() + static_cast<std::ptrdiff_t>(start), stack_.end());
  } else if (list.kind != ValueKind::kOpaque) {
    fail("the pickle appends to something that is no list");
  }
  stack_.resize(start);
}

void PickleMachine::add_items(std::size_t start) {
  const std::size_t floor = marks_.empty() ? 0 : marks_.back();
  if (start < floor + 1) fail("the pickle adds to a set that is not there");
  const Value set = stack_[start - 1];
  if (set.kind == ValueKind::kSet) {
    for (std::size_t i = start; i < stack_.size(); ++i) check_key(stack_[i]);
    std::vector<Value>& items = heap_.items(set);
    items.insert(items.end(), stack_.begin() + static_cast<std::ptrdiff_t>(start), stack_.end());
  } else if (set.kind != ValueKind::kOpaque) {
    fail("the pickle adds to something that is no set");
  }
  stack_.resize(start);
}

void PickleMachine::set_items(std::size_t start) {
  const std::size_t floor = marks_.empty() ? 0 : marks_.back();
  if (start > stack_.size() || start < floor + 1) fail("the pickle fills a dict that is not there");
  if ((stack_.size() - start) % 2 != 0) fail("the pickle gives a dict a key without a value");
  const Value dict = stack_[start - 1];
  if (dict.kind == ValueKind::kDict) {
    for (std::size_t i = start; i < stack_.size(); i += 2) check_key(stack_[i]);
    std::vector<Value>& items = heap_.items(dict);
    items.insert(items.end(), stack_.begin() + static_cast<std::ptrdiff_t>(start), stack_.end());
  } else if (dict.kind != ValueKind::kOpaque) {
    fail("the pickle fills something that is no dict");
  }
  stack_.resize(start);
}

void PickleMachine::check_key(const Value& key) {
  if (key.kind == ValueKind::kList || key.kind == ValueKind::kDict || key.kind == ValueKind::kSet) {
    fail("the pickle uses a container as the key of a dict or the member of a set");
  }
  if (key.kind == ValueKind::kString && key.length > kMaxKeyBytes) fail("a key of the pickle is longer than 64 KiB");
}

void PickleMachine::store_memo(std::uint32_t number) {
  const Value value = top();
  if (number < memo_.size()) {
    memo_[number] = value;
  } else if (number == memo_.size()) {
    memo_.push_back(value);
  } else {
    if (sparse_memo_.size() == kMaxSparseMemo) fail("the pickle numbers its values without order");
    sparse_memo_[number] = value;
  }
}

void PickleMachine::push_memo(std::uint32_t number) {
  if (number < memo_.size()) return push(memo_[number]);
  const auto found = sparse_memo_.find(number);
  if (found == sparse_memo_.end()) {
    fail("the pickle refers to value number " + std::to_string(number) + ", which it never stored");
  }
  push(found->second);
}

void PickleMachine::fail(const std::string& reason) const {
  corrupt_at(input_.label(), op_offset_, reason);
}

void PickleMachine::refuse(const std::string& reason) const {
  unsupported(input_.label(), reason + " (at byte " + std::to_string(op_offset_) + ")");
}

}  // namespace histojet::weights
