#include "engine/session.hpp"

#include <gtest/gtest.h>

#include <thread>

#include "base/error.hpp"
#include "engine/arena.hpp"
#include "engine/run_graph.hpp"
#include "engine/small_graph.hpp"

using namespace histojet;
using namespace histojet::engine;
using histojet::test::GraphRun;
using histojet::test::noise_image;

TEST(Session, ResultsDoNotDependOnThreadsOrChains) {
  const Graph graph = test::two_level_graph();
  for (const auto& [width, height] : {std::pair{97, 61}, {64, 64}, {6, 200}, {2, 2}}) {
    const Image image = noise_image(width, height);
    for (const Isa isa : test::available_isas()) {
      // One byte of cache: every operation is a chain of its own.
      const auto expected = GraphRun{.taps = {"top"}, .isa = isa, .cache_bytes = 1}(graph, image);
      const bool slow = isa == Isa::kScalar;
      for (const int threads : slow ? std::vector<int>{2} : std::vector<int>{1, 2, 5}) {
        for (const int cache_bytes : slow ? std::vector<int>{1 << 30} : std::vector<int>{1, 40'000, 1 << 30}) {
          const auto results =
              GraphRun{.taps = {"top"}, .isa = isa, .threads = threads, .cache_bytes = cache_bytes}(graph, image);
          EXPECT_EQ(results, expected) << width << " x " << height << ", " << threads << " threads, " << cache_bytes;
        }
      }
    }
  }
}

TEST(Session, VariantsAgree) {
  const Graph graph = test::two_level_graph();
  const Image image = noise_image(51, 38);
  const auto expected = GraphRun{.isa = Isa::kScalar}(graph, image);
  for (const Isa isa : test::available_isas()) {
    const auto results = GraphRun{.isa = isa}(graph, image);
    for (const auto& [name, values] : expected) {
      ASSERT_EQ(results.at(name).size(), values.size());
      for (std::size_t i = 0; i < values.size(); ++i) ASSERT_NEAR(results.at(name)[i], values[i], 1e-5) << name << i;
    }
  }
}

TEST(Session, RunsAgainWithOtherPicturesAndOnOtherThreads) {
  const Graph graph = test::two_level_graph();
  const auto program = Program::compile(graph);
  const auto plan = std::make_shared<Plan>(program, Extent{40, 48});
  const Image first = noise_image(48, 40, 1);
  const Image second = noise_image(48, 40, 2);
  const auto run = [&](Session& session, const Image& image) {
    std::vector<float> np(40 * 48);
    session.run(image, {{"np", np.data()}}, 2, {});
    return np;
  };
  Session session(plan);
  const std::vector<float> expected = run(session, first);
  EXPECT_NE(run(session, second), expected);
  EXPECT_EQ(run(session, first), expected);
  Session other(plan);
  std::vector<float> from_thread;
  std::thread([&] { from_thread = run(other, first); }).join();
  EXPECT_EQ(from_thread, expected);
}

TEST(Session, RefusesWrongPicturesAndOutputs) {
  const auto plan = std::make_shared<Plan>(Program::compile(test::two_level_graph()), Extent{20, 30});
  Session session(plan);
  EXPECT_THROW(session.run(noise_image(20, 30), {}, 1, {}), Error);
  EXPECT_THROW(session.run(Image(30, 20, 4), {}, 1, {}), Error);
  float value = 0.0f;
  EXPECT_THROW(session.run(noise_image(30, 20), {{"nothing", &value}}, 1, {}), Error);
  EXPECT_THROW(session.run(noise_image(30, 20), {{"conv0", &value}}, 1, {}), Error);
}

TEST(Session, StopsWhenCancelled) {
  const auto plan = std::make_shared<Plan>(Program::compile(test::two_level_graph()), Extent{64, 64});
  Session session(plan);
  CancelSource source;
  source.cancel();
  for (const int threads : {1, 2}) {
    EXPECT_THROW(session.run(noise_image(64, 64), {}, threads, source.token()), Cancelled);
  }
  EXPECT_NO_THROW(session.run(noise_image(64, 64), {}, 2, {}));
}

TEST(Plan, RefusesSizesThatTheNetworkCannotTake) {
  const auto program = Program::compile(test::two_level_graph());
  for (const Extent extent : {Extent{1, 64}, {64, 1}, {0, 4}, {-1, 4}, {1 << 20, 4}}) {
    try {
      Plan plan(program, extent);
      FAIL() << extent.height << " x " << extent.width;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kInvalidArgument);
    }
  }
}

TEST(Plan, RowsAvoidCacheAliasing) {
  const auto program = Program::compile(test::two_level_graph());
  const Plan plan(program, {128, 512});
  for (std::size_t id = 0; id < program->nodes().size(); ++id) {
    const Placement& place = plan.placement(static_cast<int>(id));
    if (place.kind == Placement::Kind::kNone) continue;
    EXPECT_EQ(place.row_bytes % 64, 0);
    EXPECT_NE(place.row_bytes % 2048, 0);
    EXPECT_EQ(place.offset % 64, 0);
  }
}

TEST(Arena, BuffersAliveTogetherNeverOverlap) {
  std::vector<Lifetime> buffers;
  std::uint32_t seed = 7;
  const auto next = [&](std::uint32_t limit) { return (seed = seed * 1664525u + 1013904223u) % 65521u % limit; };
  for (int i = 0; i < 60; ++i) {
    const std::size_t first = next(30);
    buffers.push_back({.size = 1 + static_cast<std::int64_t>(next(1000)), .first = first, .last = first + next(8)});
  }
  const std::int64_t total = pack_arena(buffers);
  std::int64_t sum = 0;
  for (std::size_t i = 0; i < buffers.size(); ++i) {
    const Lifetime& a = buffers[i];
    sum += a.size;
    EXPECT_GE(a.offset, 0);
    EXPECT_LE(a.offset + a.size, total);
    for (std::size_t j = 0; j < i; ++j) {
      const Lifetime& b = buffers[j];
      const bool together = a.first <= b.last && b.first <= a.last;
      const bool overlap = a.offset < b.offset + b.size && b.offset < a.offset + a.size;
      EXPECT_FALSE(together && overlap) << i << " " << j;
    }
  }
  EXPECT_LT(total, sum / 2);
}
