#include "base/block_source.hpp"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <new>

namespace histojet {
namespace {

// How late a waiting thread may notice a cancellation.
constexpr auto kPatience = std::chrono::milliseconds(20);
// More tokens than this on one request: somebody will want it.
constexpr std::size_t kMaxTokens = 32;

}  // namespace

BlockSource::BlockSource(std::string name, std::uint64_t size, std::unique_ptr<RangeFetcher> fetcher,
                         const BlockSourceOptions& options)
    : name_(std::move(name)), size_(size), options_(options), fetcher_(std::move(fetcher)) {}

std::uint64_t BlockSource::block_length(std::uint64_t index) const {
  return std::min(options_.block_bytes, size_ - index * options_.block_bytes);
}

void BlockSource::read_at(std::uint64_t offset, std::span<std::uint8_t> out) const {
  check_range(offset, out.size());
  if (out.empty()) return;
  const CancelToken token = CancelScope::current();
  token.throw_if_cancelled();
  const std::uint64_t ahead = std::max<std::uint64_t>(1, options_.largest_request / options_.block_bytes);
  const std::uint64_t end = (offset + out.size() - 1) / options_.block_bytes + 1;
  std::uint64_t asked = offset / options_.block_bytes;
  std::deque<BlockPointer> window;  // blocks asked for and not read yet: long reads overlap with their requests
  for (std::uint64_t index = asked; index < end; ++index) {
    if (asked < end && window.size() <= ahead / 2) {
      const std::uint64_t until = std::min(end, asked + ahead);
      for (BlockPointer& block : demand(asked, until, token)) window.push_back(std::move(block));
      asked = until;
    }
    BlockPointer block = std::move(window.front());
    window.pop_front();
    for (await(block, token); !block->ready; await(block, token)) block = demand(index, index + 1, token).front();
    const std::uint64_t skip = offset - index * options_.block_bytes;
    const std::size_t take = std::min<std::size_t>(out.size(), block->bytes.size() - static_cast<std::size_t>(skip));
    std::memcpy(out.data(), block->bytes.data() + skip, take);
    out = out.subspan(take);
    offset += take;
  }
}

void BlockSource::await(const BlockPointer& block, const CancelToken& token) const {
  Orders orders;
  {
    std::unique_lock lock(mutex_);
    while (!block->ready && !block->lost) {
      arrived_.wait_for(lock, kPatience);
      if (!token.cancelled()) continue;
      drop_unwanted(orders);
      start_requests(orders);
      break;
    }
    if (block->failure) throw Error(block->failure->code(), block->failure->what());
  }
  give(orders);
  token.throw_if_cancelled();
}

std::vector<BlockSource::BlockPointer> BlockSource::demand(std::uint64_t first, std::uint64_t end,
                                                           const CancelToken& token) const {
  std::vector<BlockPointer> found;
  std::vector<std::uint64_t> missing;
  Orders orders;
  {
    std::lock_guard lock(mutex_);
    drop_unwanted(orders);
    for (std::uint64_t index = first; index < end; ++index) {
      const auto known = blocks_.find(index);
      if (known == blocks_.end()) {
        missing.push_back(index);
      } else if (known->second->ready) {
        recent_.splice(recent_.begin(), recent_, known->second->place);
      } else {
        want(*known->second->request, token);
        promote(*known->second->request);
      }
    }
    if (!missing.empty() && closed_) throw Error(closed_->code(), closed_->what());
    enqueue(missing, token, demanded_);
    for (std::uint64_t index = first; index < end; ++index) found.push_back(blocks_.at(index));
    start_requests(orders);
  }
  give(orders);
  return found;
}

void BlockSource::prefetch(std::span<const ByteRange> ranges) const {
  std::vector<std::uint64_t> wanted;
  const std::uint64_t most = options_.cache_bytes / 2 / options_.block_bytes;
  for (const ByteRange& range : ranges) {
    if (range.length == 0 || !contains(range.offset, range.length)) continue;
    const std::uint64_t last = (range.offset + range.length - 1) / options_.block_bytes;
    for (std::uint64_t i = range.offset / options_.block_bytes; i <= last && wanted.size() < 2 * most; ++i) {
      if (wanted.empty() || wanted.back() != i) wanted.push_back(i);
    }
  }
  std::ranges::sort(wanted);
  wanted.erase(std::unique(wanted.begin(), wanted.end()), wanted.end());
  const CancelToken token = CancelScope::current();
  Orders orders;
  {
    std::lock_guard lock(mutex_);
    if (closed_) return;
    drop_unwanted(orders);
    std::vector<std::uint64_t> missing;
    for (const std::uint64_t index : wanted) {
      const auto known = blocks_.find(index);
      if (known == blocks_.end()) {
        const std::uint64_t bytes = outstanding_bytes_ + (missing.size() + 1) * options_.block_bytes;
        if (bytes <= options_.cache_bytes / 2) missing.push_back(index);
      } else if (known->second->ready) {
        recent_.splice(recent_.begin(), recent_, known->second->place);
      } else {
        want(*known->second->request, token);
      }
    }
    enqueue(missing, token, announced_);
    start_requests(orders);
  }
  give(orders);
}

void BlockSource::seed(std::span<const std::uint8_t> head) {
  std::lock_guard lock(mutex_);
  for (std::uint64_t index = 0; index * options_.block_bytes < size_; ++index) {
    const std::uint64_t length = block_length(index);
    if (head.size() < length || blocks_.contains(index)) return;
    const auto block = std::make_shared<Block>();
    block->index = index;
    block->bytes.assign(head.begin(), head.begin() + static_cast<std::ptrdiff_t>(length));
    block->filled = block->bytes.size();
    blocks_[index] = block;
    keep(block);
    head = head.subspan(static_cast<std::size_t>(length));
  }
}

bool BlockSource::deliver(std::uint64_t id, std::span<const std::uint8_t> bytes) try {
  Orders orders;
  bool more = true;
  {
    std::lock_guard lock(mutex_);
    const auto found = requests_.find(id);
    if (found == requests_.end()) return false;
    Request& request = *found->second;
    if (bytes.size() > request.range.length - request.received) {
      finish(id, std::make_shared<const Error>(
                     ErrorCode::kIo, name_ + ": more bytes came than the " + std::to_string(request.range.length) +
                                         " that were asked for at offset " + std::to_string(request.range.offset)));
      more = false;
    } else {
      while (!bytes.empty()) {
        const std::uint64_t inside = request.received % options_.block_bytes;
        const BlockPointer& block = request.blocks[request.received / options_.block_bytes];
        const std::uint64_t index = (request.range.offset + request.received) / options_.block_bytes;
        const auto take = static_cast<std::size_t>(std::min<std::uint64_t>(bytes.size(), block_length(index) - inside));
        if (block) {
          if (block->bytes.empty()) block->bytes.resize(static_cast<std::size_t>(block_length(index)));
          std::memcpy(block->bytes.data() + inside, bytes.data(), take);
          block->filled += take;
          if (block->filled == block->bytes.size()) keep(block);
        }
        bytes = bytes.subspan(take);
        request.received += take;
      }
      if (request.received == request.range.length) finish(id, nullptr);
    }
    start_requests(orders);
    arrived_.notify_all();
  }
  give(orders);
  return more;
} catch (const std::bad_alloc&) {
  fail(id, Error(ErrorCode::kOutOfMemory, name_ + ": no memory for a block"));
  return false;
}

void BlockSource::fail(std::uint64_t id, const Error& reason) {
  Orders orders;
  {
    std::lock_guard lock(mutex_);
    if (!requests_.contains(id)) return;
    finish(id, std::make_shared<const Error>(reason.code(), reason.what()));
    start_requests(orders);
    arrived_.notify_all();
  }
  give(orders);
}

void BlockSource::close(const Error& reason) {
  std::lock_guard lock(mutex_);
  if (closed_) return;
  closed_ = std::make_shared<const Error>(reason.code(), reason.what());
  while (!requests_.empty()) finish(requests_.begin()->first, closed_);
  arrived_.notify_all();
}

void BlockSource::give(const Orders& orders) const {
  for (const std::uint64_t id : orders.cancel) fetcher_->cancel(id);
  for (const auto& [id, range] : orders.fetch) fetcher_->fetch(id, range);
}

bool BlockSource::is_wanted(Request& request) const {
  return std::ranges::any_of(request.wanted_by, [](const CancelToken& token) { return !token.cancelled(); });
}

void BlockSource::want(Request& request, const CancelToken& token) const {
  if (request.wanted_by.size() >= kMaxTokens) {
    std::erase_if(request.wanted_by, [](const CancelToken& known) { return known.cancelled(); });
    if (request.wanted_by.size() >= kMaxTokens) request.wanted_by.assign(1, CancelToken());
  }
  request.wanted_by.push_back(token);
}

void BlockSource::enqueue(const std::vector<std::uint64_t>& missing, const CancelToken& token,
                          std::deque<Request*>& queue) const {
  const std::uint64_t largest = std::max<std::uint64_t>(1, options_.largest_request / options_.block_bytes);
  const std::uint64_t gap = options_.largest_gap / options_.block_bytes;
  for (std::size_t i = 0; i < missing.size();) {
    std::size_t last = i;
    while (last + 1 < missing.size() && missing[last + 1] - missing[last] <= gap + 1 &&
           missing[last + 1] - missing[i] < largest) {
      ++last;
    }
    auto request = std::make_unique<Request>();
    request->id = next_id_++;
    request->range.offset = missing[i] * options_.block_bytes;
    request->wanted_by.push_back(token);
    for (std::uint64_t index = missing[i]; index <= missing[last]; ++index) {
      BlockPointer block;
      if (!blocks_.contains(index)) {
        block = std::make_shared<Block>();
        block->index = index;
        block->request = request.get();
        blocks_.emplace(index, block);
      }
      request->range.length += block_length(index);
      request->blocks.push_back(std::move(block));
    }
    outstanding_bytes_ += request->range.length;
    queue.push_back(request.get());
    requests_.emplace(request->id, std::move(request));
    i = last + 1;
  }
}

void BlockSource::promote(Request& request) const {
  const auto place = std::ranges::find(announced_, &request);
  if (place == announced_.end()) return;
  announced_.erase(place);
  demanded_.push_back(&request);
}

void BlockSource::drop_unwanted(Orders& orders) const {
  std::vector<std::uint64_t> unwanted;
  for (const auto& [id, request] : requests_) {
    if (!is_wanted(*request)) unwanted.push_back(id);
  }
  for (const std::uint64_t id : unwanted) {
    if (requests_.at(id)->started) orders.cancel.push_back(id);
    finish(id, nullptr);
  }
  if (!unwanted.empty()) arrived_.notify_all();
}

void BlockSource::start_requests(Orders& orders) const {
  while (started_ < options_.requests_at_once && !(demanded_.empty() && announced_.empty())) {
    auto& queue = demanded_.empty() ? announced_ : demanded_;
    Request* request = queue.front();
    queue.pop_front();
    if (!is_wanted(*request)) {
      finish(request->id, nullptr);
      continue;
    }
    request->started = true;
    ++started_;
    orders.fetch.emplace_back(request->id, request->range);
  }
}

void BlockSource::finish(std::uint64_t id, const Failure& failure) const {
  const std::unique_ptr<Request> request = std::move(requests_.extract(id).mapped());
  outstanding_bytes_ -= request->range.length;
  if (request->started) {
    --started_;
  } else {
    std::erase(demanded_, request.get());
    std::erase(announced_, request.get());
  }
  for (const BlockPointer& block : request->blocks) {
    if (!block || block->ready) continue;
    block->lost = true;
    block->failure = failure;
    block->request = nullptr;
    blocks_.erase(block->index);
  }
}

void BlockSource::keep(const BlockPointer& block) const {
  block->ready = true;
  block->request = nullptr;
  recent_.push_front(block);
  block->place = recent_.begin();
  kept_bytes_ += block->bytes.size();
  while (kept_bytes_ > options_.cache_bytes && recent_.size() > 1) {
    const BlockPointer& oldest = recent_.back();
    kept_bytes_ -= oldest->bytes.size();
    blocks_.erase(oldest->index);
    recent_.pop_back();
  }
}

}  // namespace histojet
