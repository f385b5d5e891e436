#include <gtest/gtest.h>

#include <array>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <sstream>
#include <string>

namespace {

std::string output_of(const std::string& command) {
  const std::unique_ptr<FILE, int (*)(FILE*)> pipe(popen(command.c_str(), "r"), pclose);
  std::string text;
  std::array<char, 4096> buffer;
  for (std::size_t n; pipe && (n = std::fread(buffer.data(), 1, buffer.size(), pipe.get())) > 0;) {
    text.append(buffer.data(), n);
  }
  return text;
}

bool is_variant_object(const std::string& line) {
  for (const char* isa : {"_avx2.cpp", "_avx512.cpp", "_avx512bf16.cpp", "_amx.cpp"}) {
    if (line.find(isa) != std::string::npos) return true;
  }
  return false;
}

}  // namespace

// A weak symbol in a file compiled for wide instructions may become the copy that the whole program uses.
TEST(VariantObjects, DefineNoWeakSymbols) {
#ifdef __SANITIZE_ADDRESS__
  GTEST_SKIP() << "a sanitizer adds weak symbols of its own";
#endif
  const auto archive = std::filesystem::read_symlink("/proc/self/exe").parent_path() / "libhistojet_kernels.a";
  if (!std::filesystem::exists(archive)) GTEST_SKIP() << "skipped: no " << archive;
  std::istringstream lines(output_of("nm --defined-only '" + archive.string() + "' 2>/dev/null"));
  int variants = 0;
  bool inside = false;
  for (std::string line; std::getline(lines, line);) {
    if (line.ends_with(':')) {
      inside = is_variant_object(line);
      variants += inside;
    } else if (inside && line.size() > 17) {
      EXPECT_EQ(std::string("WwVvu").find(line[17]), std::string::npos) << line;
    }
  }
  if (variants == 0) GTEST_SKIP() << "skipped: nm cannot read the archive";
  EXPECT_GE(variants, 6);
}
