#include "base/part_file.hpp"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
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

TEST(PartFile, IsLockedWhileItIsOpen) {
  const fs::path path = scratch("locked");
  {
    PartFile first(path.string());
    first.append("mine");
    try {
      PartFile second(path.string());
      FAIL() << "two runs write one file";
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kIo);
      EXPECT_NE(std::string(error.what()).find("being written by another run"), std::string::npos) << error.what();
    }
    EXPECT_EQ(fs::file_size(first.part_path()), 4u) << "the refused run touched the file";
    first.commit();
  }
  PartFile again(path.string());
  EXPECT_EQ(fs::file_size(path), 4u) << "a new run must leave the finished file alone";
  again.discard();
  fs::remove(path);
}

TEST(PartFile, LockEndsWithTheProcess) {
  const fs::path path = scratch("killed");
  const pid_t child = fork();
  if (child == 0) {
    PartFile file(path.string());
    file.append("half");
    kill(getpid(), SIGKILL);
  }
  int status = 0;
  waitpid(child, &status, 0);
  ASSERT_TRUE(WIFSIGNALED(status));
  ASSERT_EQ(fs::file_size(path.string() + ".part"), 4u);
  PartFile file(path.string());
  EXPECT_EQ(file.size(), 0u);
  file.discard();
}

TEST(PartFile, FolderIsRefused) {
  const fs::path path = scratch("folder");
  fs::create_directory(path);
  EXPECT_THROW(PartFile(path.string()), Error);
  EXPECT_FALSE(fs::exists(path.string() + ".part"));
  fs::remove(path);
}
