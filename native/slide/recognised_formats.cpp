// Formats that are known by their marks. What these files share with plain TIFF would read, but wrongly (focal planes,
// overlaps, several areas on one slide), so they must not reach the generic reader.

#include <filesystem>

#include "slide/formats.hpp"

namespace histojet::slide {
namespace {

std::string text_of(const OpenContext& context, std::uint16_t tag) {
  if (!context.tiff()) return {};
  return context.tiff()->directories().front().text(tag).value_or("");
}

bool contains(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

bool has_extension(const OpenContext& context, std::string_view extension) {
  return context.path().ends_with(extension);
}

}  // namespace

bool is_mirax(const OpenContext& context) {
  // The file itself holds no pixels (often a preview in JPEG); the slide lies in the folder beside it.
  if (!has_extension(context, ".mrxs")) return false;
  std::error_code status;
  return std::filesystem::exists(std::filesystem::path(context.path()).replace_extension() / "Slidedat.ini", status);
}

bool is_zeiss(const OpenContext& context) {
  return context.starts_with("ZISRAWFILE");
}

bool is_dicom(const OpenContext& context) {
  return context.starts_with("DICM", 128);
}

bool is_vms(const OpenContext& context) {
  return context.starts_with("[Virtual Microscope Specimen]") ||
         context.starts_with("[Uncompressed Virtual Microscope Specimen]");
}

bool is_ndpi(const OpenContext& context) {
  // NDPI files beyond 4 GiB keep 64-bit offsets under a classic header, so a damaged chain may still be one of them.
  if (has_extension(context, ".ndpi") && TiffFile::looks_like_tiff(context.head())) return true;
  return context.tiff() && context.tiff()->directories().front().has(tag::kNdpiFormat);
}

bool is_sakura(const OpenContext& context) {
  return context.starts_with(std::string_view("SQLite format 3\0", 16));
}

bool is_philips_isyntax(const OpenContext& context) {
  return context.starts_with("<DataObject ObjectType=\"DPUfsImport\"");
}

bool is_olympus(const OpenContext& context) {
  return context.starts_with(std::string_view("SIS\0", 4)) ||
         (has_extension(context, ".vsi") && TiffFile::looks_like_tiff(context.head()));
}

bool is_trestle(const OpenContext& context) {
  return text_of(context, tag::kSoftware).starts_with("MedScan");
}

bool is_huron(const OpenContext& context) {
  return text_of(context, tag::kMake).starts_with("Huron");
}

bool is_argos(const OpenContext& context) {
  return contains(text_of(context, tag::kArgosXml), "Argos.Scan.Metadata");
}

bool is_leica(const OpenContext& context) {
  return contains(context.description(), "http://www.leica-microsystems.com/scn/");
}

bool is_philips(const OpenContext& context) {
  return text_of(context, tag::kSoftware).starts_with("Philips") && contains(context.description(), "DataObject");
}

bool is_ventana(const OpenContext& context) {
  return contains(text_of(context, tag::kXmp), "iScan");
}

bool is_perkin_elmer(const OpenContext& context) {
  return contains(context.description(), "PerkinElmer-QPI");
}

bool is_ome_planes(const OpenContext& context) {
  const std::string& description = context.description();
  if (!contains(description, "www.openmicroscopy.org/Schemas/OME")) return false;
  return context.tiff()->directories().front().integer(tag::kSamplesPerPixel, 1) < 3;
}

bool is_jpeg_2000(const OpenContext& context) {
  return context.starts_with(std::string_view("\0\0\0\x0CjP  ", 8)) || context.starts_with("\xFF\x4F\xFF\x51");
}

}  // namespace histojet::slide
