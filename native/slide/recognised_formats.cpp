// Formats that are known by their marks. What these files share with plain TIFF would read, but wrongly (focal planes,
// overlaps, several areas on one slide), so they must not reach the generic reader.

#include <filesystem>

#include "slide/formats.hpp"

namespace histojet::slide {
namespace {

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

bool is_vms(const OpenContext& context) {
  return context.starts_with("[Virtual Microscope Specimen]") ||
         context.starts_with("[Uncompressed Virtual Microscope Specimen]");
}

bool is_philips_isyntax(const OpenContext& context) {
  return context.starts_with("<DataObject ObjectType=\"DPUfsImport\"");
}

bool is_olympus(const OpenContext& context) {
  return context.starts_with(std::string_view("SIS\0", 4)) ||
         (has_extension(context, ".vsi") && TiffFile::looks_like_tiff(context.head()));
}

bool is_perkin_elmer(const OpenContext& context) {
  return contains(context.description(), "PerkinElmer-QPI");
}

bool is_jpeg_2000(const OpenContext& context) {
  return context.starts_with(std::string_view("\0\0\0\x0CjP  ", 8)) || context.starts_with("\xFF\x4F\xFF\x51");
}

}  // namespace histojet::slide
