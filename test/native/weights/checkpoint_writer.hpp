#pragma once

#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>
#include <utility>
#include <vector>

namespace histojet::test {

/// The little-endian bytes of a number.
template <class T>
std::string raw(T value) {
  std::string bytes(sizeof value, '\0');
  std::memcpy(bytes.data(), &value, sizeof value);
  return bytes;
}

/// Assembles pickle programs instruction by instruction.
class Pickle {
 public:
  std::string bytes = "\x80\x02";

  Pickle& add(const std::string& code) {
    bytes += code;
    return *this;
  }
  Pickle& mark() { return add("("); }
  Pickle& text(const std::string& value) { return add("X" + raw(static_cast<std::uint32_t>(value.size())) + value); }
  Pickle& integer(std::int32_t value) { return add("J" + raw(value)); }
  Pickle& real(double value) {
    std::string big = raw(value);
    std::reverse(big.begin(), big.end());
    return add("G" + big);
  }
  Pickle& global(const std::string& module, const std::string& name) { return add("c" + module + "\n" + name + "\n"); }
  Pickle& integers(const std::vector<std::int32_t>& values) {
    mark();
    for (const std::int32_t value : values) integer(value);
    return add("t");
  }
  Pickle& ordered_dict() { return global("collections", "OrderedDict").add(")R"); }
  /// `view` is None in legacy files, absent in zip files.
  Pickle& storage(const std::string& type, const std::string& key, std::int32_t elements,
                  const std::string& view = "") {
    mark().text("storage").global("torch", type).text(key).text("cpu").integer(elements);
    return add(view + "tQ");
  }
  struct View {
    std::string type = "FloatStorage";
    std::string key = "0";
    std::int32_t elements = 2;
    std::int32_t offset = 0;
    std::vector<std::int32_t> sizes = {2};
    std::vector<std::int32_t> strides = {1};
    std::string storage_view;
  };
  Pickle& tensor(const View& view) {
    global("torch._utils", "_rebuild_tensor_v2").mark().storage(view.type, view.key, view.elements, view.storage_view);
    integer(view.offset).integers(view.sizes).integers(view.strides).add("\x89").ordered_dict();
    return add("tR");
  }
  std::string stop() { return add(".").bytes; }
};

/// CRC-32 bit by bit, on purpose unlike the library's.
inline std::uint32_t slow_crc32(const std::string& bytes) {
  std::uint32_t state = 0xffffffff;
  for (const char c : bytes) {
    state ^= static_cast<std::uint8_t>(c);
    for (int bit = 0; bit < 8; ++bit) state = (state >> 1) ^ ((state & 1) != 0 ? 0xedb88320u : 0u);
  }
  return ~state;
}

using Records = std::vector<std::pair<std::string, std::string>>;

/// A ZIP archive of stored records; with `zip64` all sizes and offsets stand in ZIP64 fields.
inline std::string stored_zip(const Records& records, bool zip64 = false) {
  std::string file, directory;
  const std::uint32_t full = 0xffffffff;
  for (const auto& [name, data] : records) {
    const auto size = static_cast<std::uint32_t>(data.size());
    const std::uint64_t offset = file.size();
    const auto name_length = static_cast<std::uint16_t>(name.size());
    const std::string crc = raw(slow_crc32(data));
    const std::string sizes = zip64 ? raw(full) + raw(full) : raw(size) + raw(size);
    const std::string common = std::string("\x14\0\0\0\0\0\0\0\x21\x50", 10) + crc + sizes + raw(name_length);
    const std::string extra = zip64 ? raw(std::uint16_t{1}) + raw(std::uint16_t{24}) + raw(std::uint64_t{size}) +
                                          raw(std::uint64_t{size}) + raw(offset)
                                    : "";
    directory += "PK\x01\x02" + std::string("\x14\0", 2) + common + raw(static_cast<std::uint16_t>(extra.size())) +
                 std::string(10, '\0') + raw(zip64 ? full : static_cast<std::uint32_t>(offset)) + name + extra;
    file += "PK\x03\x04" + common + raw(std::uint16_t{0}) + name + data;
  }
  const std::uint64_t start = file.size(), bytes = directory.size(), count = records.size();
  file += directory;
  if (zip64) {
    const std::uint64_t end64 = file.size();
    file += "PK\x06\x06" + raw(std::uint64_t{44}) + std::string("\x2d\0\x2d\0", 4) + std::string(8, '\0') + raw(count) +
            raw(count) + raw(bytes) + raw(start);
    file += "PK\x06\x07" + raw(std::uint32_t{0}) + raw(end64) + raw(std::uint32_t{1});
  }
  const auto entries = static_cast<std::uint16_t>(zip64 ? 0xffff : count);
  file += "PK\x05\x06" + std::string(4, '\0') + raw(entries) + raw(entries) +
          raw(zip64 ? full : static_cast<std::uint32_t>(bytes)) +
          raw(zip64 ? full : static_cast<std::uint32_t>(start)) + std::string(2, '\0');
  return file;
}

/// The raw bytes of float32 values.
inline std::string floats(const std::vector<float>& values) {
  return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(float)};
}

/// A checkpoint in zip form: a program and the storages "0", "1", ….
inline std::string torch_zip(const std::string& program, const std::vector<std::string>& storages, bool zip64 = false) {
  Records records{{"m/data.pkl", program}};
  for (std::size_t i = 0; i < storages.size(); ++i) records.emplace_back("m/data/" + std::to_string(i), storages[i]);
  records.emplace_back("m/version", "3\n");
  return stored_zip(records, zip64);
}

/// A file in a fresh temporary folder that disappears with the object.
class TemporaryFile {
 public:
  explicit TemporaryFile(const std::string& bytes, const std::string& name = "checkpoint.pth") {
    static std::atomic<int> counter{0};
    folder_ = std::filesystem::temp_directory_path() /
              ("histojet-weights-" + std::to_string(::getpid()) + "-" + std::to_string(counter++));
    std::filesystem::create_directories(folder_);
    path_ = (folder_ / name).string();
    std::ofstream(path_, std::ios::binary) << bytes;
  }
  ~TemporaryFile() {
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::filesystem::path folder_;
  std::string path_;
};

}  // namespace histojet::test
