#include "weights/open.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <filesystem>
#include <string_view>

#include "base/error.hpp"
#include "base/text.hpp"
#include "weights/safetensors.hpp"
#include "weights/torch_forms.hpp"

namespace histojet::weights {
namespace {

constexpr std::size_t kHeadBytes = 512;
constexpr std::uint64_t kMaxHeaderBytes = 100'000'000;

/// The first bytes of a file, as text.
std::string read_head(const ByteSource& source) {
  const std::vector<std::uint8_t> bytes = source.read(0, std::min<std::uint64_t>(source.size(), kHeadBytes));
  return {bytes.begin(), bytes.end()};
}

bool is_safetensors(std::string_view head) {
  if (head.size() < 9) return false;
  std::uint64_t header_bytes;
  std::memcpy(&header_bytes, head.data(), 8);
  return header_bytes <= kMaxHeaderBytes && std::string_view("{ \t\r\n").find(head[8]) != std::string_view::npos;
}

bool is_tar(std::string_view head) {
  return head.size() >= 262 && head.substr(257, 5) == "ustar";
}

/// What a file that is no checkpoint is, as far as its first bytes tell; empty if unknown.
std::string_view foreign_kind(std::string_view head) {
  struct Sign {
    std::string_view prefix;
    std::string_view kind;
  };
  static constexpr std::array<Sign, 8> kSigns{{
      {"version https://git-lfs", "a Git LFS pointer, not the file itself; fetch it with `git lfs pull`"},
      {"GGUF", "a GGUF file, which is not supported"},
      {"\x89HDF", "an HDF5 file (Keras?), which is not supported"},
      {"\x93NUMPY", "a NumPy array, which is not supported"},
      {"\x1f\x8b", "a gzip file; unpack it first"},
      {"\x28\xb5\x2f\xfd", "a Zstandard file; unpack it first"},
      {"BZh", "a bzip2 file; unpack it first"},
      {"7z\xbc\xaf", "a 7z archive; unpack it first"},
  }};
  for (const Sign& sign : kSigns) {
    if (head.starts_with(sign.prefix)) return sign.kind;
  }
  const std::size_t first = head.find_first_not_of(" \t\r\n");
  if (first != std::string_view::npos && head[first] == '<') {
    return "a web page (HTML or XML), probably a log-in or error page saved instead of the download";
  }
  // ModelProto begins with field 1 (ir_version) as a small varint, then a text field.
  if (head.size() > 3 && head[0] == '\x08' && static_cast<std::uint8_t>(head[1]) < 0x20 && (head[2] & 7) == 2) {
    return "probably an ONNX model, which is not supported as a source of weights";
  }
  return {};
}

}  // namespace

bool looks_like_json(const ByteSource& source) {
  const std::string head = read_head(source);
  const std::size_t first = head.find_first_not_of(" \t\r\n");
  return first != std::string::npos && head[first] == '{' && !is_safetensors(head) &&
         std::string_view(head).substr(0, 8).find('\0') == std::string_view::npos;
}

std::shared_ptr<const StateDict> open_source(const std::shared_ptr<const ByteSource>& source,
                                             const OpenOptions& options, PrefixRule rule) {
  const std::string& file = source->name();
  const std::string head = read_head(*source);
  if (head.empty()) corrupt(file, "the file is empty");
  if (is_safetensors(head)) return open_safetensors(source, rule);
  if (head.starts_with("PK\x03\x04") || head.starts_with("PK\x05\x06")) return open_torch_zip(source, options, rule);
  if (is_tar(head)) return open_torch_tar(source, options, rule);
  if (head.starts_with('\x80')) return open_torch_legacy(source, options, rule);
  const std::string_view kind = foreign_kind(head);
  if (!kind.empty()) unsupported(file, "not a checkpoint: " + std::string(kind));
  if (file.ends_with(".safetensors")) return open_safetensors(source, rule);
  unsupported(file, "not a checkpoint: neither safetensors nor a PyTorch file (ZIP, legacy or tar form)");
}

}  // namespace histojet::weights
