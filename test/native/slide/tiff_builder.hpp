#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace histojet::test {

/// Writes small TIFF files with full control over the fields, for tests of the reader.
class TiffBuilder {
 public:
  explicit TiffBuilder(bool big_endian = false, bool big_tiff = false) : big_endian_(big_endian), big_tiff_(big_tiff) {
    bytes_ = {static_cast<std::uint8_t>(big_endian ? 'M' : 'I'), static_cast<std::uint8_t>(big_endian ? 'M' : 'I')};
    put(big_tiff ? 43 : 42, 2);
    if (big_tiff) {
      put(8, 2);
      put(0, 2);
    }
    link_ = bytes_.size();
    put(0, offset_size());
  }

  struct Field {
    std::uint16_t type;  ///< 1 byte, 2 text, 3 short, 4 long, 5 rational (two values each), 7 undefined, 16 long8
    std::vector<std::uint64_t> values;
  };
  using Fields = std::map<std::uint16_t, Field>;

  static Field shorts(std::vector<std::uint64_t> values) { return {3, std::move(values)}; }
  static Field longs(std::vector<std::uint64_t> values) { return {4, std::move(values)}; }
  static Field rational(std::uint64_t above, std::uint64_t below) { return {5, {above, below}}; }
  static Field text(const std::string& text) {
    Field field{2, {text.begin(), text.end()}};
    field.values.push_back(0);
    return field;
  }
  static Field raw(const std::vector<std::uint8_t>& bytes) { return {7, {bytes.begin(), bytes.end()}}; }

  /// Appends data and returns its offset.
  std::uint64_t data(const std::vector<std::uint8_t>& bytes) {
    const std::uint64_t at = bytes_.size();
    bytes_.insert(bytes_.end(), bytes.begin(), bytes.end());
    return at;
  }

  /// Appends a directory to the chain (or stand-alone, for tag 330) and returns its offset.
  std::uint64_t directory(const Fields& fields, bool chained = true) {
    std::vector<std::vector<std::uint8_t>> values;
    for (const auto& [tag, field] : fields) values.push_back(encode(field));
    std::vector<std::uint64_t> places;
    for (const auto& value : values) places.push_back(value.size() > offset_size() ? data(value) : 0);
    const std::uint64_t at = bytes_.size();
    put(fields.size(), big_tiff_ ? 8 : 2);
    std::size_t i = 0;
    for (const auto& [tag, field] : fields) {
      put(tag, 2);
      put(field.type, 2);
      put(field.values.size() / (field.type == 5 ? 2 : 1), offset_size());
      if (values[i].size() > offset_size()) {
        put(places[i], offset_size());
      } else {
        data(values[i]);
        bytes_.resize(bytes_.size() + offset_size() - values[i].size());
      }
      ++i;
    }
    if (chained) {
      patch(link_, at);
      link_ = bytes_.size();
    }
    put(0, offset_size());
    return at;
  }

  /// Makes the last directory of the chain point to `offset`.
  void link_to(std::uint64_t offset) { patch(link_, offset); }
  const std::vector<std::uint8_t>& bytes() const { return bytes_; }

 private:
  std::size_t offset_size() const { return big_tiff_ ? 8 : 4; }

  std::vector<std::uint8_t> number(std::uint64_t value, std::size_t size) const {
    std::vector<std::uint8_t> out(size);
    for (std::size_t i = 0; i < size; ++i) {
      out[big_endian_ ? size - 1 - i : i] = static_cast<std::uint8_t>(value >> (8 * i));
    }
    return out;
  }
  void put(std::uint64_t value, std::size_t size) { data(number(value, size)); }
  void patch(std::size_t at, std::uint64_t value) {
    const auto encoded = number(value, offset_size());
    std::copy(encoded.begin(), encoded.end(), bytes_.begin() + static_cast<std::ptrdiff_t>(at));
  }
  std::vector<std::uint8_t> encode(const Field& field) const {
    const std::size_t size = field.type == 3 ? 2 : field.type == 4 || field.type == 5 ? 4 : field.type == 16 ? 8 : 1;
    std::vector<std::uint8_t> out;
    for (const std::uint64_t value : field.values) {
      const auto encoded = number(value, size);
      out.insert(out.end(), encoded.begin(), encoded.end());
    }
    return out;
  }

  bool big_endian_;
  bool big_tiff_;
  std::vector<std::uint8_t> bytes_;
  std::size_t link_;
};

}  // namespace histojet::test
