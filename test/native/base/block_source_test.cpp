#include "base/block_source.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <map>
#include <thread>

namespace histojet {
namespace {

using namespace std::chrono_literals;

constexpr std::uint64_t kBlock = 1024;
constexpr std::uint64_t kSize = 100 * kBlock + 123;

std::uint8_t byte_at(std::uint64_t offset) {
  return static_cast<std::uint8_t>(offset * 31 + offset / 251);
}

std::vector<std::uint8_t> bytes_of(ByteRange range) {
  std::vector<std::uint8_t> bytes(range.length);
  for (std::uint64_t i = 0; i < range.length; ++i) bytes[i] = byte_at(range.offset + i);
  return bytes;
}

/// What the fetcher was told; outlives it.
struct Log {
  std::mutex mutex;
  std::vector<std::pair<std::uint64_t, ByteRange>> fetched;
  std::vector<std::uint64_t> cancelled;
  std::function<void(std::uint64_t, ByteRange)> answer;  ///< empty: nothing ever comes

  std::size_t count() {
    std::lock_guard lock(mutex);
    return fetched.size();
  }
  void wait_for(std::size_t requests) {
    for (int i = 0; i < 2000 && count() < requests; ++i) std::this_thread::sleep_for(1ms);
    ASSERT_GE(count(), requests);
  }
};

class LoggingFetcher final : public RangeFetcher {
 public:
  explicit LoggingFetcher(std::shared_ptr<Log> log) : log_(std::move(log)) {}
  void fetch(std::uint64_t id, ByteRange range) override {
    {
      std::lock_guard lock(log_->mutex);
      log_->fetched.emplace_back(id, range);
    }
    if (log_->answer) log_->answer(id, range);
  }
  void cancel(std::uint64_t id) override {
    std::lock_guard lock(log_->mutex);
    log_->cancelled.push_back(id);
  }

 private:
  std::shared_ptr<Log> log_;
};

class BlockSourceTest : public testing::Test {
 protected:
  void open(BlockSourceOptions options = {.block_bytes = kBlock,
                                          .cache_bytes = 32 * kBlock,
                                          .largest_gap = kBlock,
                                          .largest_request = 8 * kBlock}) {
    source =
        std::make_shared<BlockSource>("https://host/slide.tif", kSize, std::make_unique<LoggingFetcher>(log), options);
  }
  /// Every request is answered at once and whole.
  void answer_all() {
    log->answer = [this](std::uint64_t id, ByteRange range) { source->deliver(id, bytes_of(range)); };
  }
  void expect_bytes(std::uint64_t offset, std::uint64_t length) {
    EXPECT_EQ(source->read(offset, length), bytes_of({offset, length})) << offset << " + " << length;
  }
  ByteRange request(std::size_t i) { return log->fetched.at(i).second; }

  std::shared_ptr<Log> log = std::make_shared<Log>();
  std::shared_ptr<BlockSource> source;
};

/// The code and message of what `call` throws.
std::string failure_of(const std::function<void()>& call) {
  try {
    call();
  } catch (const Error& error) {
    return std::string(code_name(error.code())) + " " + error.what();
  } catch (const Cancelled&) {
    return "cancelled";
  }
  return "nothing";
}

TEST_F(BlockSourceTest, ReadsAnyRangeAndKeepsWhatItRead) {
  open();
  answer_all();
  EXPECT_TRUE(source->remote());
  EXPECT_EQ(source->size(), kSize);
  expect_bytes(0, 1);
  expect_bytes(kBlock - 1, 2);
  expect_bytes(5 * kBlock + 17, 3 * kBlock);
  expect_bytes(kSize - 5, 5);
  expect_bytes(kSize, 0);
  EXPECT_EQ(log->count(), 4u);
  EXPECT_EQ(request(3).offset, 100 * kBlock);
  EXPECT_EQ(request(3).length, 123u);
  expect_bytes(5 * kBlock, 4 * kBlock);
  EXPECT_EQ(log->count(), 4u) << "all of it was there";
  EXPECT_EQ(failure_of([&] { source->read(kSize - 4, 5); }).substr(0, 22), "HISTOJET_CORRUPT_FILE ");
}

TEST_F(BlockSourceTest, OneRequestForNeighbouringBlocksButNoneTooLarge) {
  open();
  answer_all();
  expect_bytes(10 * kBlock, 20 * kBlock);
  ASSERT_EQ(log->count(), 3u);
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(request(i).offset, (10 + 8 * i) * kBlock);
    EXPECT_EQ(request(i).length, std::min<std::uint64_t>(8, 20 - 8 * i) * kBlock);
  }
}

TEST_F(BlockSourceTest, PrefetchMergesAcrossSmallGaps) {
  open();
  answer_all();
  // Blocks 0, 2 (gap of one: merged), 5 (gap of two: apart), out of order, twice, beyond the end, empty.
  const ByteRange ranges[] = {{5 * kBlock + 1, 10}, {100, 20}, {2 * kBlock, kBlock}, {101, 5}, {kSize - 1, 2}, {9, 0}};
  source->prefetch(ranges);
  ASSERT_EQ(log->count(), 2u);
  EXPECT_EQ(request(0).offset, 0u);
  EXPECT_EQ(request(0).length, 3 * kBlock);
  EXPECT_EQ(request(1).offset, 5 * kBlock);
  EXPECT_EQ(request(1).length, kBlock);
  expect_bytes(0, 3 * kBlock);
  expect_bytes(5 * kBlock, kBlock);
  source->prefetch(ranges);
  EXPECT_EQ(log->count(), 2u);
}

TEST_F(BlockSourceTest, GapsDoNotOverwriteWhatIsKnown) {
  open();
  answer_all();
  expect_bytes(kBlock, kBlock);
  const ByteRange ranges[] = {{0, 1}, {2 * kBlock, 1}};
  source->prefetch(ranges);
  ASSERT_EQ(log->count(), 2u);
  EXPECT_EQ(request(1).length, 3 * kBlock);
  expect_bytes(0, 3 * kBlock);
  EXPECT_EQ(log->count(), 2u);
}

TEST_F(BlockSourceTest, ForgetsTheLeastRecentlyUsedBlocks) {
  open({.block_bytes = kBlock, .cache_bytes = 4 * kBlock, .largest_gap = 0, .largest_request = kBlock});
  answer_all();
  for (const std::uint64_t block : {0, 1, 2, 3}) expect_bytes(block * kBlock, 1);
  expect_bytes(0, 1);
  expect_bytes(4 * kBlock, 1);  // pushes block 1 out
  EXPECT_EQ(log->count(), 5u);
  for (const std::uint64_t block : {0, 2, 3, 4}) expect_bytes(block * kBlock, 1);
  EXPECT_EQ(log->count(), 5u);
  expect_bytes(1 * kBlock, 1);
  EXPECT_EQ(log->count(), 6u);
}

TEST_F(BlockSourceTest, ReadsMoreThanTheCacheHolds) {
  open({.block_bytes = kBlock, .cache_bytes = 2 * kBlock, .largest_gap = kBlock, .largest_request = 4 * kBlock});
  answer_all();
  expect_bytes(3, kSize - 3);
  EXPECT_LE(log->count(), 30u);
}

TEST_F(BlockSourceTest, AnnouncesAtMostHalfTheCache) {
  open();
  const ByteRange everything[] = {{0, kSize}};
  source->prefetch(everything);
  source->prefetch(everything);
  std::uint64_t bytes = 0;
  for (std::size_t i = 0; i < log->count(); ++i) bytes += request(i).length;
  EXPECT_EQ(bytes, 16 * kBlock);
}

TEST_F(BlockSourceTest, FewRequestsAtOnceAndReadsFirst) {
  open({.block_bytes = kBlock,
        .cache_bytes = 64 * kBlock,
        .largest_gap = 0,
        .largest_request = kBlock,
        .requests_at_once = 2});
  const ByteRange ranges[] = {{0, 6 * kBlock}};
  source->prefetch(ranges);
  EXPECT_EQ(log->count(), 2u);
  std::thread reader([&] { expect_bytes(5 * kBlock, 10); });
  std::this_thread::sleep_for(30ms);  // it waits in front of the blocks that were only announced
  source->deliver(log->fetched[0].first, bytes_of(request(0)));
  log->wait_for(3);
  EXPECT_EQ(request(2).offset, 5 * kBlock);
  source->deliver(log->fetched[2].first, bytes_of(request(2)));
  reader.join();
}

TEST_F(BlockSourceTest, SeededBytesNeedNoRequest) {
  open();
  source->seed(bytes_of({0, 2 * kBlock + 5}));
  expect_bytes(0, 2 * kBlock);
  EXPECT_EQ(log->count(), 0u);
}

TEST_F(BlockSourceTest, ManyReadersShareOneRequest) {
  open();
  std::vector<std::thread> readers;
  for (int i = 0; i < 8; ++i) {
    readers.emplace_back([&, i] { expect_bytes(7 * kBlock + static_cast<std::uint64_t>(i), 2 * kBlock); });
  }
  log->wait_for(1);
  std::this_thread::sleep_for(30ms);
  ASSERT_LE(log->count(), 2u) << "three blocks, the first reader asked for at least two of them";
  for (std::size_t i = 0; i < log->count(); ++i) {
    const auto bytes = bytes_of(request(i));
    // In odd pieces, as a network brings them.
    for (std::size_t at = 0; at < bytes.size(); at += 300) {
      const auto piece = std::span(bytes).subspan(at, std::min<std::size_t>(300, bytes.size() - at));
      EXPECT_TRUE(source->deliver(log->fetched[i].first, piece));
    }
  }
  for (std::thread& reader : readers) reader.join();
}

TEST_F(BlockSourceTest, ReadersGoOnAsSoonAsTheirBlockIsThere) {
  open();
  const ByteRange ranges[] = {{0, 8 * kBlock}};
  source->prefetch(ranges);
  source->deliver(log->fetched[0].first, bytes_of({0, kBlock + 1}));
  expect_bytes(0, kBlock);
  EXPECT_EQ(log->count(), 1u);
}

TEST_F(BlockSourceTest, AFailureReachesAllWhoWaitAndIsNotKept) {
  open();
  std::atomic<int> failed = 0;
  std::vector<std::thread> readers;
  for (int i = 0; i < 4; ++i) {
    readers.emplace_back([&] {
      if (failure_of([&] { source->read(100, 10); }) == "HISTOJET_IO gone") ++failed;
    });
  }
  log->wait_for(1);
  std::this_thread::sleep_for(30ms);
  source->fail(log->fetched[0].first, Error(ErrorCode::kIo, "gone"));
  for (std::thread& reader : readers) reader.join();
  EXPECT_EQ(failed, 4);
  answer_all();
  expect_bytes(100, 10);
  EXPECT_EQ(log->count(), 2u);
}

TEST_F(BlockSourceTest, AFailedAnnouncementIsAskedForAgain) {
  open();
  const ByteRange ranges[] = {{0, kBlock}};
  source->prefetch(ranges);
  source->fail(log->fetched[0].first, Error(ErrorCode::kIo, "gone"));
  EXPECT_FALSE(source->deliver(log->fetched[0].first, bytes_of({0, 1})));
  answer_all();
  expect_bytes(0, 10);
}

TEST_F(BlockSourceTest, TooManyBytesAreRefused) {
  open();
  log->answer = [this](std::uint64_t id, ByteRange range) {
    EXPECT_FALSE(source->deliver(id, bytes_of({range.offset, range.length + 1})));
  };
  EXPECT_EQ(failure_of([&] { source->read(0, 10); }),
            "HISTOJET_IO https://host/slide.tif: more bytes came than the 1024 that were asked for at offset 0");
}

TEST_F(BlockSourceTest, ClosingReleasesReadersAndRefusesNewOnes) {
  open();
  std::atomic<int> released = 0;
  std::vector<std::thread> readers;
  for (std::uint64_t i = 0; i < 12; ++i) {  // more than there are requests at once
    readers.emplace_back([&, i] {
      if (failure_of([&] { source->read(9 * i * kBlock, 10); }) == "HISTOJET_IO closed") ++released;
    });
  }
  log->wait_for(6);
  source->close(Error(ErrorCode::kIo, "closed"));
  for (std::thread& reader : readers) reader.join();
  EXPECT_EQ(released, 12);
  EXPECT_EQ(failure_of([&] { source->read(0, 10); }), "HISTOJET_IO closed");
  const ByteRange ranges[] = {{0, kBlock}};
  source->prefetch(ranges);
  EXPECT_EQ(log->count(), 6u);
}

TEST_F(BlockSourceTest, ACancelledReaderLeavesAndItsRequestIsDropped) {
  open();
  CancelSource cancel;
  std::string outcome;
  std::thread reader([&] {
    const CancelToken token = cancel.token();
    const CancelScope scope(token);
    outcome = failure_of([&] { source->read(0, 10); });
  });
  log->wait_for(1);
  const auto started = std::chrono::steady_clock::now();
  cancel.cancel();
  reader.join();
  EXPECT_LT(std::chrono::steady_clock::now() - started, 1s);
  EXPECT_EQ(outcome, "cancelled");
  EXPECT_EQ(log->cancelled, std::vector<std::uint64_t>{log->fetched[0].first});
  EXPECT_FALSE(source->deliver(log->fetched[0].first, bytes_of({0, 1})));
  answer_all();
  expect_bytes(0, 10);
}

TEST_F(BlockSourceTest, ARequestLivesAsLongAsOneReaderWantsIt) {
  open();
  CancelSource cancel;
  std::string outcome;
  std::thread leaving([&] {
    const CancelToken token = cancel.token();
    const CancelScope scope(token);
    outcome = failure_of([&] { source->read(0, 10); });
  });
  log->wait_for(1);
  std::thread staying([&] { expect_bytes(0, 10); });
  std::this_thread::sleep_for(30ms);
  cancel.cancel();
  leaving.join();
  EXPECT_EQ(outcome, "cancelled");
  EXPECT_TRUE(log->cancelled.empty());
  EXPECT_TRUE(source->deliver(log->fetched[0].first, bytes_of(request(0))));
  staying.join();
  EXPECT_EQ(log->count(), 1u);
}

TEST_F(BlockSourceTest, AnnouncementsOfACancelledCallMakeRoom) {
  open({.block_bytes = kBlock,
        .cache_bytes = 64 * kBlock,
        .largest_gap = 0,
        .largest_request = kBlock,
        .requests_at_once = 2});
  CancelSource cancel;
  {
    const CancelToken token = cancel.token();
    const CancelScope scope(token);
    const ByteRange ranges[] = {{0, 6 * kBlock}};
    source->prefetch(ranges);
  }
  cancel.cancel();
  answer_all();
  expect_bytes(50 * kBlock, 10);
  EXPECT_EQ(log->count(), 3u) << "two that were under way, then the one that somebody reads";
  EXPECT_EQ(log->cancelled.size(), 2u);
}

TEST_F(BlockSourceTest, ManyThreadsWithFailuresAndCancellationsReadTheRightBytes) {
  open({.block_bytes = kBlock, .cache_bytes = 8 * kBlock, .largest_gap = kBlock, .largest_request = 4 * kBlock});
  std::atomic<std::uint64_t> turn = 0;
  std::mutex mutex;
  std::vector<std::thread> network;
  log->answer = [&](std::uint64_t id, ByteRange range) {
    const std::uint64_t number = turn++;
    std::lock_guard lock(mutex);
    network.emplace_back([&, id, range, number] {
      const auto bytes = bytes_of(range);
      const std::size_t first = number % 5 == 0 ? bytes.size() / 2 : bytes.size();
      source->deliver(id, std::span(bytes).first(first));
      if (first < bytes.size()) source->fail(id, Error(ErrorCode::kIo, "dropped"));
    });
  };
  std::vector<std::thread> readers;
  std::atomic<int> good = 0;
  for (std::uint64_t reader = 0; reader < 6; ++reader) {
    readers.emplace_back([&, reader] {
      for (std::uint64_t i = 0; i < 60; ++i) {
        CancelSource cancel;
        const CancelToken token = cancel.token();
        const CancelScope scope(token);
        if (i % 7 == 0) cancel.cancel();
        const std::uint64_t offset = (i * 7919 + reader * 104729) % (kSize - 3000);
        const ByteRange ranges[] = {{offset, 3000}};
        source->prefetch(ranges);
        try {
          ASSERT_EQ(source->read(offset, 3000), bytes_of({offset, 3000}));
          ++good;
        } catch (const Error&) {
        } catch (const Cancelled&) {
        }
      }
    });
  }
  for (std::thread& reader : readers) reader.join();
  EXPECT_GT(good, 100);
  for (;;) {  // an answer starts the next request
    std::vector<std::thread> answers;
    {
      std::lock_guard lock(mutex);
      answers.swap(network);
    }
    if (answers.empty()) break;
    for (std::thread& thread : answers) thread.join();
  }
}

}  // namespace
}  // namespace histojet
