#include "slide/pyramid_directory.hpp"

#include <algorithm>
#include <cmath>

#include "base/checked.hpp"

namespace histojet::slide {

namespace {

enum Type : std::uint16_t { kAscii = 2, kShort = 3, kLong = 4, kRational = 5, kUndefined = 7, kLong8 = 16 };

class Bytes {
 public:
  void put(std::uint64_t value, int size) {
    for (int i = 0; i < size; ++i) data.push_back(static_cast<std::uint8_t>(value >> (8 * i)));
  }
  std::vector<std::uint8_t> data;
};

/// A directory in the making. Values of up to 8 bytes stand in the entry, longer ones before the directory.
class Directory {
 public:
  explicit Directory(PartFile& file) : file_(file) {}

  void add(std::uint16_t tag, Type type, std::uint64_t count, const std::vector<std::uint8_t>& bytes) {
    Bytes value;
    value.data = bytes;
    if (bytes.size() > 8) {
      align();
      value.data.clear();
      value.put(file_.size(), 8);
      file_.append(bytes);
    }
    add_raw(tag, type, count, std::move(value.data));
  }
  void add_raw(std::uint16_t tag, Type type, std::uint64_t count, std::vector<std::uint8_t> eight) {
    eight.resize(8);
    Bytes entry;
    entry.put(tag, 2);
    entry.put(type, 2);
    entry.put(count, 8);
    entry.data.insert(entry.data.end(), eight.begin(), eight.end());
    entries_.push_back(std::move(entry.data));
  }
  void add_numbers(std::uint16_t tag, Type type, const std::vector<std::uint64_t>& values) {
    const int size = type == kShort ? 2 : (type == kLong ? 4 : 8);
    Bytes bytes;
    bytes.data.reserve(values.size() * static_cast<std::size_t>(size));
    for (const std::uint64_t v : values) bytes.put(v, size);
    add(tag, type, values.size(), bytes.data);
  }
  void add_text(std::uint16_t tag, const std::string& text) {
    std::vector<std::uint8_t> bytes(text.begin(), text.end());
    bytes.push_back(0);
    add(tag, kAscii, bytes.size(), bytes);
  }
  /// Appends the directory, links it from `link` and returns where its own link stands.
  std::uint64_t finish(std::uint64_t link) {
    align();
    const std::uint64_t at = file_.size();
    Bytes body;
    body.put(entries_.size(), 8);
    for (const auto& entry : entries_) body.data.insert(body.data.end(), entry.begin(), entry.end());
    body.put(0, 8);
    file_.append(body.data);
    Bytes offset;
    offset.put(at, 8);
    file_.write_at(link, offset.data);
    return file_.size() - 8;
  }

 private:
  void align() {
    const std::vector<std::uint8_t> zeros((8 - file_.size() % 8) % 8, 0);
    if (!zeros.empty()) file_.append(zeros);
  }
  PartFile& file_;
  std::vector<std::vector<std::uint8_t>> entries_;
};

/// Pixels per centimetre as a fraction of 32-bit numbers.
std::vector<std::uint8_t> resolution(double mpp) {
  const double per_cm = 10000.0 / mpp;
  std::uint64_t denominator = 1000;
  while (denominator > 1 && per_cm * static_cast<double>(denominator) > 4.0e9) denominator /= 10;
  Bytes bytes;
  bytes.put(static_cast<std::uint64_t>(per_cm * static_cast<double>(denominator) + 0.5), 4);
  bytes.put(denominator, 4);
  return bytes.data;
}

void add_tile_tables(Directory& directory, const LevelTable& level) {
  const std::int64_t columns = ceil_div(level.width, PyramidWriter::kTile);
  const std::int64_t rows = ceil_div(level.height, PyramidWriter::kTile);
  std::vector<std::uint64_t> offsets, lengths;
  offsets.reserve(static_cast<std::size_t>(columns * rows));
  lengths.reserve(static_cast<std::size_t>(columns * rows));
  for (std::int64_t row = 0; row < rows; ++row) {
    for (std::int64_t column = 0; column < columns; ++column) {
      const TileRange& range = (*level.ranges)[static_cast<std::size_t>(row % level.stored_rows * level.stored_columns +
                                                                        column % level.stored_columns)];
      offsets.push_back(range.offset);
      lengths.push_back(range.length);
    }
  }
  directory.add_numbers(324, kLong8, offsets);
  directory.add_numbers(325, kLong, lengths);
}

}  // namespace

std::vector<std::uint8_t> bigtiff_header() {
  Bytes header;
  header.put(0x4949, 2);
  header.put(43, 2);
  header.put(8, 2);
  header.put(0, 2);
  header.put(0, 8);
  return header.data;
}

void write_directories(PartFile& file, const PyramidOptions& options, const codecs::JpegEncodeOptions& jpeg,
                       const std::vector<LevelTable>& levels) {
  const std::vector<std::uint8_t> tables = codecs::jpeg_tables(jpeg);
  Bytes tables_at;
  tables_at.put(file.size(), 8);
  file.append(tables);
  std::uint64_t link = 8;
  for (std::size_t i = 0; i < levels.size(); ++i) {
    const LevelTable& level = levels[i];
    const auto number = [](std::int64_t v) { return std::vector<std::uint64_t>{static_cast<std::uint64_t>(v)}; };
    Directory d(file);
    d.add_numbers(254, kLong, number(i == 0 ? 0 : 1));
    d.add_numbers(256, kLong, number(level.width));
    d.add_numbers(257, kLong, number(level.height));
    d.add_numbers(258, kShort, {8, 8, 8});
    d.add_numbers(259, kShort, {7});
    d.add_numbers(262, kShort, {6});
    if (i == 0 && !options.description.empty()) d.add_text(270, options.description);
    d.add_numbers(277, kShort, {3});
    if (options.mpp > 0) {
      const double mpp = options.mpp * static_cast<double>(options.width) / static_cast<double>(level.width);
      d.add(282, kRational, 1, resolution(mpp));
      d.add(283, kRational, 1,
            resolution(options.mpp * static_cast<double>(options.height) / static_cast<double>(level.height)));
    }
    d.add_numbers(284, kShort, {1});
    if (options.mpp > 0) d.add_numbers(296, kShort, {3});
    if (!options.software.empty()) d.add_text(305, options.software);
    d.add_numbers(322, kLong, {static_cast<std::uint64_t>(PyramidWriter::kTile)});
    d.add_numbers(323, kLong, {static_cast<std::uint64_t>(PyramidWriter::kTile)});
    add_tile_tables(d, level);
    d.add_raw(347, kUndefined, tables.size(), tables_at.data);
    d.add_numbers(530, kShort,
                  {static_cast<std::uint64_t>(jpeg.subsampling), static_cast<std::uint64_t>(jpeg.subsampling)});
    link = d.finish(link);
  }
}

}  // namespace histojet::slide
