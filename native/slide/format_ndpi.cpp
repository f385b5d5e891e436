// Hamamatsu NDPI: each directory is one whole JPEG, read in parts between its restart markers. Levels, names and
// properties as in OpenSlide 4.0.1 (src/openslide-vendor-hamamatsu.c), with levels by DCT scaling between the stored.

#include <algorithm>

#include "base/error.hpp"
#include "slide/formats.hpp"
#include "slide/jpeg_frame.hpp"
#include "slide/ndpi_grid.hpp"
#include "slide/text.hpp"
#include "slide/tiff_properties.hpp"
#include "slide/tiled_slide.hpp"

namespace histojet::slide {
namespace {

// Real slides have about five.
constexpr std::size_t kMaxStoredLevels = 64;
constexpr std::int64_t kMaxSide = 0x7FFFFFFF;
constexpr std::uint64_t kJpegCompression = 7;
constexpr std::uint64_t kMaxPropertyBytes = 1 << 20;

struct NdpiLevel {
  std::unique_ptr<const TileGrid> grid;
  std::int64_t stored_tile_width = 0;
  std::int64_t stored_tile_height = 0;
};

class NdpiReader {
 public:
  explicit NdpiReader(const OpenContext& context) : context_(context), tiff_(context.tiff()) {
    parts_.format = "hamamatsu";
    parts_.keep_alive = tiff_;
    parts_.warnings = tiff_->warnings();
  }

  std::shared_ptr<const Slide> open() {
    const auto& directories = tiff_->directories();
    for (std::size_t i = 0; i < directories.size(); ++i) {
      try {
        add(directories[i]);
      } catch (const Error& error) {
        const std::string message = context_.path() + ": " + directories[i].name() + ": " + error.what();
        if (error.code() == ErrorCode::kIo) throw;
        if (i == 0) throw Error(error.code(), message);
        parts_.warnings.push_back(message + "; this directory is ignored");
      }
    }
    if (levels_.empty()) throw Error(ErrorCode::kCorruptFile, context_.path() + ": NDPI without a level");
    for (auto level = levels_.rbegin(); level != levels_.rend(); ++level) {
      parts_.traits.push_back({.stored_tile = {{level->second.stored_tile_width, level->second.stored_tile_height}}});
      parts_.grids.push_back(std::move(level->second.grid));
    }
    describe();
    return std::make_shared<const TiledSlide>(context_.source(), context_.options(), std::move(parts_));
  }

 private:
  void add(const TiffDirectory& directory) {
    const double lens = directory.number(tag::kNdpiSourceLens).value_or(0);
    if (lens > 0 && directory.number(tag::kNdpiFocalPlane).value_or(0) == 0) {
      add_level(directory);
    } else if (lens == -1 && !parts_.associated.contains("macro")) {
      const ByteRange place = strip(directory);
      parts_.associated.emplace("macro",
                                std::make_unique<const JpegStreamGrid>(context_.source(), place.offset, place.length));
    }
  }

  /// The one strip that holds the JPEG of a directory.
  ByteRange strip(const TiffDirectory& directory) const {
    const std::uint64_t compression = directory.integer(tag::kCompression, kJpegCompression);
    if (compression != kJpegCompression) {
      throw Error(ErrorCode::kUnsupportedFormat, compression_name(compression) + " is not supported in NDPI");
    }
    if (directory.count(tag::kStripOffsets) != 1 || directory.count(tag::kStripByteCounts) != 1) {
      throw Error(ErrorCode::kCorruptFile, "expected one strip, got " +
                                               std::to_string(directory.count(tag::kStripOffsets)) + " offsets and " +
                                               std::to_string(directory.count(tag::kStripByteCounts)) + " lengths");
    }
    const ByteRange place{directory.integer(tag::kStripOffsets, 0), directory.integer(tag::kStripByteCounts, 0)};
    if (!context_.source()->contains(place.offset, place.length)) {
      throw Error(ErrorCode::kCorruptFile, std::to_string(place.length) + " bytes at offset " +
                                               std::to_string(place.offset) + " lie beyond the end of the file");
    }
    return place;
  }

  void add_level(const TiffDirectory& directory) {
    const ByteRange place = strip(directory);
    const auto width = static_cast<std::int64_t>(directory.integer(tag::kImageWidth, 0));
    const auto height = static_cast<std::int64_t>(directory.integer(tag::kImageLength, 0));
    if (width < 1 || height < 1 || width > kMaxSide || height > kMaxSide) {
      throw Error(ErrorCode::kCorruptFile, "expected sides of 1..2147483647 pixels, got " + std::to_string(width) +
                                               " x " + std::to_string(height));
    }
    if (smallest_ != nullptr && width >= smallest_width_) {
      throw Error(ErrorCode::kCorruptFile, "expected a level narrower than " + std::to_string(smallest_width_) +
                                               " pixels, got " + std::to_string(width));
    }
    if (stored_levels_ == kMaxStoredLevels) throw Error(ErrorCode::kCorruptFile, "would be level 65");
    JpegFrame frame = read_jpeg_frame(*context_.source(), place.offset, place.length);
    if (frame.header.restart_interval > 0 && frame.header.single_scan) {
      add_restart_levels(directory, std::move(frame), place, width, height);
    } else {
      add_whole_levels(place);
    }
    smallest_ = &directory;
    smallest_width_ = width;
    ++stored_levels_;
  }

  void add_restart_levels(const TiffDirectory& directory, JpegFrame frame, ByteRange place, std::int64_t width,
                          std::int64_t height) {
    const codecs::JpegHeader& header = frame.header;
    const bool sized = std::max(width, height) <= kMaxJpegSide;
    if (sized && (header.width != width || header.height != height)) {
      throw Error(ErrorCode::kCorruptFile, "the JPEG has " + std::to_string(header.width) + " x " +
                                               std::to_string(header.height) + " pixels, expected " +
                                               std::to_string(width) + " x " + std::to_string(height));
    }
    const auto stream =
        std::make_shared<const RestartStream>(*tiff_, directory, std::move(frame), place, width, height);
    for (int shrink = 1; shrink <= 8; shrink *= 2) {
      const bool even = stream->interval_width() % shrink == 0 && stream->interval_height() % shrink == 0;
      if (!even || width < shrink || height < shrink) continue;
      put(std::make_unique<const NdpiGrid>(stream, shrink), stream->interval_width() / shrink,
          stream->interval_height() / shrink);
    }
  }

  void add_whole_levels(ByteRange place) {
    auto whole = std::make_unique<const JpegStreamGrid>(context_.source(), place.offset, place.length);
    const std::int64_t width = whole->width();
    const std::int64_t height = whole->height();
    put(std::move(whole), width, height);
    for (int shrink = 2; shrink <= 8; shrink *= 2) {
      if (width % shrink != 0 || height % shrink != 0) continue;
      put(std::make_unique<const JpegStreamGrid>(context_.source(), place.offset, place.length, shrink), width / shrink,
          height / shrink);
    }
  }

  /// A level that is stored at this width, or shrunk less, replaces one that was shrunk from a larger level.
  void put(std::unique_ptr<const TileGrid> grid, std::int64_t tile_width, std::int64_t tile_height) {
    const std::int64_t width = grid->width();
    levels_.insert_or_assign(width, NdpiLevel{std::move(grid), tile_width, tile_height});
  }

  void describe() {
    const TiffDirectory& first = tiff_->directories().front();
    Properties& properties = parts_.properties;
    add_tiff_properties(first, properties);
    properties["openslide.vendor"] = "hamamatsu";
    const TiffLevel smallest(*tiff_, *smallest_);
    if (const auto hash = quickhash(*tiff_, smallest, first)) properties["openslide.quickhash-1"] = *hash;
    add_hamamatsu_properties(first);
    const auto resolution = mpp_from_resolution(first);
    if (resolution) {
      properties["openslide.mpp-x"] = format_number(resolution->x);
      properties["openslide.mpp-y"] = format_number(resolution->y);
    }
    parts_.objective_power = first.number(tag::kNdpiSourceLens);
    if (parts_.objective_power) properties["openslide.objective-power"] = format_number(*parts_.objective_power);
    parts_.mpp = choose_mpp(context_.options(), std::nullopt, resolution, parts_.objective_power, parts_.warnings);
  }

  void add_hamamatsu_properties(const TiffDirectory& first) {
    Properties& properties = parts_.properties;
    const auto add_number = [&](std::uint16_t tag, const char* name) {
      if (const auto number = first.number(tag)) properties[name] = format_number(*number);
    };
    add_number(tag::kNdpiSourceLens, "hamamatsu.SourceLens");
    add_number(tag::kNdpiXOffset, "hamamatsu.XOffsetFromSlideCentre");
    add_number(tag::kNdpiYOffset, "hamamatsu.YOffsetFromSlideCentre");
    if (const auto text = first.text(tag::kNdpiReference)) properties["hamamatsu.Reference"] = to_utf8(*text);
    if (first.count(tag::kNdpiProperties) > kMaxPropertyBytes) return;
    const std::string lines = first.text(tag::kNdpiProperties).value_or("");
    for (std::size_t at = 0; at < lines.size();) {
      const std::size_t end = std::min(lines.find("\r\n", at), lines.size());
      const std::string line = lines.substr(at, end - at);
      at = end + 2;
      const std::size_t equals = line.find('=');
      if (equals == std::string::npos || equals == 0 || equals + 1 == line.size()) continue;
      properties["hamamatsu." + to_utf8(line.substr(0, equals))] = to_utf8(line.substr(equals + 1));
    }
  }

  const OpenContext& context_;
  std::shared_ptr<const TiffFile> tiff_;
  SlideParts parts_;
  std::map<std::int64_t, NdpiLevel> levels_;  ///< by width
  std::size_t stored_levels_ = 0;
  const TiffDirectory* smallest_ = nullptr;
  std::int64_t smallest_width_ = 0;
};

}  // namespace

bool is_ndpi(const OpenContext& context) {
  return context.tiff() && context.tiff()->ndpi();
}

std::shared_ptr<const Slide> open_ndpi(const OpenContext& context) {
  return NdpiReader(context).open();
}

}  // namespace histojet::slide
