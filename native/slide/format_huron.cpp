// Huron TIFF: organised like Aperio SVS, with lines of "key = value" in the description (openslide.github.io,
// formats/huron; OpenSlide 4.0.1, src/openslide-vendor-huron.c).

#include <algorithm>

#include "base/error.hpp"
#include "slide/aperio_grid.hpp"
#include "slide/formats.hpp"
#include "slide/text.hpp"
#include "slide/tiff_properties.hpp"
#include "slide/tiled_slide.hpp"

namespace histojet::slide {
namespace {

constexpr std::size_t kMaxLevels = 64;

void add_huron_properties(std::string_view description, Properties& properties) {
  for (std::size_t at = 0; at < description.size();) {
    const std::size_t end = std::min(description.find_first_of("\r\n", at), description.size());
    const std::string_view line = description.substr(at, end - at);
    at = end + 1;
    const std::size_t equals = line.find('=');
    if (equals == std::string_view::npos) continue;
    const std::string key = to_utf8(trim(line.substr(0, equals)));
    if (!key.empty()) properties["huron." + key] = to_utf8(trim(line.substr(equals + 1)));
  }
}

class HuronReader {
 public:
  explicit HuronReader(const OpenContext& context) : context_(context), tiff_(context.tiff()) {
    parts_.format = "huron";
    parts_.keep_alive = tiff_;
    parts_.warnings = tiff_->warnings();
  }

  std::shared_ptr<const Slide> open() {
    const auto& directories = tiff_->directories();
    for (std::size_t i = 0; i < directories.size(); ++i) {
      try {
        if (directories[i].tiled()) {
          add_level(directories[i]);
        } else {
          add_associated(directories[i], i);
        }
      } catch (const Error& error) {
        if (i == 0 || error.code() == ErrorCode::kIo) throw;
        parts_.warnings.push_back(std::string(error.what()) + "; this directory is ignored");
      }
    }
    describe();
    return std::make_shared<const TiledSlide>(context_.source(), context_.options(), std::move(parts_));
  }

 private:
  void add_level(const TiffDirectory& directory) {
    auto level = std::make_unique<const TiffLevel>(*tiff_, directory);
    if (smallest_ != nullptr && (level->width() > smallest_->width() || level->height() > smallest_->height())) {
      throw Error(ErrorCode::kCorruptFile,
                  context_.path() + ": " + directory.name() + " is larger than the level before");
    }
    if (parts_.grids.size() == kMaxLevels) throw Error(ErrorCode::kCorruptFile, "would be level 65");
    if (!level->unreadable().empty()) parts_.warnings.push_back(directory.name() + ": " + level->unreadable());
    auto grid = std::make_unique<const AperioGrid>(std::move(level), smallest_);
    smallest_ = grid.get();
    parts_.grids.push_back(std::move(grid));
  }

  void add_associated(const TiffDirectory& directory, std::size_t index) {
    const std::uint64_t kind = directory.integer(tag::kNewSubfileType, 0);
    const char* name = index == 1 ? "thumbnail" : kind == 1 ? "label" : kind == 9 ? "macro" : nullptr;
    if (name != nullptr) parts_.associated.try_emplace(name, std::make_unique<const TiffLevel>(*tiff_, directory));
  }

  void describe() {
    const TiffDirectory& first = tiff_->directories().front();
    Properties& properties = parts_.properties;
    add_tiff_properties(first, properties);
    add_huron_properties(context_.description(), properties);
    properties["openslide.vendor"] = "huron";
    if (const auto hash = quickhash(*tiff_, smallest_->level(), first)) properties["openslide.quickhash-1"] = *hash;
    const auto resolution = mpp_from_resolution(first);
    if (resolution) {
      properties["openslide.mpp-x"] = format_number(resolution->x);
      properties["openslide.mpp-y"] = format_number(resolution->y);
    }
    parts_.mpp = choose_mpp(context_.options(), std::nullopt, resolution, std::nullopt, parts_.warnings);
    if (first.has(tag::kIccProfile)) properties["openslide.icc-size"] = std::to_string(first.count(tag::kIccProfile));
    parts_.icc_profile = [tiff = tiff_] { return tiff->directories().front().bytes(tag::kIccProfile); };
  }

  const OpenContext& context_;
  std::shared_ptr<const TiffFile> tiff_;
  SlideParts parts_;
  const AperioGrid* smallest_ = nullptr;
};

}  // namespace

bool is_huron(const OpenContext& context) {
  if (!context.tiff()) return false;
  const TiffDirectory& first = context.tiff()->directories().front();
  return first.tiled() && first.text(tag::kMake).value_or("").starts_with("Huron");
}

std::shared_ptr<const Slide> open_huron(const OpenContext& context) {
  return HuronReader(context).open();
}

}  // namespace histojet::slide
