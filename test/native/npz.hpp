#pragma once

#include <cstdint>
#include <cstring>
#include <fstream>
#include <iterator>
#include <map>
#include <stdexcept>
#include <string>
#include <vector>

namespace histojet::test {

/// Raw deflate data (RFC 1951) → bytes. For trusted test files: slow, simple, throws std::runtime_error when broken.
class Inflater {
 public:
  Inflater(const std::uint8_t* data, std::size_t size) : data_(data), size_(size) {}

  std::vector<std::uint8_t> run() {
    bool last = false;
    while (!last) {
      last = bits(1) == 1;
      const int kind = bits(2);
      if (kind == 0) {
        stored();
      } else if (kind == 1) {
        fixed();
      } else if (kind == 2) {
        dynamic();
      } else {
        throw std::runtime_error("inflate: bad block");
      }
    }
    return std::move(out_);
  }

 private:
  /// Canonical Huffman code: symbols in code order and the number of codes of each length.
  struct Code {
    int count[16] = {};
    std::vector<int> symbols;

    explicit Code(const std::vector<int>& lengths) {
      for (const int n : lengths) ++count[n];
      count[0] = 0;
      int offset[17] = {};
      for (int n = 1; n < 16; ++n) offset[n + 1] = offset[n] + count[n];
      symbols.resize(static_cast<std::size_t>(offset[16]));
      for (std::size_t i = 0; i < lengths.size(); ++i) {
        if (lengths[i]) symbols[static_cast<std::size_t>(offset[lengths[i]]++)] = static_cast<int>(i);
      }
    }
  };

  int bits(int n) {
    while (held_ < n) {
      if (at_ >= size_) throw std::runtime_error("inflate: data end early");
      hold_ |= static_cast<std::uint32_t>(data_[at_++]) << held_;
      held_ += 8;
    }
    const int value = static_cast<int>(hold_ & ((1u << n) - 1));
    hold_ >>= n;
    held_ -= n;
    return value;
  }

  int symbol(const Code& code) {
    int value = 0, first = 0, index = 0;
    for (int n = 1; n < 16; ++n) {
      value |= bits(1);
      if (value - first < code.count[n]) return code.symbols[static_cast<std::size_t>(index + value - first)];
      index += code.count[n];
      first = (first + code.count[n]) << 1;
      value <<= 1;
    }
    throw std::runtime_error("inflate: bad code");
  }

  void stored() {
    hold_ = 0;
    held_ = 0;
    if (at_ + 4 > size_) throw std::runtime_error("inflate: data end early");
    const std::size_t n = data_[at_] | data_[at_ + 1] << 8;
    at_ += 4;
    if (at_ + n > size_) throw std::runtime_error("inflate: data end early");
    out_.insert(out_.end(), data_ + at_, data_ + at_ + n);
    at_ += n;
  }

  void fixed() {
    std::vector<int> lengths(288, 8);
    for (std::size_t i = 144; i < 256; ++i) lengths[i] = 9;
    for (std::size_t i = 256; i < 280; ++i) lengths[i] = 7;
    codes(Code(lengths), Code(std::vector<int>(30, 5)));
  }

  void dynamic() {
    static constexpr int kOrder[19] = {16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15};
    const int literals = bits(5) + 257, distances = bits(5) + 1, n = bits(4) + 4;
    std::vector<int> lengths(19, 0);
    for (int i = 0; i < n; ++i) lengths[static_cast<std::size_t>(kOrder[i])] = bits(3);
    const Code code(lengths);
    lengths.clear();
    while (static_cast<int>(lengths.size()) < literals + distances) {
      const int s = symbol(code);
      if (s < 16) {
        lengths.push_back(s);
      } else {
        const int value = s == 16 ? lengths.at(lengths.size() - 1) : 0;
        const int times = s == 16 ? 3 + bits(2) : s == 17 ? 3 + bits(3) : 11 + bits(7);
        lengths.insert(lengths.end(), static_cast<std::size_t>(times), value);
      }
    }
    codes(Code({lengths.begin(), lengths.begin() + literals}),
          Code({lengths.begin() + literals, lengths.begin() + literals + distances}));
  }

  void codes(const Code& literals, const Code& distances) {
    static constexpr int kLength[29] = {3,  4,  5,  6,  7,  8,  9,  10, 11,  13,  15,  17,  19,  23, 27,
                                        31, 35, 43, 51, 59, 67, 83, 99, 115, 131, 163, 195, 227, 258};
    while (true) {
      int s = symbol(literals);
      if (s == 256) return;
      if (s < 256) {
        out_.push_back(static_cast<std::uint8_t>(s));
        continue;
      }
      s -= 257;
      if (s > 28) throw std::runtime_error("inflate: bad length");
      const int length = kLength[s] + bits(s < 8 || s == 28 ? 0 : (s - 4) / 4);
      const int d = symbol(distances);
      const int extra = d < 4 ? 0 : (d - 2) / 2;
      const int base = d < 4 ? d + 1 : ((2 + d % 2) << extra) + 1;
      const std::size_t distance = static_cast<std::size_t>(base + bits(extra));
      if (distance > out_.size()) throw std::runtime_error("inflate: bad distance");
      for (int i = 0; i < length; ++i) out_.push_back(out_[out_.size() - distance]);
    }
  }

  const std::uint8_t* data_;
  std::size_t size_;
  std::size_t at_ = 0;
  std::uint32_t hold_ = 0;
  int held_ = 0;
  std::vector<std::uint8_t> out_;
};

/// One array of an .npz file; C order, little endian.
struct NpyArray {
  std::string dtype;  ///< numpy's spelling, for example "<f4"
  std::vector<std::int64_t> shape;
  std::vector<std::uint8_t> bytes;

  std::size_t size() const {
    std::size_t n = 1;
    for (const std::int64_t d : shape) n *= static_cast<std::size_t>(d);
    return n;
  }
  /// All values converted to T; float16 and the integer types are exact in float.
  template <class T>
  std::vector<T> as() const {
    if (dtype == "<f4") return convert<T, float>();
    if (dtype == "<f8") return convert<T, double>();
    if (dtype == "|u1" || dtype == "|b1") return convert<T, std::uint8_t>();
    if (dtype == "<u2") return convert<T, std::uint16_t>();
    if (dtype == "<i4") return convert<T, std::int32_t>();
    if (dtype == "<i8") return convert<T, std::int64_t>();
    if (dtype != "<f2") throw std::runtime_error("npy: unknown dtype " + dtype);
    std::vector<T> out;
    for (const std::uint16_t h : convert<std::uint16_t, std::uint16_t>()) out.push_back(static_cast<T>(from_half(h)));
    return out;
  }

 private:
  template <class T, class Stored>
  std::vector<T> convert() const {
    std::vector<T> out(size());
    for (std::size_t i = 0; i < out.size(); ++i) {
      Stored value;
      std::memcpy(&value, bytes.data() + i * sizeof(Stored), sizeof(Stored));
      out[i] = static_cast<T>(value);
    }
    return out;
  }
  static float from_half(std::uint16_t h) {
    const int exponent = h >> 10 & 31, mantissa = h & 1023;
    float value = 0;
    if (exponent == 31) {
      value = mantissa ? __builtin_nanf("") : __builtin_inff();
    } else {
      value = exponent ? __builtin_ldexpf(static_cast<float>(mantissa + 1024), exponent - 25)
                       : __builtin_ldexpf(static_cast<float>(mantissa), -24);
    }
    return h & 0x8000 ? -value : value;
  }
};

using Npz = std::map<std::string, NpyArray>;

/// The bytes of a file; none when it cannot be read.
inline std::vector<std::uint8_t> file_bytes(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

/// Parses one .npy file of version 1.0 in C order.
inline NpyArray parse_npy(const std::vector<std::uint8_t>& file) {
  if (file.size() < 10 || std::memcmp(file.data(), "\x93NUMPY\x01", 7) != 0) throw std::runtime_error("npy: no magic");
  const std::size_t header_size = file[8] | file[9] << 8;
  const std::string header(file.begin() + 10, file.begin() + 10 + static_cast<std::ptrdiff_t>(header_size));
  if (header.find("'fortran_order': False") == std::string::npos) throw std::runtime_error("npy: not in C order");
  NpyArray array;
  const std::size_t descr = header.find("'descr': '") + 10;
  array.dtype = header.substr(descr, header.find('\'', descr) - descr);
  std::size_t at = header.find("'shape': (") + 10;
  while (header[at] != ')') {
    std::size_t used = 0;
    array.shape.push_back(std::stoll(header.substr(at), &used));
    at += used;
    while (header[at] == ',' || header[at] == ' ') ++at;
  }
  array.bytes.assign(file.begin() + 10 + static_cast<std::ptrdiff_t>(header_size), file.end());
  const std::size_t width = static_cast<std::size_t>(array.dtype.back() - '0');
  if (array.bytes.size() != array.size() * width) throw std::runtime_error("npy: size does not fit the shape");
  return array;
}

/// All arrays of an .npz file (zip with stored or deflated members, no zip64), by name without ".npy".
inline Npz read_npz(const std::string& path) {
  const std::vector<std::uint8_t> file = file_bytes(path);
  const auto u16 = [&](std::size_t at) { return static_cast<std::uint32_t>(file.at(at) | file.at(at + 1) << 8); };
  const auto u32 = [&](std::size_t at) { return u16(at) | u16(at + 2) << 16; };
  if (file.size() < 22) throw std::runtime_error("npz: cannot read " + path);
  std::size_t end = file.size() - 22;
  while (u32(end) != 0x06054b50) --end;
  std::size_t at = u32(end + 16);
  Npz arrays;
  for (std::uint32_t i = 0, n = u16(end + 10); i < n; ++i) {
    const std::uint32_t method = u16(at + 10), packed = u32(at + 20), name_size = u16(at + 28);
    const std::size_t local = u32(at + 42);
    const std::string name(file.begin() + static_cast<std::ptrdiff_t>(at + 46),
                           file.begin() + static_cast<std::ptrdiff_t>(at + 46 + name_size));
    const std::size_t data = local + 30 + u16(local + 26) + u16(local + 28);
    if (data + packed > file.size()) throw std::runtime_error("npz: broken member " + name);
    const std::uint8_t* start = file.data() + data;
    arrays[name.substr(0, name.rfind(".npy"))] =
        parse_npy(method == 0 ? std::vector<std::uint8_t>(start, start + packed) : Inflater(start, packed).run());
    at += 46 + name_size + u16(at + 30) + u16(at + 32);
  }
  return arrays;
}

/// The text inside a .gz file without optional header fields other than the file name.
inline std::string read_gzip_text(const std::string& path) {
  const std::vector<std::uint8_t> file = file_bytes(path);
  if (file.size() < 18) throw std::runtime_error("gzip: cannot read " + path);
  std::size_t at = 10;
  if (file[3] & 8) {
    while (file.at(at++) != 0) {
    }
  }
  const std::vector<std::uint8_t> text = Inflater(file.data() + at, file.size() - at).run();
  return {text.begin(), text.end()};
}

}  // namespace histojet::test
