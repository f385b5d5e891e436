#include "weights/pickle_input.hpp"

#include <algorithm>
#include <cstring>

#include "base/text.hpp"

namespace histojet::weights {
namespace {

constexpr std::uint64_t kMaxPickleBytes = 256u << 20;
constexpr std::uint64_t kFirstPiece = 4096;
constexpr std::uint64_t kMaxLine = 64 << 10;

template <class T>
T little(const std::uint8_t* bytes) {
  T value;
  std::memcpy(&value, bytes, sizeof value);
  return value;
}

}  // namespace

PickleInput::PickleInput(std::shared_ptr<const ByteSource> source, std::uint64_t begin, std::uint64_t end,
                         std::string label)
    : source_(std::move(source)), begin_(begin), end_(end), label_(std::move(label)) {
  if (begin_ > end_ || end_ > source_->size()) corrupt(label_, "a pickle lies outside the file");
}

void PickleInput::need(std::uint64_t length) {
  if (length <= buffer_.size() - at_) return;
  if (length > total() - at_) {
    corrupt_at(label_, offset(),
               "the pickle needs " + std::to_string(length) + " more bytes, but only " + std::to_string(total() - at_) +
                   " are left (truncated?)");
  }
  if (length > kMaxPickleBytes - std::min(at_, kMaxPickleBytes)) {
    corrupt_at(label_, offset(), "the pickle is longer than the allowed 256 MiB");
  }
  const std::uint64_t had = buffer_.size();
  const std::uint64_t wanted = std::max({at_ + length, 2 * had, kFirstPiece});
  buffer_.resize(std::min(wanted, total()));
  source_->read_at(begin_ + had, std::span(buffer_).subspan(had));
}

std::uint64_t PickleInput::take(std::uint64_t length) {
  need(length);
  const std::uint64_t position = at_;
  at_ += length;
  return position;
}

std::uint8_t PickleInput::u8() {
  const std::uint64_t position = take(1);
  return buffer_[position];
}
std::uint16_t PickleInput::u16() {
  const std::uint64_t position = take(2);
  return little<std::uint16_t>(buffer_.data() + position);
}
std::uint32_t PickleInput::u32() {
  const std::uint64_t position = take(4);
  return little<std::uint32_t>(buffer_.data() + position);
}
std::uint64_t PickleInput::u64() {
  const std::uint64_t position = take(8);
  return little<std::uint64_t>(buffer_.data() + position);
}

std::string PickleInput::line() {
  std::string result;
  for (;;) {
    const char c = static_cast<char>(u8());
    if (c == '\n') return result;
    if (result.size() == kMaxLine) corrupt_at(label_, offset(), "a line of the pickle is longer than 64 KiB");
    result += c;
  }
}

}  // namespace histojet::weights
