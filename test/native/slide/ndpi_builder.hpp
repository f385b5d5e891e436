#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <vector>

// jpeglib.h needs the declarations of the headers above.
#include <jpeglib.h>

#include "base/image.hpp"
#include "slide/tiff_directory.hpp"
#include "tiff_builder.hpp"

namespace histojet::test {

/// How `restart_jpeg` encodes; the sampling is that of the luma component.
struct RestartJpegOptions {
  int across_samples = 2;
  int down_samples = 1;
  int restart_interval = 0;  ///< in MCUs; 0 for none
  int quality = 80;
};

/// A baseline YCbCr JPEG with restart markers, as NDP.scan writes them.
inline std::vector<std::uint8_t> restart_jpeg(const Image& image, const RestartJpegOptions& options) {
  jpeg_compress_struct encoder{};
  jpeg_error_mgr errors{};
  encoder.err = jpeg_std_error(&errors);
  jpeg_create_compress(&encoder);
  unsigned char* buffer = nullptr;
  unsigned long size = 0;
  jpeg_mem_dest(&encoder, &buffer, &size);
  encoder.image_width = static_cast<JDIMENSION>(image.width);
  encoder.image_height = static_cast<JDIMENSION>(image.height);
  encoder.input_components = 3;
  encoder.in_color_space = JCS_RGB;
  jpeg_set_defaults(&encoder);
  jpeg_set_quality(&encoder, options.quality, TRUE);
  encoder.comp_info[0].h_samp_factor = options.across_samples;
  encoder.comp_info[0].v_samp_factor = options.down_samples;
  encoder.restart_interval = static_cast<unsigned>(options.restart_interval);
  jpeg_start_compress(&encoder, TRUE);
  while (encoder.next_scanline < encoder.image_height) {
    auto* row = const_cast<JSAMPROW>(image.row(encoder.next_scanline));
    jpeg_write_scanlines(&encoder, &row, 1);
  }
  jpeg_finish_compress(&encoder);
  jpeg_destroy_compress(&encoder);
  std::vector<std::uint8_t> stream(buffer, buffer + size);
  std::free(buffer);
  return stream;
}

/// Bytes behind each restart marker of a stream, and behind its scan header, relative to its start.
inline std::vector<std::uint64_t> restart_starts(const std::vector<std::uint8_t>& stream) {
  std::vector<std::uint64_t> starts;
  std::size_t at = 2;
  while (stream[at + 1] != 0xDA) at += 2 + static_cast<std::size_t>(stream[at + 2] << 8 | stream[at + 3]);
  at += 2 + static_cast<std::size_t>(stream[at + 2] << 8 | stream[at + 3]);
  starts.push_back(at);
  for (; at + 1 < stream.size(); ++at) {
    if (stream[at] == 0xFF && stream[at + 1] >= 0xD0 && stream[at + 1] <= 0xD7) starts.push_back(at + 2);
  }
  return starts;
}

/// Writes small NDPI files: classic header, but 64-bit offsets of directories and upper halves behind each of them.
class NdpiBuilder {
 public:
  using Fields = TiffBuilder::Fields;

  NdpiBuilder() : bytes_{'I', 'I', 42, 0, 0, 0, 0, 0, 0, 0, 0, 0} {}

  std::uint64_t data(const std::vector<std::uint8_t>& bytes) {
    const std::uint64_t at = bytes_.size();
    bytes_.insert(bytes_.end(), bytes.begin(), bytes.end());
    return at;
  }

  /// Appends a directory to the chain; tags come from the highest to the lowest, because readers must not expect order.
  void directory(const Fields& fields, const std::map<std::uint16_t, std::uint32_t>& high = {}) {
    std::vector<std::uint64_t> places;
    for (const auto& [tag, field] : fields) places.push_back(is_inline(field) ? 0 : data(encode(field)));
    const std::uint64_t at = bytes_.size();
    patch(link_, at);
    put(fields.size(), 2);
    std::size_t i = fields.size();
    for (auto item = fields.rbegin(); item != fields.rend(); ++item) {
      const auto& field = item->second;
      --i;
      put(item->first, 2);
      put(field.type, 2);
      put(field.values.size() / (field.type == 5 ? 2 : 1), 4);
      if (is_inline(field)) {
        std::vector<std::uint8_t> value = encode(field);
        value.resize(4);
        data(value);
      } else {
        put(places[i], 4);
      }
    }
    link_ = bytes_.size();
    put(0, 8);
    for (auto item = fields.rbegin(); item != fields.rend(); ++item) {
      const auto found = high.find(item->first);
      put(found == high.end() ? 0 : found->second, 4);
    }
  }

  /// A directory of one level or picture (`lens` 20, -1 …) around a JPEG stream.
  void image(const std::vector<std::uint8_t>& jpeg, std::int64_t width, std::int64_t height, float lens,
             Fields more = {}) {
    const std::uint64_t at = data(jpeg);
    std::uint32_t bits = 0;
    std::memcpy(&bits, &lens, 4);
    more[slide::tag::kImageWidth] = TiffBuilder::longs({static_cast<std::uint64_t>(width)});
    more[slide::tag::kImageLength] = TiffBuilder::longs({static_cast<std::uint64_t>(height)});
    more[slide::tag::kBitsPerSample] = TiffBuilder::shorts({8, 8, 8});
    more[slide::tag::kCompression] = TiffBuilder::shorts({7});
    more[slide::tag::kPhotometric] = TiffBuilder::shorts({6});
    more[slide::tag::kSamplesPerPixel] = TiffBuilder::shorts({3});
    more[slide::tag::kStripOffsets] = TiffBuilder::longs({at});
    more[slide::tag::kStripByteCounts] = TiffBuilder::longs({jpeg.size()});
    more[slide::tag::kXResolution] = TiffBuilder::rational(20000, 1);
    more[slide::tag::kYResolution] = TiffBuilder::rational(25000, 1);
    more[slide::tag::kResolutionUnit] = TiffBuilder::shorts({3});
    more[slide::tag::kNdpiFormat] = TiffBuilder::longs({1});
    more[slide::tag::kNdpiSourceLens] = {11, {bits}};
    directory(more);
  }

  const std::vector<std::uint8_t>& bytes() const { return bytes_; }

 private:
  static std::size_t value_size(const TiffBuilder::Field& field) {
    switch (field.type) {
      case 3:
        return 2;
      case 4:
      case 5:
      case 9:
      case 11:
        return 4;
      default:
        return 1;
    }
  }
  /// Text never is.
  static bool is_inline(const TiffBuilder::Field& field) {
    return field.type != 2 && field.values.size() * value_size(field) <= 4;
  }
  static std::vector<std::uint8_t> encode(const TiffBuilder::Field& field) {
    std::vector<std::uint8_t> out;
    for (const std::uint64_t value : field.values) {
      for (std::size_t i = 0; i < value_size(field); ++i) out.push_back(static_cast<std::uint8_t>(value >> (8 * i)));
    }
    return out;
  }
  void put(std::uint64_t value, std::size_t size) {
    for (std::size_t i = 0; i < size; ++i) bytes_.push_back(static_cast<std::uint8_t>(value >> (8 * i)));
  }
  void patch(std::size_t at, std::uint64_t value) {
    for (std::size_t i = 0; i < 8; ++i) bytes_[at + i] = static_cast<std::uint8_t>(value >> (8 * i));
  }

  std::vector<std::uint8_t> bytes_;
  std::size_t link_ = 4;
};

}  // namespace histojet::test
