#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "base/byte_source.hpp"
#include "base/error.hpp"
#include "codecs/deflate.hpp"
#include "readers/nucleus_reader.hpp"

namespace histojet::test {

inline std::shared_ptr<const ByteSource> text_source(const std::string& text) {
  return memory_source({text.begin(), text.end()}, "test.json");
}

inline std::string gzip(const std::string& text, int level = 6) {
  const auto member = codecs::gzip_member(text, level);
  return {member.begin(), member.end()};
}

/// A file that is gone when the test ends.
class TextFile {
 public:
  TextFile(const std::string& name, const std::string& text)
      : path_((std::filesystem::path(testing::TempDir()) / (std::to_string(getpid()) + name)).string()) {
    std::ofstream(path_, std::ios::binary) << text;
  }
  ~TextFile() {
    std::error_code ignored;
    std::filesystem::remove(path_, ignored);
  }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

/// All lists of a reader.
inline std::vector<nuclei::NucleusList> read_all(readers::NucleusReader& reader) {
  std::vector<nuclei::NucleusList> lists;
  while (auto list = reader.next({})) lists.push_back(std::move(*list));
  return lists;
}

/// All nuclei of a reader as one list.
inline nuclei::NucleusList read_joined(readers::NucleusReader& reader) {
  nuclei::NucleusList joined;
  for (const nuclei::NucleusList& list : read_all(reader)) {
    for (std::size_t i = 0; i < list.size(); ++i) joined.append(list, i);
  }
  return joined;
}

/// The message of the Error with `code` that `action` must throw.
template <class Action>
std::string message_of(ErrorCode code, Action action) {
  try {
    action();
  } catch (const Error& error) {
    EXPECT_EQ(code_name(error.code()), code_name(code)) << error.what();
    return error.what();
  }
  ADD_FAILURE() << "nothing was thrown";
  return "";
}

}  // namespace histojet::test
