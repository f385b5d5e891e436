#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

namespace histojet::test {

/// A file that lives in this repository.
inline std::string own_fixture(const std::string& name) {
  return std::string(HISTOJET_TEST_FIXTURES) + "/" + name;
}

/// A file of the shared fixtures beside the checkout; may be missing in a fresh clone.
inline std::string shared_fixture(const std::string& name) {
  return std::string(HISTOJET_SHARED_FIXTURES) + "/" + name;
}

inline std::vector<std::uint8_t> read_bytes(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

}  // namespace histojet::test

/// First line of a test on shared fixtures: passes with a note where they are missing.
#define HISTOJET_NEEDS_SHARED_FIXTURES() \
  if (!std::filesystem::exists(HISTOJET_SHARED_FIXTURES)) GTEST_SKIP() << "skipped: no shared fixtures"
