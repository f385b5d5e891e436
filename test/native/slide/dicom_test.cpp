// DICOM slides made by the builder beside this file; the shared fixtures are in slide_parity_test.cpp.

#include <gtest/gtest.h>

#include <algorithm>
#include <map>

#include "base/digest.hpp"
#include "base/error.hpp"
#include "codecs/jpeg.hpp"
#include "dicom_builder.hpp"
#include "slide/dicom_elements.hpp"
#include "slide/slide.hpp"
#include "temporary_folder.hpp"

namespace histojet::slide {
namespace {

using test::Bytes;
using test::DicomBuilder;
using test::DicomFile;

std::uint8_t sample(std::int64_t x, std::int64_t y, int c) {
  return static_cast<std::uint8_t>(x * 31 + y * 57 + c * 80 + 5);
}

/// One frame with RGB samples, interleaved or plane by plane, also where it reaches beyond the matrix.
Bytes frame(const DicomFile& file, std::uint32_t column, std::uint32_t row, bool planes = false) {
  Bytes out(file.tile_width * file.tile_height * 3);
  for (std::uint32_t y = 0; y < file.tile_height; ++y) {
    for (std::uint32_t x = 0; x < file.tile_width; ++x) {
      const std::size_t pixel = y * file.tile_width + x;
      for (std::size_t c = 0; c < 3; ++c) {
        out[planes ? c * file.tile_width * file.tile_height + pixel : pixel * 3 + c] =
            sample(column * file.tile_width + x, row * file.tile_height + y, static_cast<int>(c));
      }
    }
  }
  return out;
}

std::vector<Bytes> all_frames(const DicomFile& file, bool planes = false) {
  std::vector<Bytes> frames;
  for (std::uint32_t row = 0; row * file.tile_height < file.height; ++row) {
    for (std::uint32_t column = 0; column * file.tile_width < file.width; ++column) {
      frames.push_back(frame(file, column, row, planes));
    }
  }
  return frames;
}

Bytes joined(const std::vector<Bytes>& parts) {
  Bytes all;
  for (const Bytes& part : parts) all.insert(all.end(), part.begin(), part.end());
  return all;
}

std::shared_ptr<const Slide> open(Bytes bytes, const OpenOptions& options = {}) {
  return Slide::open(memory_source(std::move(bytes), "test.dcm"), options);
}

Image read_whole(const Slide& slide, int level = 0, int channels = 3) {
  const Level& size = slide.levels().at(static_cast<std::size_t>(level));
  return slide.read_region({.width = size.width, .height = size.height, .level = level, .channels = channels});
}

void expect_formula(const Image& image) {
  for (std::int64_t y = 0; y < image.height; ++y) {
    for (std::int64_t x = 0; x < image.width; ++x) {
      for (int c = 0; c < 3; ++c) {
        ASSERT_EQ(image.row(y)[x * image.channels + c], sample(x, y, c)) << x << ", " << y << ", " << c;
      }
    }
  }
}

/// "code: message" of opening, or of reading the whole level 0.
std::string failure_of(const Bytes& bytes) {
  try {
    read_whole(*open(bytes));
  } catch (const Error& error) {
    return std::string(code_name(error.code())) + ": " + error.what();
  }
  return "nothing failed";
}

void expect_failure(const Bytes& bytes, const std::string& code, const std::string& part) {
  const std::string failure = failure_of(bytes);
  EXPECT_TRUE(failure.starts_with("HISTOJET_" + code)) << failure;
  EXPECT_NE(failure.find(part), std::string::npos) << failure;
}

class DicomSyntax : public testing::TestWithParam<std::pair<const char*, bool>> {};

TEST_P(DicomSyntax, ReadsRawFramesAndMetadata) {
  DicomFile file;
  file.transfer_syntax = GetParam().first;
  file.undefined_lengths = GetParam().second;
  const auto slide = open(file.with_raw(joined(all_frames(file))));
  EXPECT_EQ(slide->format(), "dicom");
  ASSERT_EQ(slide->levels().size(), 1U);
  EXPECT_EQ(slide->width(), 5);
  EXPECT_EQ(slide->height(), 3);
  EXPECT_EQ(slide->levels()[0].tile_width, 2);
  expect_formula(read_whole(*slide));
  ASSERT_TRUE(slide->mpp());
  EXPECT_DOUBLE_EQ(slide->mpp()->x, 0.25);
  EXPECT_DOUBLE_EQ(slide->mpp()->y, 0.5);
  EXPECT_EQ(slide->objective_power(), 40);
  const auto& properties = slide->properties();
  EXPECT_EQ(properties.at("openslide.vendor"), "dicom");
  EXPECT_EQ(properties.at("openslide.barcode"), "A\\B");
  EXPECT_EQ(properties.at("dicom.Modality"), "SM");
  EXPECT_EQ(properties.at("dicom.ImageType[2]"), "VOLUME");
  EXPECT_EQ(properties.at("dicom.TotalPixelMatrixColumns"), "5");
  EXPECT_EQ(properties.at("dicom.SharedFunctionalGroupsSequence[0].PixelMeasuresSequence[0].PixelSpacing[1]"),
            "0.00025");
  Sha256 digest;
  digest.update(std::string_view("1.2.3\0", 6));
  EXPECT_EQ(properties.at("openslide.quickhash-1"), hex(digest.finish()));
}

INSTANTIATE_TEST_SUITE_P(All, DicomSyntax,
                         testing::Values(std::pair("1.2.840.10008.1.2.1", false),
                                         std::pair("1.2.840.10008.1.2.1", true), std::pair("1.2.840.10008.1.2", false),
                                         std::pair("1.2.840.10008.1.2", true)));

TEST(Dicom, PlanesAndGrey) {
  DicomFile file;
  file.planar = 1;
  expect_formula(read_whole(*open(file.with_raw(joined(all_frames(file, true))))));
  file = {};
  file.samples = 1;
  file.photometric = "MONOCHROME2";
  file.width = file.height = 2;
  const Image grey = read_whole(*open(file.with_raw({10, 20, 30, 40})));
  EXPECT_EQ(grey.data, (Bytes{10, 10, 10, 20, 20, 20, 30, 30, 30, 40, 40, 40}));
}

TEST(Dicom, SparseFramesLieWhereTheirPositionsSayAndTheRestIsTransparent) {
  DicomFile file;
  file.full = false;
  file.positions = {{5, 1}, {1, 3}, {3, 1}};
  file.frames = 3;
  const auto slide = open(file.with_raw(joined({frame(file, 2, 0), frame(file, 0, 1), frame(file, 1, 0)})));
  const Image image = read_whole(*slide, 0, 4);
  for (std::int64_t y = 0; y < 3; ++y) {
    for (std::int64_t x = 0; x < 5; ++x) {
      const bool stored = y < 2 ? x >= 2 : x < 2;
      const std::uint8_t* pixel = image.row(y) + x * 4;
      ASSERT_EQ(pixel[3], stored ? 255 : 0) << x << ", " << y;
      ASSERT_EQ(pixel[1], stored ? sample(x, y, 1) : 0) << x << ", " << y;
    }
  }
}

TEST(Dicom, RefusesFramesThatDoNotFit) {
  DicomFile file;
  file.frames = 5;
  expect_failure(file.with_raw(joined(all_frames(file))), "CORRUPT_FILE", "expected 6 frames");
  file.frames = 12;
  expect_failure(file.with_raw(joined(all_frames(file))), "UNSUPPORTED_FORMAT", "focal planes");
  file.frames = 0;
  expect_failure(file.with_raw(frame(file, 0, 0)), "CORRUPT_FILE", "beyond the pixel data");
  file.full = false;
  file.frames = 2;
  file.positions = {{1, 1}};
  expect_failure(file.with_raw(joined(all_frames(file))), "CORRUPT_FILE", "positions for 1 of 2 frames");
  file.positions = {{1, 1}, {1, 1}};
  expect_failure(file.with_raw(joined(all_frames(file))), "UNSUPPORTED_FORMAT", "several frames at one place");
  file.positions = {{1, 1}, {2, 1}};
  expect_failure(file.with_raw(joined(all_frames(file))), "UNSUPPORTED_FORMAT", "grid of tiles");
  file.positions = {{1, 1}, {7, 1}};
  expect_failure(file.with_raw(joined(all_frames(file))), "CORRUPT_FILE", "outside of the pixel matrix");
}

TEST(Dicom, RefusesWhatItDoesNotUnderstandByName) {
  DicomFile file;
  const Bytes pixels = joined(all_frames(file));
  file.sop_class = "1.2.840.10008.5.1.4.1.1.2";
  expect_failure(file.with_raw(pixels), "UNSUPPORTED_FORMAT", "1.2.840.10008.5.1.4.1.1.2");
  file = {};
  file.bits = 16;
  expect_failure(file.with_raw(pixels), "UNSUPPORTED_FORMAT", "of 16");
  file = {};
  file.transfer_syntax = "1.2.840.10008.1.2.4.80";
  expect_failure(file.with_fragments({}, all_frames(file)), "UNSUPPORTED_FORMAT", "JPEG-LS lossless");
  file.transfer_syntax = "1.2.840.10008.1.2.2";
  expect_failure(file.with_raw(pixels), "UNSUPPORTED_FORMAT", "explicit big endian");
  file = {};
  file.photometric = "YBR_FULL";
  expect_failure(file.with_raw(pixels), "UNSUPPORTED_FORMAT", "YBR_FULL");
  file = {};
  file.kind = "LABEL";
  expect_failure(file.with_raw(pixels), "CORRUPT_FILE", "no VOLUME image");
}

/// Six JPEG frames of 16 x 8 pixels.
struct JpegFrames {
  DicomFile file;
  std::vector<Bytes> streams;

  JpegFrames() {
    file.transfer_syntax = "1.2.840.10008.1.2.4.50";
    file.photometric = "YBR_FULL_422";
    file.width = 40;
    file.height = 12;
    file.tile_width = 16;
    file.tile_height = 8;
    for (int i = 0; i < 6; ++i) {
      Image image(16, 8, 3);
      for (std::size_t k = 0; k < image.data.size(); ++k) image.data[k] = static_cast<std::uint8_t>(k * 3 + i * 40);
      streams.push_back(codecs::encode_jpeg(image));
      if (streams.back().size() % 2 != 0) streams.back().push_back(0);
    }
  }

  void expect_pixels(const Bytes& bytes, codecs::JpegColor color = codecs::JpegColor::kYCbCr) const {
    const Image image = read_whole(*open(bytes));
    for (std::int64_t i = 0; i < 6; ++i) {
      Image tile(16, 8, 3);
      codecs::JpegDecoder().decode(streams[static_cast<std::size_t>(i)], color, 16, 8, 3, tile.data.data(), 48);
      const std::int64_t left = i % 3 * 16, top = i / 3 * 8;
      for (std::int64_t y = top; y < std::min<std::int64_t>(top + 8, 12); ++y) {
        for (std::int64_t x = left * 3; x < std::min<std::int64_t>(left + 16, 40) * 3; ++x) {
          ASSERT_EQ(image.row(y)[x], tile.row(y - top)[x - left * 3]) << x / 3 << ", " << y;
        }
      }
    }
  }

  /// Offsets of the frames when frame i has `pieces` fragments.
  std::vector<std::uint64_t> offsets(std::size_t pieces = 1) const {
    std::vector<std::uint64_t> found{0};
    for (const Bytes& stream : streams) found.push_back(found.back() + stream.size() + 8 * pieces);
    found.pop_back();
    return found;
  }
  static Bytes table(const std::vector<std::uint64_t>& numbers, std::size_t size) {
    std::vector<Bytes> parts;
    for (const std::uint64_t number : numbers) parts.push_back(DicomBuilder::little(number, size));
    return joined(parts);
  }
  std::vector<Bytes> halves() const {
    std::vector<Bytes> pieces;
    for (const Bytes& stream : streams) {
      const auto middle = stream.begin() + static_cast<std::ptrdiff_t>(stream.size() / 4 * 2);
      pieces.emplace_back(stream.begin(), middle);
      pieces.emplace_back(middle, stream.end());
    }
    return pieces;
  }
};

TEST(DicomFrames, AreFoundByEveryKindOfTable) {
  JpegFrames jpeg;
  jpeg.expect_pixels(jpeg.file.with_fragments({}, jpeg.streams));
  jpeg.expect_pixels(jpeg.file.with_fragments(JpegFrames::table(jpeg.offsets(), 4), jpeg.streams));
  jpeg.expect_pixels(jpeg.file.with_fragments(JpegFrames::table(jpeg.offsets(2), 4), jpeg.halves()));
  jpeg.expect_pixels(jpeg.file.with_fragments({}, jpeg.halves()));
  std::vector<std::uint64_t> lengths;
  for (const Bytes& stream : jpeg.streams) lengths.push_back(stream.size());
  jpeg.file.extended_offsets = JpegFrames::table(jpeg.offsets(), 8);
  jpeg.file.extended_lengths = JpegFrames::table(lengths, 8);
  jpeg.expect_pixels(jpeg.file.with_fragments({}, jpeg.streams));
}

TEST(DicomFrames, TablesThatLieAreIgnored) {
  JpegFrames jpeg;
  auto offsets = jpeg.offsets();
  offsets[3] += 2;
  jpeg.expect_pixels(jpeg.file.with_fragments(JpegFrames::table(offsets, 4), jpeg.streams));
  offsets[3] = 0x7FFFFFF0;
  jpeg.expect_pixels(jpeg.file.with_fragments(JpegFrames::table(offsets, 4), jpeg.streams));
  jpeg.expect_pixels(jpeg.file.with_fragments(JpegFrames::table({0, 8}, 4), jpeg.streams));
  jpeg.file.extended_offsets = JpegFrames::table(std::vector<std::uint64_t>(6, ~std::uint64_t{0} - 100), 8);
  jpeg.file.extended_lengths = JpegFrames::table(std::vector<std::uint64_t>(6, 100), 8);
  jpeg.expect_pixels(jpeg.file.with_fragments({}, jpeg.streams));
}

TEST(DicomFrames, ThePhotometricInterpretationDecidesTheColor) {
  JpegFrames jpeg;
  jpeg.file.photometric = "RGB";
  jpeg.expect_pixels(jpeg.file.with_fragments({}, jpeg.streams), codecs::JpegColor::kRgb);
}

TEST(DicomFrames, OnlyMissingFramesFail) {
  JpegFrames jpeg;
  Bytes bytes = jpeg.file.with_fragments({}, jpeg.streams);
  bytes.resize(bytes.size() - jpeg.streams.back().size());
  const auto slide = open(bytes);
  EXPECT_NO_THROW(slide->read_region({.width = 32, .height = 12}));
  EXPECT_THROW(read_whole(*slide), Error);
  expect_failure(jpeg.file.with_fragments({}, {jpeg.streams.begin(), jpeg.streams.begin() + 4}), "CORRUPT_FILE",
                 "4 of 6 frames");
  const auto tolerant = open(bytes, {.tolerant = true});
  EXPECT_NO_THROW(read_whole(*tolerant));
  EXPECT_EQ(tolerant->warnings().size(), 1U);
}

TEST(DicomFrames, RunLengths) {
  DicomFile file;
  file.transfer_syntax = "1.2.840.10008.1.2.5";
  std::vector<Bytes> streams;
  for (const Bytes& planes : all_frames(file, true)) {
    // Each plane of four bytes is one literal run: a count less one, then the bytes.
    Bytes stream = joined({DicomBuilder::little(3, 4), DicomBuilder::little(64, 4), DicomBuilder::little(70, 4),
                           DicomBuilder::little(76, 4), Bytes(48)});
    for (std::ptrdiff_t c = 0; c < 3; ++c) {
      stream.push_back(3);
      stream.insert(stream.end(), planes.begin() + c * 4, planes.begin() + c * 4 + 4);
      stream.push_back(0x80);
    }
    streams.push_back(stream);
  }
  expect_formula(read_whole(*open(file.with_fragments({}, streams))));
  streams[2][0] = 2;
  expect_failure(file.with_fragments({}, streams), "CORRUPT_FILE", "3 segments");
}

/// A slide of two levels and a label in one folder.
class DicomFolder : public testing::Test {
 protected:
  void SetUp() override {
    DicomFile file;
    base_ = folder_.write("b.dcm", file.with_raw(joined(all_frames(file))));
    folder_.write("copy.dcm", file.with_raw(joined(all_frames(file))));
    DicomFile small;
    small.sop_instance = "1.2.3.2";
    small.width = 2;
    small.height = 1;
    small_ = folder_.write("a.dcm", small.with_raw(frame(small, 0, 0)));
    small.sop_instance = "1.2.3.3";
    small.kind = "LABEL";
    folder_.write("label", small.with_raw(frame(small, 0, 0)));
    folder_.write("notes.txt", std::string("no slide"));
    folder_.write("broken.dcm", std::string(128, '\0') + "DICMxx");
  }
  test::TemporaryFolder folder_;
  std::string base_;
  std::string small_;
};

TEST_F(DicomFolder, EveryFileAndTheFolderOpenTheSameSlide) {
  const auto whole = Slide::open(folder_.path());
  EXPECT_EQ(whole->path(), folder_.path());
  for (const std::string& path : {folder_.path(), base_, small_}) {
    const auto slide = Slide::open(path);
    ASSERT_EQ(slide->levels().size(), 2U) << path;
    EXPECT_EQ(slide->width(), 5);
    EXPECT_EQ(slide->levels()[1].width, 2);
    EXPECT_EQ(slide->associated_images(), std::vector<std::string>{"label"});
    EXPECT_EQ(slide->read_associated_image("label").width, 2);
    EXPECT_EQ(slide->fingerprint(), whole->fingerprint()) << path;
    expect_formula(read_whole(*slide));
  }
  EXPECT_FALSE(whole->warnings().empty());
}

TEST_F(DicomFolder, SeveralSeriesNeedAFile) {
  DicomFile other;
  other.series = "1.2.9";
  other.sop_instance = "1.2.9.1";
  const std::string path = folder_.write("other.dcm", other.with_raw(joined(all_frames(other))));
  EXPECT_EQ(Slide::open(path)->levels().size(), 1U);
  EXPECT_EQ(Slide::open(base_)->levels().size(), 2U);
  EXPECT_THROW(Slide::open(folder_.path()), Error);
}

TEST(DicomConcatenation, PartsAreOneLevel) {
  const test::TemporaryFolder folder;
  DicomFile file;
  const auto frames = all_frames(file);
  file.concatenation = "1.2.3.77";
  file.frames = 4;
  folder.write("2.dcm", file.with_raw(joined({frames.begin(), frames.begin() + 4})));
  file.frames = 2;
  file.frame_offset = 4;
  file.sop_instance = "1.2.3.4";
  const std::string last = folder.write("1.dcm", file.with_raw(joined({frames.begin() + 4, frames.end()})));
  expect_formula(read_whole(*Slide::open(last)));
  std::filesystem::remove(folder.path("2.dcm"));
  EXPECT_THROW(Slide::open(last), Error);
}

TEST(DicomElements, HostileLengthsAndNesting) {
  DicomFile file;
  const Bytes good = file.with_raw(joined(all_frames(file)));
  // Whatever a byte of the header becomes: an error or a slide, never a crash or an endless walk.
  for (std::size_t i = 132; i < good.size() - 72; ++i) {
    for (const std::uint8_t value : {0x00, 0x7F, 0xFF}) {
      Bytes bytes = good;
      bytes[i] = value;
      failure_of(bytes);
    }
  }
  for (std::size_t length = 0; length < good.size(); length += 7)
    failure_of(Bytes(good.begin(), good.begin() + static_cast<std::ptrdiff_t>(length)));
  Bytes nested;
  for (int depth = 0; depth < 40; ++depth) nested = DicomBuilder().sequence(0x00400555, {nested}, true).bytes();
  expect_failure(DicomBuilder::file("1.2.840.10008.1.2.1", nested), "CORRUPT_FILE", "nested deeper than 16");
  expect_failure(DicomBuilder::file("1.2.840.10008.1.2.1", {}), "UNSUPPORTED_FORMAT", "class");
  Bytes open_ended =
      DicomBuilder::file("1.2.840.10008.1.2.1", {0x40, 0, 0x55, 5, 'S', 'Q', 0, 0, 0xFF, 0xFF, 0xFF, 0xFF});
  expect_failure(open_ended, "CORRUPT_FILE", "truncated");
}

TEST(DicomElements, UnknownSequencesOfUndefinedLengthAreImplicit) {
  const Bytes inner =
      DicomBuilder(true).sequence(0x00091002, {DicomBuilder(true).text(0x00091003, "LO", "x").bytes()}, true).bytes();
  Bytes data{0x09, 0, 0x01, 0x10, 'U', 'N', 0, 0, 0xFF, 0xFF, 0xFF, 0xFF};
  const Bytes item = joined(
      {{0xFE, 0xFF, 0, 0xE0}, DicomBuilder::little(inner.size(), 4), inner, {0xFE, 0xFF, 0xDD, 0xE0, 0, 0, 0, 0}});
  data.insert(data.end(), item.begin(), item.end());
  const Bytes after = DicomBuilder().text(0x00100020, "LO", "id").bytes();
  data.insert(data.end(), after.begin(), after.end());
  const auto source = memory_source(DicomBuilder::file("1.2.840.10008.1.2.1", data), "un.dcm");
  DicomElements elements(*source);
  DicomElement element;
  ASSERT_TRUE(elements.next(element));
  EXPECT_EQ(element.tag, 0x00091003U);
  EXPECT_TRUE(elements.inside({0x00091001, 0x00091002}));
  ASSERT_TRUE(elements.next(element));
  EXPECT_EQ(elements.text(element), "id");
  EXPECT_TRUE(elements.top_level());
  EXPECT_FALSE(elements.next(element));
}

}  // namespace
}  // namespace histojet::slide
