#include "nuclei/metrics.hpp"

#include <chrono>
#include <random>

#include "base/error.hpp"
#include "cases.hpp"
#include "discs.hpp"
#include "nuclei/scores.hpp"
#include "nuclei/spans.hpp"

namespace histojet::nuclei {
namespace {

void expect_scores(const Scores& found, const test::Json& expected) {
  EXPECT_NEAR(found.dice, expected["dice"].number, 1e-12);
  EXPECT_NEAR(found.aji, expected["aji"].number, 1e-12);
  EXPECT_NEAR(found.aji_plus, expected["aji_plus"].number, 1e-12);
  EXPECT_NEAR(found.dq, expected["dq"].number, 1e-12);
  EXPECT_NEAR(found.sq, expected["sq"].number, 1e-12);
  EXPECT_NEAR(found.pq, expected["pq"].number, 1e-12);
  EXPECT_NEAR(found.dice2, expected["dice2"].number, 1e-12);
  EXPECT_EQ(found.truth_count, expected["n_true"].number);
  EXPECT_EQ(found.predicted_count, expected["n_pred"].number);
}

void expect_tile(const std::string& path, const std::string& name) {
  const test::Npz npz = test::read_npz(path);
  const test::Json file = test::read_json(test::own_fixture("nuclei/metrics.json"));
  const auto labels = [&](const char* array) { return npz.at(array).as<std::int32_t>(); };
  const std::int64_t height = npz.at("np_prob").shape[0], width = npz.at("np_prob").shape[1];
  const auto truth = labels("truth_inst"), hovernet = labels("hovernet_inst"), hoverfast = labels("hoverfast_label");
  expect_scores(score_labels(truth, hovernet, height, width), file[name]["hovernet_vs_truth"]);
  expect_scores(score_labels(truth, hoverfast, height, width), file[name]["hoverfast_label_vs_truth"]);
  expect_scores(score_labels(hovernet, hoverfast, height, width), file[name]["hoverfast_label_vs_hovernet"]);
}

TEST(Metrics, EqualReferenceOnOneTile) {
  expect_tile(test::own_fixture("nuclei/s128.npz"), "s128");
}

TEST(Metrics, EqualReferenceOnLargerTiles) {
  HISTOJET_NEEDS_SHARED_FIXTURES();
  for (const std::string name : {"s256", "s512", "s1024"})
    expect_tile(test::shared_fixture("hover/" + name + ".npz"), name);
}

TEST(Metrics, EmptySegmentations) {
  const std::vector<std::int32_t> nothing(6), something{0, 1, 1, 0, 0, 2};
  EXPECT_EQ(score_labels(nothing, nothing, 2, 3).pq, 1);
  EXPECT_EQ(score_labels(nothing, something, 2, 3).dice, 0);
  EXPECT_EQ(score_labels(something, nothing, 2, 3).aji_plus, 0);
  EXPECT_EQ(score_labels({}, {}, 0, 0).dice, 1);
  EXPECT_EQ(score_outlines({}, {}).pq, 1);
}

TEST(Metrics, RefuseWrongShapes) {
  const std::vector<std::int32_t> six(6), five(5);
  EXPECT_THROW(score_labels(six, five, 2, 3), Error);
  EXPECT_THROW(score_labels(six, six, 3, 3), Error);
  EXPECT_THROW(score_labels(six, six, -2, -3), Error);
  EXPECT_THROW(score_outlines({}, {}, 0), Error);
}

/// All assignments, tried one after the other.
double best_sum(const Agreement& a, std::size_t truth, std::vector<bool>& used) {
  if (truth == a.truth_areas.size()) return 0;
  double best = best_sum(a, truth + 1, used);
  for (const Overlap& overlap : a.overlaps) {
    const auto predicted = static_cast<std::size_t>(overlap.predicted);
    if (static_cast<std::size_t>(overlap.truth) != truth || used[predicted]) continue;
    used[predicted] = true;
    best = std::max(best, softened_iou(a, overlap) + best_sum(a, truth + 1, used));
    used[predicted] = false;
  }
  return best;
}

TEST(Metrics, AssignmentIsOptimal) {
  std::mt19937 random(11);
  for (int round = 0; round < 200; ++round) {
    Agreement a;
    const unsigned truths = 1 + random() % 6, predictions = 1 + random() % 6;
    for (unsigned i = 0; i < truths; ++i) a.truth_areas.push_back(100 + random() % 100);
    for (unsigned i = 0; i < predictions; ++i) a.predicted_areas.push_back(100 + random() % 100);
    for (unsigned i = 0; i < truths; ++i) {
      for (unsigned j = 0; j < predictions; ++j) {
        if (random() % 3)
          a.overlaps.push_back(
              {static_cast<int>(i), static_cast<int>(j), static_cast<std::int64_t>(1 + random() % 60)});
      }
    }
    double sum = 0;
    for (const std::size_t i : optimal_pairs(a)) sum += softened_iou(a, a.overlaps[i]);
    std::vector<bool> used(predictions);
    EXPECT_NEAR(sum, best_sum(a, 0, used), 1e-12);
  }
}

TEST(Metrics, OutlinesOfPixelsEqualLabels) {
  // Raw outlines cover exactly the centres of their pixels, so both ways of counting agree.
  const test::Npz npz = test::read_npz(test::own_fixture("nuclei/s128.npz"));
  const Maps maps = test::maps_of(npz);
  PostprocessOptions options;
  options.simplify = 0;
  const PostprocessResult a = postprocess(maps, options);
  options.variant = Variant::kHoverFast;
  const PostprocessResult b = postprocess(maps, options);
  const Scores labels = score_labels(a.labels, b.labels, 128, 128), outlines = score_outlines(a.nuclei, b.nuclei);
  EXPECT_NEAR(outlines.pq, labels.pq, 1e-12);
  EXPECT_NEAR(outlines.dice, labels.dice, 1e-12);
  EXPECT_NEAR(outlines.aji, labels.aji, 1e-12);
  EXPECT_EQ(outlines.matched, labels.matched);
  EXPECT_DOUBLE_EQ(score_outlines(a.nuclei, a.nuclei).pq, score_outlines(a.nuclei, a.nuclei).sq);
}

TEST(Metrics, ManyOutlines) {
  std::mt19937 random(1);
  NucleusList truth, predicted;
  for (int i = 0; i < 50000; ++i) {
    const double x = 40.0 * (i % 250) + 30, y = 40.0 * (i / 250) + 30;
    test::add_disc(truth, {x, y, 12});
    if (i % 10) test::add_disc(predicted, {x + random() % 3, y, 12});
  }
  const auto start = std::chrono::steady_clock::now();
  const Scores scores = score_outlines(truth, predicted);
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
  EXPECT_EQ(scores.matched, 45000);
  EXPECT_NEAR(scores.dq, 45000 / 47500.0, 1e-12);
  RecordProperty("milliseconds", static_cast<int>(1000 * seconds.count()));
}

TEST(Spans, CentresDecide) {
  std::vector<Span> spans;
  const std::vector<float> square{0.5f, 0.5f, 2.5f, 0.5f, 2.5f, 2.5f, 0.5f, 2.5f};
  ring_spans(square, 1, spans);
  EXPECT_EQ(pixel_count(spans), 4);  // centres 0.5 and 1.5 of both axes; those at 2.5 are outside
  ring_spans(square, 0.5, spans);
  EXPECT_EQ(pixel_count(spans), 16);
  const std::vector<float> broken{0, 0, std::numeric_limits<float>::quiet_NaN(), 5, 3, 3};
  ring_spans(broken, 1, spans);
  EXPECT_TRUE(spans.empty());
  ring_spans({}, 1, spans);
  EXPECT_TRUE(spans.empty());
  const std::vector<float> tower{0, 0, 1, 0, 1, 1e9f};
  EXPECT_THROW(ring_spans(tower, 1, spans), Error);
}

}  // namespace
}  // namespace histojet::nuclei
