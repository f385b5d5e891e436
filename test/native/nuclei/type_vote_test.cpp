#include "nuclei/type_vote.hpp"

#include <algorithm>
#include <vector>

#include "cases.hpp"

namespace histojet::nuclei {
namespace {

TEST(TypeVote, EqualsReferenceOnTiesAndBackgroundMajorities) {
  const test::Json file = test::read_json(test::own_fixture("nuclei/type_voting.json"));
  std::vector<std::uint8_t> types;
  std::vector<nuclei::Run> runs;
  for (std::size_t y = 0; y < file["inst"].size(); ++y) {
    for (std::size_t x = 0; x < file["inst"][y].size(); ++x) {
      const auto row = static_cast<std::int32_t>(y), column = static_cast<std::int32_t>(x);
      types.push_back(static_cast<std::uint8_t>(file["tp"][y][x].number));
      runs.push_back({row, column, column + 1, static_cast<std::int32_t>(file["inst"][y][x].number)});
    }
  }
  const auto width = static_cast<std::int64_t>(file["inst"][0].size());
  const auto groups = runs_by_label(runs, 6);
  for (int label = 1; label <= 6; ++label) {
    const test::Json& expected = file["expected"][std::to_string(label)];
    const TypeVote found = vote(types.data(), width, groups[label]);
    EXPECT_EQ(found.type, expected["type"].number) << label;
    EXPECT_EQ(found.probability, static_cast<float>(expected["type_prob"].number)) << label;
  }
}

TEST(TypeVote, RunsOfAnyLengthAreCountedWhole) {
  for (std::int32_t length = 1; length <= 70; ++length) {
    for (std::int32_t others = 0; others <= length; ++others) {
      // The row ends where the run does, so that a sanitizer sees what is read beyond it.
      std::vector<std::uint8_t> types(static_cast<std::size_t>(length + 3), 2);
      for (std::int32_t i = 0; i < others; ++i) types[static_cast<std::size_t>(3 + i * 7 % length)] = 5;
      const nuclei::Run run{0, 3, length + 3, 1};
      const std::int64_t fives = std::count(types.begin() + 3, types.end(), 5);
      const std::int64_t twos = length - fives;
      const TypeVote found = vote(types.data(), length + 3, std::span(&run, 1));
      EXPECT_EQ(found.type, fives > twos ? 5 : 2) << length << " " << others;
      EXPECT_EQ(found.probability, static_cast<float>(static_cast<double>(std::max(fives, twos)) / (length + 1e-6)));
    }
  }
}

}  // namespace
}  // namespace histojet::nuclei
