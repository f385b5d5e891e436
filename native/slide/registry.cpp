#include "slide/registry.hpp"

#include <algorithm>
#include <filesystem>

#include "base/error.hpp"
#include "slide/formats.hpp"

namespace histojet::slide {
namespace {

// The order of OpenSlide 4.0.1: formats that look like another one come first.
constexpr Format kFormats[] = {
    {"MIRAX", is_mirax, nullptr},
    {"Zeiss CZI", is_zeiss, nullptr},
    {"DICOM", is_dicom, nullptr},
    {"Hamamatsu VMS/VMU", is_vms, nullptr},
    {"Hamamatsu NDPI", is_ndpi, nullptr},
    {"Sakura (SQLite)", is_sakura, nullptr},
    {"Philips iSyntax", is_philips_isyntax, nullptr},
    {"Olympus ETS", is_olympus, nullptr},
    {"Trestle", is_trestle, nullptr},
    {"Aperio", is_aperio, open_aperio},
    {"Huron", is_huron, nullptr},
    {"ARGOS", is_argos, nullptr},
    {"Leica SCN", is_leica, nullptr},
    {"Philips TIFF", is_philips, nullptr},
    {"Ventana BIF", is_ventana, nullptr},
    {"PerkinElmer QPTIFF", is_perkin_elmer, nullptr},
    {"OME-TIFF with separate channel planes", is_ome_planes, nullptr},
    {"generic TIFF", is_tiff, open_generic_tiff},
    {"PNG", is_png, open_png},
    {"JPEG", is_jpeg, open_jpeg},
    {"plain JPEG 2000", is_jpeg_2000, nullptr},
};

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

std::shared_ptr<const Slide> open_with_registry(std::shared_ptr<const ByteSource> source, const OpenOptions& options) {
  const OpenContext context(std::move(source), options);
  for (const Format& format : kFormats) {
    if (!format.detect(context)) continue;
    if (format.open != nullptr) return format.open(context);
    throw Error(ErrorCode::kUnsupportedFormat,
                context.path() + ": " + format.name + " slides are recognised but cannot be read");
  }
  throw Error(ErrorCode::kUnsupportedFormat,
              context.path() + (context.head().empty() ? ": the file is empty" : ": not a slide format that is known") +
                  ", expected TIFF (Aperio SVS or generic), PNG or JPEG");
}

void refuse_known_folder(const std::string& path) {
  std::error_code status;
  const std::filesystem::path folder(path);
  if (!std::filesystem::is_directory(folder, status)) return;
  const auto has = [&](const char* name) { return std::filesystem::exists(folder / name, status); };
  if (has(".zattrs") || has(".zgroup") || has("zarr.json")) {
    throw Error(ErrorCode::kUnsupportedFormat, path + ": OME-Zarr slides are recognised but cannot be read");
  }
  if (has("DICOMDIR")) {
    throw Error(ErrorCode::kUnsupportedFormat, path + ": DICOM slides are recognised but cannot be read");
  }
}

}  // namespace histojet::slide
