#include "base/part_file.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>

#include "base/error.hpp"
#include "fixtures.hpp"

using namespace histojet;
namespace fs = std::filesystem;

namespace {
fs::path scratch(const char* name) {
  return fs::path(testing::TempDir()) / (std::string(name) + std::to_string(getpid()));
}
}  // namespace

TEST(PartFile, CarriesTheFinalNameOnlyAfterCommit) {
  const fs::path path = scratch("commit");
  {
    PartFile file(path.string());
    file.append("hello");
    EXPECT_FALSE(fs::exists(path));
    EXPECT_TRUE(fs::exists(file.part_path()));
    file.write_at(0, std::vector<std::uint8_t>{'j'});
    file.truncate(4);
    file.append("y");
    file.commit();
    EXPECT_FALSE(fs::exists(file.part_path()));
  }
  const auto bytes = test::read_bytes(path.string());
  EXPECT_EQ(std::string(bytes.begin(), bytes.end()), "jelly");
  fs::remove(path);
}

TEST(PartFile, AbandonedPartStays) {
  const fs::path path = scratch("abandon");
  { PartFile(path.string()).append("half"); }
  EXPECT_FALSE(fs::exists(path));
  EXPECT_TRUE(fs::exists(path.string() + ".part"));
  fs::remove(path.string() + ".part");
}

TEST(PartFile, FullDiskSaysSo) {
  if (!fs::exists("/dev/full")) GTEST_SKIP() << "no /dev/full";
  const fs::path path = scratch("full");
  fs::create_symlink("/dev/full", path.string() + ".part");
  PartFile file(path.string());
  try {
    file.append("x");
    FAIL() << "wrote to a full disk";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kIo);
    EXPECT_NE(std::string(error.what()).find("free some space"), std::string::npos) << error.what();
  }
  file.discard();
}

TEST(PartFile, MissingFolderIsAnIoError) {
  try {
    PartFile file("/nonexistent-folder/out.json");
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kIo);
  }
}
