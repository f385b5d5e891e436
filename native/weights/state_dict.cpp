#include "weights/state_dict.hpp"

#include <array>
#include <filesystem>
#include <system_error>

#include "base/error.hpp"
#include "base/text.hpp"
#include "weights/open.hpp"

namespace histojet::weights {
namespace {

namespace fs = std::filesystem;

/// The checkpoint within a folder: the usual names first, else the only safetensors file.
std::string find_in_folder(const std::string& folder) {
  static constexpr std::array kUsualFiles = {"model.safetensors", "model.safetensors.index.json", "pytorch_model.bin",
                                             "pytorch_model.bin.index.json"};
  std::error_code failure;
  for (const char* name : kUsualFiles) {
    const fs::path candidate = fs::path(folder) / name;
    if (fs::exists(candidate, failure)) return candidate.string();
  }
  std::string only;
  fs::directory_iterator entries(folder, failure);
  if (failure) throw io_error("cannot list", folder, failure.value());
  for (const auto& entry : entries) {
    if (entry.path().extension() != ".safetensors") continue;
    if (!only.empty()) unsupported(folder, "the folder holds several safetensors files; name the wanted one");
    only = entry.path().string();
  }
  if (only.empty()) {
    unsupported(folder,
                "the folder holds no checkpoint (expected model.safetensors, pytorch_model.bin, one of their "
                "index files, or a single .safetensors file)");
  }
  return only;
}

}  // namespace

std::shared_ptr<const StateDict> StateDict::open(const std::string& path, const OpenOptions& options) {
  std::error_code failure;
  const auto source = open_file(fs::is_directory(path, failure) ? find_in_folder(path) : path);
  if (looks_like_json(*source)) return open_shards(source, options);
  return open_source(source, options, PrefixRule::kStrip);
}

}  // namespace histojet::weights
