// OME-Zarr folders made by this test; the shared fixture is in slide_parity_test.cpp.

#include <gtest/gtest.h>

#include "base/error.hpp"
#include "codecs/deflate.hpp"
#include "codecs/zstd.hpp"
#include "slide/slide.hpp"
#include "temporary_folder.hpp"

namespace histojet::slide {
namespace {

using Bytes = std::vector<std::uint8_t>;

std::uint8_t sample(std::int64_t x, std::int64_t y, int c) {
  return static_cast<std::uint8_t>(x * 3 + y * 7 + c * 50 + 1);
}

std::string axes_json(const std::string& names) {
  std::string all;
  for (const char name : names) {
    const bool space = name == 'y' || name == 'x';
    all += std::string(all.empty() ? "" : ", ") + "{\"name\": \"" + name + "\", \"type\": \"" +
           (space ? "space\", \"unit\": \"nanometer\"}" : "other\"}");
  }
  return all;
}

/// One array of an image of 7 x 5 pixels in chunks of 4 x 3, described by its axes.
class ZarrBuilder {
 public:
  explicit ZarrBuilder(std::string axes) : axes_(std::move(axes)) {}

  std::string dtype = "|u1";
  std::string compressor = "null";
  std::string separator = "/";
  std::string order = "C";
  int channels = 3;
  bool channels_in_one_chunk = false;

  /// Writes the group with one level in `0`.
  void write(const test::TemporaryFolder& folder, const std::string& prefix = "") {
    folder.write(prefix + ".zgroup", std::string("{\"zarr_format\": 2}"));
    std::string scale;
    for (const char axis : axes_) {
      scale += std::string(scale.empty() ? "" : ", ") + (axis == 'x' ? "250" : axis == 'y' ? "500.5" : "1");
    }
    folder.write(prefix + ".zattrs",
                 "{\"multiscales\": [{\"version\": \"0.4\", \"name\": \"\\u00e9\", \"axes\": [" + axes_json(axes_) +
                     "], \"datasets\": [{\"path\": \"0\", \"coordinateTransformations\": [{\"type\": \"scale\", "
                     "\"scale\": [" +
                     scale + "]}]}]}], \"omero\": {\"channels\": []}}");
    folder.write(prefix + "0/.zarray", "{\"zarr_format\": 2, \"shape\": [" + list(false) + "], \"chunks\": [" +
                                           list(true) + "], \"dtype\": \"" + dtype + "\", \"compressor\": " +
                                           compressor + ", \"fill_value\": 9, \"order\": \"" + order +
                                           "\", \"filters\": null, \"dimension_separator\": \"" + separator + "\"}");
  }

  /// Writes all chunks but those that `skip` names, each through `encode`.
  template <class Encode>
  void write_chunks(const test::TemporaryFolder& folder, const Encode& encode, const std::string& prefix = "0/",
                    const std::string& skip = "") {
    const int groups = axes_.find('c') == std::string::npos || channels_in_one_chunk ? 1 : channels;
    for (int c = 0; c < groups; ++c) {
      for (std::int64_t row = 0; row < 2; ++row) {
        for (std::int64_t column = 0; column < 2; ++column) {
          std::string key;
          for (const char axis : axes_) {
            const std::int64_t index = axis == 'y' ? row : axis == 'x' ? column : axis == 'c' ? c : 0;
            key += (key.empty() ? "" : separator) + std::to_string(index);
          }
          if (key != skip) folder.write(prefix + key, encode(chunk(c, column, row)));
        }
      }
    }
  }

  std::string list(bool chunk) const {
    std::string all;
    for (const char axis : axes_) {
      const int size = axis == 'y'   ? (chunk ? 3 : 5)
                       : axis == 'x' ? (chunk ? 4 : 7)
                       : axis == 'c' ? (chunk && !channels_in_one_chunk ? 1 : channels)
                                     : 1;
      all += (all.empty() ? "" : ", ") + std::to_string(size);
    }
    return all;
  }

 private:
  Bytes chunk(int first, std::int64_t column, std::int64_t row) const {
    const int count = channels_in_one_chunk ? channels : 1;
    const bool last = axes_.ends_with("c");
    Bytes out;
    const auto put = [&](std::int64_t x, std::int64_t y, int c) {
      const std::uint8_t value = sample(column * 4 + x, row * 3 + y, first + c);
      if (dtype == "<u2") out.push_back(0x5A);
      out.push_back(value);
      if (dtype == ">u2") out.push_back(0x5A);
    };
    for (int c = 0; c < (last ? 1 : count); ++c) {
      for (std::int64_t y = 0; y < 3; ++y) {
        for (std::int64_t x = 0; x < 4; ++x) {
          for (int k = 0; k < (last ? count : 1); ++k) put(x, y, last ? k : c);
        }
      }
    }
    return out;
  }

  std::string axes_;
};

Bytes plain(const Bytes& bytes) {
  return bytes;
}
Bytes zlib(const Bytes& bytes) {
  return codecs::deflate_zlib(bytes);
}
Bytes gzip(const Bytes& bytes) {
  return codecs::gzip_member({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
}
Bytes zstd(const Bytes& bytes) {
  return codecs::compress_zstd(bytes);
}

Image read_whole(const std::string& path) {
  const auto slide = Slide::open(path);
  return slide->read_region({.width = slide->width(), .height = slide->height()});
}

void expect_formula(const Image& image, bool grey = false) {
  ASSERT_EQ(image.width, 7);
  ASSERT_EQ(image.height, 5);
  for (std::int64_t y = 0; y < 5; ++y) {
    for (std::int64_t x = 0; x < 7; ++x) {
      for (int c = 0; c < 3; ++c) {
        ASSERT_EQ(image.row(y)[x * 3 + c], sample(x, y, grey ? 0 : c)) << x << ", " << y << ", " << c;
      }
    }
  }
}

void expect_failure(const std::string& path, ErrorCode code, const std::string& part) {
  try {
    read_whole(path);
    FAIL() << "nothing failed, expected " << part;
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), code) << error.what();
    EXPECT_NE(std::string(error.what()).find(part), std::string::npos) << error.what();
  }
}

TEST(OmeZarr, ReadsTheUsualAxesCodecsAndTypes) {
  struct Case {
    const char* axes;
    const char* dtype;
    const char* compressor;
    Bytes (*encode)(const Bytes&);
    bool one_chunk;
    const char* separator;
  };
  const Case cases[] = {
      {"cyx", "|u1", R"({"id": "zlib", "level": 6})", zlib, false, "/"},
      {"cyx", "|u1", "null", plain, true, "."},
      {"yxc", "|u1", R"({"id": "gzip", "level": 1})", gzip, true, "/"},
      {"tczyx", "<u2", R"({"id": "zstd", "level": 3})", zstd, false, "."},
      {"czyx", ">u2", R"({"id": "zlib", "level": 1})", zlib, true, "/"},
      {"yx", "|u1", "null", plain, false, "/"},
  };
  for (const Case& item : cases) {
    SCOPED_TRACE(std::string(item.axes) + " " + item.dtype + " " + item.compressor);
    const test::TemporaryFolder folder;
    ZarrBuilder builder(item.axes);
    builder.dtype = item.dtype;
    builder.compressor = item.compressor;
    builder.channels_in_one_chunk = item.one_chunk;
    builder.separator = item.separator;
    builder.write(folder);
    builder.write_chunks(folder, item.encode);
    const auto slide = Slide::open(folder.path());
    EXPECT_EQ(slide->format(), "ome-zarr");
    EXPECT_EQ(slide->path(), folder.path());
    EXPECT_EQ(slide->levels()[0].tile_width, 4);
    ASSERT_TRUE(slide->mpp());
    EXPECT_DOUBLE_EQ(slide->mpp()->x, 0.25);
    EXPECT_DOUBLE_EQ(slide->mpp()->y, 0.5005);
    EXPECT_EQ(slide->properties().at("ome-zarr.name"), "\xC3\xA9");
    expect_formula(read_whole(folder.path()), std::string(item.axes) == "yx");
  }
}

TEST(OmeZarr, MissingChunksHaveTheFillValue) {
  const test::TemporaryFolder folder;
  ZarrBuilder builder("cyx");
  builder.write(folder);
  builder.write_chunks(folder, plain, "0/", "1/0/1");
  const Image image = read_whole(folder.path());
  EXPECT_EQ(image.row(0)[5 * 3 + 1], 9);
  EXPECT_EQ(image.row(0)[5 * 3 + 2], sample(5, 0, 2));
  EXPECT_EQ(image.row(3)[5 * 3 + 1], sample(5, 3, 1));
}

TEST(OmeZarr, BloscWithShuffledLz4) {
  // 16 x 16 samples of 16 bits, sample i is i / 8 * 256 + 7, as numcodecs 0.16.5 (c-blosc 1) writes them.
  constexpr std::string_view kHex =
      "020121020002000000020000ac000000140000000b0000001f070100e7500707070707850000001300010013010100130201"
      "0013030100130401001305010013060100130701001308010013090100130a0100130b0100130c0100130d0100130e010013"
      "0f010013100100131101001312010013130100131401001315010013160100131701001318010013190100131a0100131b01"
      "00131c0100131d0100131e0100801f1f1f1f1f1f1f1f";
  Bytes chunk;
  for (std::size_t i = 0; i < kHex.size(); i += 2) {
    chunk.push_back(static_cast<std::uint8_t>(std::stoi(std::string(kHex.substr(i, 2)), nullptr, 16)));
  }
  const test::TemporaryFolder folder;
  ZarrBuilder builder("yx");
  builder.write(folder);
  folder.write("0/.zarray",
               std::string(R"({"zarr_format": 2, "shape": [16, 16], "chunks": [16, 16], "dtype": "<u2", "compressor": )"
                           R"({"id": "blosc", "cname": "lz4"}, "fill_value": 0, "order": "C", "filters": null})"));
  folder.write("0/0.0", chunk);
  const Image image = read_whole(folder.path());
  for (std::size_t i = 0; i < 256; ++i) ASSERT_EQ(image.data[i * 3], i / 8);
  chunk[2] = 0x10;
  folder.write("0/0.0", chunk);
  expect_failure(folder.path(), ErrorCode::kUnsupportedFormat, "BloscLZ");
  chunk.resize(chunk.size() / 2);
  chunk[2] = 0x33;
  folder.write("0/0.0", chunk);
  expect_failure(folder.path(), ErrorCode::kCorruptFile, "level 0, column 0, row 0");
}

TEST(OmeZarr, VersionThreeWithoutShards) {
  const test::TemporaryFolder folder;
  ZarrBuilder builder("cyx");
  folder.write("zarr.json",
               R"({"zarr_format": 3, "node_type": "group", "attributes": {"ome": {"version": "0.5", "multiscales": )"
               R"([{"axes": [)" +
                   axes_json("cyx") +
                   R"(], "datasets": [{"path": "s0", "coordinateTransformations": )"
                   R"([{"type": "scale", "scale": [1, 500, 500]}]}], "coordinateTransformations": )"
                   R"([{"type": "scale", "scale": [1, 1, 2]}]}]}}})");
  const auto array = [&](const std::string& codecs) {
    folder.write(
        "s0/zarr.json",
        R"({"zarr_format": 3, "node_type": "array", "shape": [)" + builder.list(false) +
            R"(], "data_type": "uint8", "chunk_grid": {"name": "regular", "configuration": {"chunk_shape": [)" +
            builder.list(true) +
            R"(]}}, "chunk_key_encoding": {"name": "default", "configuration": {"separator": "/"}}, )"
            R"("fill_value": 0, "codecs": [)" +
            codecs + "]}");
  };
  array(R"({"name": "bytes"}, {"name": "zstd", "configuration": {"level": 0, "checksum": false}})");
  builder.write_chunks(folder, zstd, "s0/c/");
  expect_formula(read_whole(folder.path()));
  const auto slide = Slide::open(folder.path());
  EXPECT_DOUBLE_EQ(slide->mpp()->x, 1);
  EXPECT_DOUBLE_EQ(slide->mpp()->y, 0.5);
  EXPECT_EQ(slide->properties().at("ome-zarr.version"), "0.5");
  array(R"({"name": "sharding_indexed", "configuration": {"chunk_shape": [1, 1, 1]}})");
  expect_failure(folder.path(), ErrorCode::kUnsupportedFormat, "shards");
}

TEST(OmeZarr, CollectionsOpenTheirFirstImage) {
  const test::TemporaryFolder folder;
  folder.write(".zattrs", std::string(R"({"bioformats2raw.layout": 3})"));
  ZarrBuilder builder("cyx");
  builder.write(folder, "0/");
  builder.write_chunks(folder, plain, "0/0/");
  expect_formula(read_whole(folder.path()));
}

TEST(OmeZarr, TheFingerprintFollowsTheChunks) {
  const test::TemporaryFolder folder;
  ZarrBuilder builder("yx");
  builder.write(folder);
  builder.write_chunks(folder, plain);
  const std::string before = Slide::open(folder.path())->fingerprint();
  EXPECT_EQ(Slide::open(folder.path())->fingerprint(), before);
  folder.write("0/1/1", Bytes(12, 3));
  EXPECT_NE(Slide::open(folder.path())->fingerprint(), before);
}

TEST(OmeZarr, RefusesWhatItDoesNotUnderstandByName) {
  const auto refuse = [](const auto& change, ErrorCode code, const std::string& part) {
    const test::TemporaryFolder folder;
    ZarrBuilder builder("cyx");
    change(builder);
    builder.write(folder);
    builder.write_chunks(folder, plain);
    expect_failure(folder.path(), code, part);
  };
  refuse([](ZarrBuilder& b) { b.dtype = "<f4"; }, ErrorCode::kUnsupportedFormat, "<f4");
  refuse([](ZarrBuilder& b) { b.order = "F"; }, ErrorCode::kUnsupportedFormat, "order F");
  refuse([](ZarrBuilder& b) { b.compressor = R"({"id": "lzma"})"; }, ErrorCode::kUnsupportedFormat, "lzma");
  refuse([](ZarrBuilder& b) { b.channels = 5; }, ErrorCode::kUnsupportedFormat, "5 channels");
  refuse([](ZarrBuilder& b) { b.compressor = R"({"id": "zlib"})"; }, ErrorCode::kCorruptFile, "column 0, row 0");
  refuse([](ZarrBuilder& b) { b.separator = "\\\\"; }, ErrorCode::kCorruptFile, "separator");
  const test::TemporaryFolder folder;
  ZarrBuilder("yx").write(folder);
  folder.write("0/.zarray",
               std::string(R"({"zarr_format": 2, "shape": [9, 9], "chunks": [4000000000, 4000000000], "dtype": "|u1", )"
                           R"("compressor": null, "fill_value": 0, "order": "C", "filters": null})"));
  expect_failure(folder.path(), ErrorCode::kUnsupportedFormat, "exceeds the limit");
}

TEST(OmeZarr, RefusesFoldersThatAreNoSlide) {
  const test::TemporaryFolder folder;
  expect_failure(folder.path(), ErrorCode::kUnsupportedFormat, "a folder, expected");
  folder.write(".zgroup", std::string("{\"zarr_format\": 2}"));
  expect_failure(folder.path(), ErrorCode::kUnsupportedFormat, "without an OME image");
  folder.write(".zattrs",
               std::string(R"({"multiscales": [{"axes": ["y", "x"], "datasets": [{"path": "../other"}]}]})"));
  expect_failure(folder.path(), ErrorCode::kCorruptFile, "leads out");
  folder.write(".zattrs", std::string(R"({"multiscales": [{"axes": ["y", "q"], "datasets": [{"path": "0"}]}]})"));
  expect_failure(folder.path(), ErrorCode::kUnsupportedFormat, "'q'");
  folder.write(".zattrs", std::string(R"({"multiscales": [{"datasets": )"));
  expect_failure(folder.path(), ErrorCode::kCorruptFile, "JSON");
}

}  // namespace
}  // namespace histojet::slide
