#include "pipeline/run_journal.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "base/error.hpp"
#include "disc_slide.hpp"
#include "running.hpp"

using namespace histojet;
using namespace histojet::pipeline;
using test::DiscNetwork;
using test::DiscSlide;
namespace fs = std::filesystem;

namespace {

class Journal : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::path(testing::TempDir()) / ("journal" + std::to_string(getpid()));
    fs::remove_all(folder_);
  }
  void TearDown() override { fs::remove_all(folder_); }
  std::string folder() const { return folder_.string(); }
  fs::path only_file() const { return fs::directory_iterator(folder_)->path(); }

 private:
  fs::path folder_;
};

nuclei::NucleusList one_nucleus(float x) {
  nuclei::NucleusList list;
  list.centroids = {x, 2};
  list.boxes = {x, 1, x + 1, 3};
  list.areas = {1.5f};
  list.contour_points = {x, 1, x + 1, 1, x, 3};
  list.contour_starts = {0, 3};
  return list;
}

void expect_equal(const nuclei::NucleusList& a, const nuclei::NucleusList& b) {
  EXPECT_EQ(a.centroids, b.centroids);
  EXPECT_EQ(a.boxes, b.boxes);
  EXPECT_EQ(a.areas, b.areas);
  EXPECT_EQ(a.types, b.types);
  EXPECT_EQ(a.contour_points, b.contour_points);
}

SegmentSlideOptions with_checkpoints(const std::string& folder) {
  SegmentSlideOptions options = test::whole_slide();
  options.checkpoint_folder = folder;
  options.checkpoint_key = "discs 1";
  return options;
}

/// A run that is left after so many batches.
std::int64_t run_for(std::shared_ptr<const slide::Slide> slide, std::shared_ptr<const models::NucleiNetwork> network,
                     const SegmentSlideOptions& options, int batches) {
  const auto run = SlideRun::start(std::move(slide), std::move(network), options, {});
  std::int64_t restored = 0;
  for (int i = 0; i < batches; ++i) restored = test::next(*run).progress.windows_restored;
  run->stop();
  test::next(*run);
  return restored;
}

}  // namespace

TEST_F(Journal, WindowsComeBack) {
  {
    RunJournal journal(folder(), "a run", {});
    journal.append(3, one_nucleus(7));
    journal.append(0, {});
    EXPECT_TRUE(journal.has(3));
    EXPECT_FALSE(journal.has(1));
  }
  const RunJournal journal(folder(), "a run", {});
  EXPECT_TRUE(journal.has(0));
  EXPECT_TRUE(journal.has(3));
  EXPECT_FALSE(journal.has(1));
  expect_equal(journal.read(3), one_nucleus(7));
  EXPECT_EQ(journal.read(0).size(), 0u);
}

TEST_F(Journal, OtherRunsHaveTheirOwn) {
  { RunJournal(folder(), "a run", {}).append(3, one_nucleus(7)); }
  const RunJournal other(folder(), "another run", {});
  EXPECT_FALSE(other.has(3));
}

TEST_F(Journal, EveryTornEndLosesOnlyTheLastWindow) {
  std::uint64_t before = 0;
  {
    RunJournal journal(folder(), "a run", {});
    journal.append(0, one_nucleus(1));
    before = fs::file_size(journal.path());
    journal.append(1, one_nucleus(2));
  }
  std::ifstream file(only_file(), std::ios::binary);
  const std::string whole((std::istreambuf_iterator<char>(file)), {});
  for (std::size_t size = before; size < whole.size(); ++size) {
    fs::resize_file(only_file(), 0);
    std::ofstream(only_file(), std::ios::binary).write(whole.data(), static_cast<std::streamsize>(size));
    RunJournal journal(folder(), "a run", {});
    ASSERT_TRUE(journal.has(0)) << size;
    ASSERT_FALSE(journal.has(1)) << size;
    ASSERT_EQ(fs::file_size(journal.path()), before) << "the torn end stays and hides what is added";
  }
}

TEST_F(Journal, ChangedBytesAreNotTaken) {
  { RunJournal(folder(), "a run", {}).append(0, one_nucleus(1)); }
  const fs::path path = only_file();
  const auto size = fs::file_size(path);
  for (std::uint64_t at = 0; at < size; at += 5) {
    std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
    file.seekg(static_cast<std::streamoff>(at));
    const char byte = static_cast<char>(file.get());
    file.seekp(static_cast<std::streamoff>(at));
    file.put(static_cast<char>(byte ^ 0x10));
    file.close();
    fs::copy_file(path, path.string() + ".copy", fs::copy_options::overwrite_existing);
    {
      const RunJournal journal(folder(), "a run", {});
      EXPECT_FALSE(journal.has(0)) << at;
    }
    fs::rename(path.string() + ".copy", path);
    std::fstream repaired(path, std::ios::in | std::ios::out | std::ios::binary);
    repaired.seekp(static_cast<std::streamoff>(at));
    repaired.put(byte);
  }
  EXPECT_TRUE(RunJournal(folder(), "a run", {}).has(0)) << "the test damaged more than it meant to";
}

TEST_F(Journal, IsUsedByOneRunAtATime) {
  const RunJournal journal(folder(), "a run", {});
  EXPECT_THROW(RunJournal(folder(), "a run", {}), Error);
}

TEST_F(Journal, UnwritableFolderIsAnIoError) {
  try {
    RunJournal("/proc/histojet", "a run", {});
    FAIL() << "made a folder in /proc";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kIo);
  }
}

TEST_F(Journal, StoppedRunGoesOnWithTheSameResult) {
  const auto slide = std::make_shared<DiscSlide>(5200, 3100, 0.25);
  const auto network = std::make_shared<DiscNetwork>();
  const test::Outcome undisturbed = test::run_all(slide, network, test::whole_slide());
  ASSERT_FALSE(undisturbed.failure);
  for (const int threads : {1, 2}) {
    SegmentSlideOptions options = with_checkpoints(folder() + std::to_string(threads));
    options.threads = threads;
    std::int64_t before = 0;
    for (const int batches : {1, 2, 5}) {
      const std::int64_t restored = run_for(slide, network, options, batches);
      EXPECT_GE(restored, std::min<std::int64_t>(before, batches));
      before = batches;
    }
    options.threads = 3 - threads;  // results do not depend on it, so the journal does not either
    const test::Outcome outcome = test::run_all(slide, network, options);
    ASSERT_FALSE(outcome.failure);
    EXPECT_GE(outcome.progress.windows_restored, 5);
    EXPECT_EQ(outcome.progress.windows_done, undisturbed.progress.windows_done);
    expect_equal(outcome.nuclei, undisturbed.nuclei);

    slide->reads = 0;
    const test::Outcome again = test::run_all(slide, network, options);
    EXPECT_EQ(slide->reads, 0) << "a finished run computes nothing";
    expect_equal(again.nuclei, undisturbed.nuclei);
    fs::remove_all(options.checkpoint_folder);
  }
}

TEST_F(Journal, OtherSettingsStartAnew) {
  const auto slide = std::make_shared<DiscSlide>(2100, 1100, 0.25);
  const auto network = std::make_shared<DiscNetwork>();
  const SegmentSlideOptions options = with_checkpoints(folder());
  test::run_all(slide, network, options);
  const auto restored = [&](auto change) {
    SegmentSlideOptions changed = options;
    change(changed);
    return test::run_all(slide, network, changed).progress.windows_restored;
  };
  EXPECT_EQ(restored([](SegmentSlideOptions&) {}), 6);
  EXPECT_EQ(restored([](SegmentSlideOptions& o) { o.postprocess.min_area_px = 20; }), 0);
  EXPECT_EQ(restored([](SegmentSlideOptions& o) { o.postprocess.variant = nuclei::Variant::kHoverFast; }), 0);
  EXPECT_EQ(restored([](SegmentSlideOptions& o) { o.mpp = 0.5; }), 0);
  EXPECT_EQ(restored([](SegmentSlideOptions& o) { o.region = slide::Rect{0, 0, 2000, 1000}; }), 0);
  EXPECT_EQ(restored([](SegmentSlideOptions& o) { o.checkpoint_key = "discs 2"; }), 0);
  EXPECT_EQ(restored([](SegmentSlideOptions& o) { o.stain = Stain::kIhcDab; }), 0);
  EXPECT_EQ(restored([](SegmentSlideOptions& o) { o.tile_size = 512; }), 6) << "does not shape the result";
}
