#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <list>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/byte_source.hpp"
#include "base/cancel.hpp"
#include "base/error.hpp"

namespace histojet {

/// Where a BlockSource gets its bytes; the network itself lives outside of the core. Called from any thread, without a
/// lock of the source held; must neither block nor throw.
class RangeFetcher {
 public:
  virtual ~RangeFetcher() = default;
  /// Begins request `id`. What comes goes to BlockSource::deliver in order, a failure to BlockSource::fail.
  virtual void fetch(std::uint64_t id, ByteRange range) = 0;
  /// Nobody waits for request `id` any more; what still comes of it is ignored.
  virtual void cancel(std::uint64_t id) = 0;
};

struct BlockSourceOptions {
  std::uint64_t block_bytes = 64 << 10;     ///< unit of the cache; requests begin and end at its multiples
  std::uint64_t cache_bytes = 32 << 20;     ///< complete blocks that are kept; also bounds what is announced ahead
  std::uint64_t largest_gap = 64 << 10;     ///< missing blocks this far apart still share a request
  std::uint64_t largest_request = 8 << 20;  ///< bytes
  int requests_at_once = 6;
};

/// A source that fetches ranges when somebody reads them and keeps them in blocks, least recently used first out. Each
/// block is fetched once however many threads want it; neighbouring missing blocks share a request. `read_at` blocks
/// its thread until the bytes are there, the request fails, the source is closed, or the token of the thread's
/// CancelScope is set (throws Cancelled). Requests that only cancelled readers asked for are dropped. Memory:
/// `cache_bytes`, an unfinished block per request, and at most 1.5 * `largest_request` per read under way.
class BlockSource final : public ByteSource {
 public:
  BlockSource(std::string name, std::uint64_t size, std::unique_ptr<RangeFetcher> fetcher,
              const BlockSourceOptions& options = {});

  std::uint64_t size() const override { return size_; }
  const std::string& name() const override { return name_; }
  bool remote() const override { return true; }
  /// @throws Error kCorruptFile when the range leaves the source, what `fail` or `close` was given; Cancelled.
  void read_at(std::uint64_t offset, std::span<std::uint8_t> out) const override;
  /// Returns at once. What exceeds half the cache is left to the reads.
  void prefetch(std::span<const ByteRange> ranges) const override;

  /// The first bytes of the source, which its owner already has. Only whole blocks are kept.
  void seed(std::span<const std::uint8_t> head);
  /// The next bytes of request `id`. False when nobody wants the rest: the fetcher stops then.
  bool deliver(std::uint64_t id, std::span<const std::uint8_t> bytes);
  /// Ends request `id`; all who wait for its missing blocks get `reason`, a later read asks again.
  void fail(std::uint64_t id, const Error& reason);
  /// Ends all requests; reads that wait and all later ones that need the fetcher throw `reason`.
  void close(const Error& reason);

 private:
  struct Request;
  /// Kept and thrown as copies of its own: threads share neither an exception nor its text.
  using Failure = std::shared_ptr<const Error>;
  struct Block {
    std::uint64_t index = 0;
    std::vector<std::uint8_t> bytes;  ///< allocated when the first of them arrives
    std::size_t filled = 0;
    bool ready = false;
    bool lost = false;                                  ///< no request will fill it any more
    Failure failure;                                    ///< why it is lost; null: dropped, ask again
    Request* request = nullptr;                         ///< while it is neither ready nor lost
    std::list<std::shared_ptr<Block>>::iterator place;  ///< in recent_, while ready and kept
  };
  using BlockPointer = std::shared_ptr<Block>;
  struct Request {
    std::uint64_t id = 0;
    ByteRange range;
    std::uint64_t received = 0;
    bool started = false;
    std::vector<BlockPointer> blocks;    ///< those of the range in order; null where the bytes are known already
    std::vector<CancelToken> wanted_by;  ///< dropped when all of them are cancelled
  };
  /// What to tell the fetcher once the lock is open.
  struct Orders {
    std::vector<std::pair<std::uint64_t, ByteRange>> fetch;
    std::vector<std::uint64_t> cancel;
  };

  std::uint64_t block_length(std::uint64_t index) const;
  /// The blocks [first, end), asked for where they are missing.
  std::vector<BlockPointer> demand(std::uint64_t first, std::uint64_t end, const CancelToken& token) const;
  void await(const BlockPointer& block, const CancelToken& token) const;
  void give(const Orders& orders) const;

  // All below: with mutex_ held.
  bool is_wanted(Request& request) const;
  void want(Request& request, const CancelToken& token) const;
  /// Sorted missing blocks become requests at the end of `queue`.
  void enqueue(const std::vector<std::uint64_t>& missing, const CancelToken& token, std::deque<Request*>& queue) const;
  void promote(Request& request) const;
  void drop_unwanted(Orders& orders) const;
  void start_requests(Orders& orders) const;
  void finish(std::uint64_t id, const Failure& failure) const;
  void keep(const BlockPointer& block) const;

  std::string name_;
  std::uint64_t size_;
  BlockSourceOptions options_;
  mutable std::mutex mutex_;
  mutable std::condition_variable arrived_;
  mutable std::unordered_map<std::uint64_t, BlockPointer> blocks_;  ///< ready and pending ones by index
  mutable std::list<BlockPointer> recent_;                          ///< ready ones, newest first
  mutable std::uint64_t kept_bytes_ = 0;
  mutable std::unordered_map<std::uint64_t, std::unique_ptr<Request>> requests_;
  mutable std::deque<Request*> demanded_;   ///< not started, wanted now
  mutable std::deque<Request*> announced_;  ///< not started, wanted soon
  mutable std::uint64_t outstanding_bytes_ = 0;
  mutable int started_ = 0;
  mutable std::uint64_t next_id_ = 1;
  Failure closed_;
  std::unique_ptr<RangeFetcher> fetcher_;  ///< goes first
};

}  // namespace histojet
