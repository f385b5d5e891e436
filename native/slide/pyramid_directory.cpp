#include "slide/pyramid_directory.hpp"

#include <algorithm>
#include <cmath>

#include "base/checked.hpp"
#include "slide/ome_description.hpp"
#include "slide/pyramid_tile.hpp"
#include "slide/tiff_directory.hpp"

namespace histojet::slide {

namespace {

enum Type : std::uint16_t { kAscii = 2, kShort = 3, kLong = 4, kRational = 5, kUndefined = 7, kLong8 = 16, kIfd8 = 18 };

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
  /// Appends the directory and returns where it stands; its last 8 bytes, the link to the next one, are 0.
  std::uint64_t finish() {
    align();
    const std::uint64_t at = file_.size();
    Bytes body;
    body.put(entries_.size(), 8);
    for (const auto& entry : entries_) body.data.insert(body.data.end(), entry.begin(), entry.end());
    body.put(0, 8);
    file_.append(body.data);
    return at;
  }

 private:
  void align() {
    const std::vector<std::uint8_t> zeros((8 - file_.size() % 8) % 8, 0);
    if (!zeros.empty()) file_.append(zeros);
  }
  PartFile& file_;
  std::vector<std::vector<std::uint8_t>> entries_;
};

struct Fraction {
  std::uint64_t numerator = 0;
  std::uint64_t denominator = 1;
};

/// In thousandths, or fewer digits where the numerator would not fit into 32 bits.
Fraction decimal_fraction(double value) {
  std::uint64_t denominator = 1000;
  while (denominator > 1 && value * static_cast<double>(denominator) > 4.0e9) denominator /= 10;
  return {static_cast<std::uint64_t>(value * static_cast<double>(denominator) + 0.5), denominator};
}

/// 10000 / mpp as the first convergent of its continued fraction from which readers get `mpp` back (the rounding of
/// a division aside), or the last one within 32 bits.
Fraction simplest_fraction(double mpp) {
  std::uint64_t h0 = 0, h1 = 1, k0 = 1, k1 = 0;
  double rest = 10000.0 / mpp;
  for (int i = 0; i < 40; ++i) {
    const double whole = std::floor(rest);
    if (!(whole < 0x1p32)) break;
    const auto a = static_cast<std::uint64_t>(whole);
    const std::uint64_t h2 = a * h1 + h0, k2 = a * k1 + k0;
    if (h2 > 0xffffffff || k2 > 0xffffffff) break;
    h0 = h1, h1 = h2, k0 = k1, k1 = k2;
    if (std::abs(10000.0 / (static_cast<double>(h1) / static_cast<double>(k1)) - mpp) <= 4e-16 * mpp || rest == whole)
      break;
    rest = 1 / (rest - whole);
  }
  return {h1, k1};
}

/// Pixels per centimetre.
std::vector<std::uint8_t> resolution(double mpp, bool exact) {
  const Fraction fraction = exact ? simplest_fraction(mpp) : decimal_fraction(10000.0 / mpp);
  Bytes bytes;
  bytes.put(fraction.numerator, 4);
  bytes.put(fraction.denominator, 4);
  return bytes.data;
}

void add_tile_tables(Directory& directory, const LevelTable& level, std::int64_t tile_px) {
  const std::int64_t columns = ceil_div(level.width, tile_px);
  const std::int64_t rows = ceil_div(level.height, tile_px);
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
  directory.add_numbers(tag::kTileOffsets, kLong8, offsets);
  directory.add_numbers(tag::kTileByteCounts, kLong, lengths);
}

std::uint64_t compression_code(PyramidCompression compression) {
  switch (compression) {
    case PyramidCompression::kJpeg:
      return 7;
    case PyramidCompression::kDeflate:
      return 8;
    case PyramidCompression::kZstd:
      return 50000;
    case PyramidCompression::kNone:
      break;
  }
  return 1;
}

/// Writes the directories of one pyramid.
class DirectoryWriter {
 public:
  DirectoryWriter(PartFile& file, const PyramidOptions& options) : file_(file), o_(options) {}

  void write(const std::vector<LevelTable>& levels) {
    if (o_.compression == PyramidCompression::kJpeg) {
      const std::vector<std::uint8_t> tables = codecs::jpeg_tables(jpeg_options(o_));
      tables_length_ = tables.size();
      tables_at_.put(file_.size(), 8);
      file_.append(tables);
    }
    if (o_.ome) {
      std::vector<std::uint64_t> reduced;
      for (std::size_t i = 1; i < levels.size(); ++i) reduced.push_back(write_level(levels[i], false, {}));
      link(8, write_level(levels[0], true, reduced));
      return;
    }
    std::uint64_t from = 8;
    for (std::size_t i = 0; i < levels.size(); ++i) {
      const std::uint64_t at = write_level(levels[i], i == 0, {});
      link(from, at);
      from = file_.size() - 8;
    }
  }

 private:
  void link(std::uint64_t from, std::uint64_t to) {
    Bytes offset;
    offset.put(to, 8);
    file_.write_at(from, offset.data);
  }

  void add_resolution(Directory& d, const LevelTable& level, bool first) {
    const bool exact = first && o_.exact_resolution;
    const double mpp = o_.mpp * static_cast<double>(o_.width) / static_cast<double>(level.width);
    const double mpp_down = o_.mpp_down() * static_cast<double>(o_.height) / static_cast<double>(level.height);
    d.add(tag::kXResolution, kRational, 1, resolution(mpp, exact));
    d.add(tag::kYResolution, kRational, 1, resolution(mpp_down, exact));
  }

  /// Tags rise. Returns where the directory stands.
  std::uint64_t write_level(const LevelTable& level, bool first, const std::vector<std::uint64_t>& reduced) {
    const bool jpeg = o_.compression == PyramidCompression::kJpeg;
    const bool colour = o_.channels == 3;
    const auto number = [](std::int64_t v) { return std::vector<std::uint64_t>{static_cast<std::uint64_t>(v)}; };
    const std::string description = o_.ome ? ome_description(o_) : o_.description;
    Directory d(file_);
    d.add_numbers(tag::kNewSubfileType, kLong, number(first ? 0 : 1));
    d.add_numbers(tag::kImageWidth, kLong, number(level.width));
    d.add_numbers(tag::kImageLength, kLong, number(level.height));
    d.add_numbers(tag::kBitsPerSample, kShort, std::vector<std::uint64_t>(colour ? 3 : 1, 8));
    d.add_numbers(tag::kCompression, kShort, {compression_code(o_.compression)});
    d.add_numbers(tag::kPhotometric, kShort, number(!colour ? 1 : jpeg ? 6 : 2));
    if (first && !description.empty()) d.add_text(tag::kImageDescription, description);
    d.add_numbers(tag::kSamplesPerPixel, kShort, number(o_.channels));
    if (o_.mpp > 0) add_resolution(d, level, first);
    d.add_numbers(tag::kPlanarConfiguration, kShort, {1});
    if (o_.mpp > 0) d.add_numbers(tag::kResolutionUnit, kShort, {3});
    if (!o_.software.empty()) d.add_text(tag::kSoftware, o_.software);
    const bool differences = o_.compression == PyramidCompression::kDeflate ||  //
                             o_.compression == PyramidCompression::kZstd;
    if (differences) d.add_numbers(tag::kPredictor, kShort, {2});
    d.add_numbers(tag::kTileWidth, kLong, number(o_.tile_px));
    d.add_numbers(tag::kTileLength, kLong, number(o_.tile_px));
    add_tile_tables(d, level, o_.tile_px);
    if (!reduced.empty()) d.add_numbers(tag::kSubIfds, kIfd8, reduced);
    if (jpeg) d.add_raw(tag::kJpegTables, kUndefined, tables_length_, tables_at_.data);
    if (jpeg && colour) {
      const auto factor = static_cast<std::uint64_t>(o_.subsampling);
      d.add_numbers(kYCbCrSubSampling, kShort, {factor, factor});
    }
    if (first && !o_.icc_profile.empty()) {
      d.add(tag::kIccProfile, kUndefined, o_.icc_profile.size(), o_.icc_profile);
    }
    return d.finish();
  }

  static constexpr std::uint16_t kYCbCrSubSampling = 530;
  PartFile& file_;
  const PyramidOptions& o_;
  Bytes tables_at_;
  std::uint64_t tables_length_ = 0;
};

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

void write_directories(PartFile& file, const PyramidOptions& options, const std::vector<LevelTable>& levels) {
  DirectoryWriter(file, options).write(levels);
}

}  // namespace histojet::slide
