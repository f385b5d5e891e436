#include "slide/registry.hpp"

#include <algorithm>
#include <filesystem>

#include "base/error.hpp"
#include "base/text.hpp"
#include "slide/formats.hpp"
#include "slide/openslide_slide.hpp"

namespace histojet::slide {
namespace {

// The order of OpenSlide 4.0.1: formats that look like another one come first.
constexpr Format kFormats[] = {
    {"MIRAX", is_mirax, nullptr},
    {"Zeiss CZI", is_zeiss, nullptr},
    {"DICOM", is_dicom, open_dicom},
    {"Hamamatsu VMS/VMU", is_vms, nullptr},
    {"Hamamatsu NDPI", is_ndpi, open_ndpi},
    {"Sakura", is_sakura, open_sakura},
    {"Philips iSyntax", is_philips_isyntax, nullptr},
    {"Olympus ETS", is_olympus, nullptr},
    {"Trestle", is_trestle, open_trestle},
    {"Aperio", is_aperio, open_aperio},
    {"Huron", is_huron, open_huron},
    {"ARGOS", is_argos, open_argos},
    {"Leica SCN", is_leica, open_leica},
    {"Philips TIFF", is_philips, open_philips},
    {"Ventana BIF", is_ventana, open_ventana},
    {"PerkinElmer QPTIFF", is_perkin_elmer, nullptr},
    {"OME-TIFF", is_ome_tiff, open_ome_tiff},
    {"generic TIFF", is_tiff, open_generic_tiff},
    {"PNG", is_png, open_png},
    {"JPEG", is_jpeg, open_jpeg},
    {"plain JPEG 2000", is_jpeg_2000, nullptr},
};

// Formats whose pixels lie in files beside the one that is opened.
constexpr std::string_view kSeveralFiles[] = {"MIRAX", "Hamamatsu VMS/VMU", "Olympus VSI"};

/// A remote source is one file; what needs the others must not be taken for something else.
void refuse_several_files(const OpenContext& context, std::string_view name) {
  if (!context.source()->remote() || std::ranges::find(kSeveralFiles, name) == std::end(kSeveralFiles)) return;
  throw Error(ErrorCode::kUnsupportedFormat,
              context.path() + ": " + std::string(name) +
                  " slides consist of several files and cannot be read over HTTP; download them and open the copy");
}

}  // namespace

OpenContext::OpenContext(std::shared_ptr<const ByteSource> source, const OpenOptions& options)
    : source_(std::move(source)), options_(options) {
  head_ = source_->read(0, std::min<std::uint64_t>(source_->size(), 4096));
}

bool OpenContext::starts_with(std::string_view magic, std::size_t at) const {
  return head_.size() >= at + magic.size() &&
         std::equal(magic.begin(), magic.end(), head_.begin() + static_cast<std::ptrdiff_t>(at),
                    [](char a, std::uint8_t b) { return static_cast<std::uint8_t>(a) == b; });
}

const std::shared_ptr<const TiffFile>& OpenContext::tiff() const {
  if (!parsed_) {
    parsed_ = true;
    if (TiffFile::looks_like_tiff(head_)) tiff_ = std::make_shared<const TiffFile>(source_);
  }
  return tiff_;
}

const std::string& OpenContext::description() const {
  if (!description_) {
    description_ = tiff() ? tiff()->directories().front().text(tag::kImageDescription).value_or("") : std::string();
  }
  return *description_;
}

namespace {

/// What the core does not read may be a slide for an installed OpenSlide.
std::shared_ptr<const Slide> ask_openslide(const OpenContext& context, const std::string& problem) {
  std::string why_not;
  if (auto slide = open_with_openslide(context.source(), context.options(), why_not)) return slide;
  unsupported(context.path(), problem + "; " + why_not);
}

}  // namespace

std::shared_ptr<const Slide> open_with_registry(std::shared_ptr<const ByteSource> source, const OpenOptions& options) {
  const OpenContext context(std::move(source), options);
  // Their content does not tell: the one is a preview picture, the other a TIFF file with a thumbnail.
  if (context.path().ends_with(".mrxs")) refuse_several_files(context, "MIRAX");
  if (context.path().ends_with(".vsi")) refuse_several_files(context, "Olympus VSI");
  for (const Format& format : kFormats) {
    if (!format.detect(context)) continue;
    refuse_several_files(context, format.name);
    if (format.open != nullptr) return format.open(context);
    return ask_openslide(context, std::string(format.name) + " slides are recognised but cannot be read");
  }
  const std::string expected =
      ", expected a slide (Aperio, DICOM, Hamamatsu, Leica, OME, Philips, Sakura, Ventana, plain TIFF), PNG or JPEG";
  if (context.head().empty()) unsupported(context.path(), "the file is empty" + expected);
  return ask_openslide(context, "not a slide format that is known" + expected);
}

std::shared_ptr<const Slide> open_folder(const std::string& path, const OpenOptions& options) {
  std::error_code status;
  if (!std::filesystem::is_directory(path, status)) return nullptr;
  if (is_ome_zarr_folder(path)) return open_ome_zarr_folder(path, options);
  if (auto slide = open_dicom_folder(path, options)) return slide;
  unsupported(path, "a folder, expected the file of a slide, or a folder that is a DICOM or an OME-Zarr slide");
}

}  // namespace histojet::slide
