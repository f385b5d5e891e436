#include "slide/ome_description.hpp"

#include <pugixml.hpp>
#include <sstream>

#include "slide/text.hpp"

namespace histojet::slide {

namespace {

/// Bytes beyond ASCII as character references; they stand only in attribute values here.
std::string ascii_only(const std::string& utf8) {
  std::string out;
  for (std::size_t i = 0; i < utf8.size();) {
    const auto lead = static_cast<unsigned char>(utf8[i]);
    const std::size_t length = lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
    if (length == 1) {
      out += utf8[i++];
      continue;
    }
    unsigned code = lead & (0xff >> (length + 1));
    for (std::size_t k = 1; k < length; ++k) code = code << 6 | (static_cast<unsigned char>(utf8[i + k]) & 0x3f);
    out += "&#" + std::to_string(code) + ";";
    i += length;
  }
  return out;
}

void describe_pixels(pugi::xml_node pixels, const PyramidOptions& options) {
  pixels.append_attribute("ID") = "Pixels:0";
  pixels.append_attribute("DimensionOrder") = "XYCZT";
  pixels.append_attribute("Type") = "uint8";
  pixels.append_attribute("SizeX") = static_cast<long long>(options.width);
  pixels.append_attribute("SizeY") = static_cast<long long>(options.height);
  pixels.append_attribute("SizeZ") = 1;
  pixels.append_attribute("SizeC") = options.channels;
  pixels.append_attribute("SizeT") = 1;
  pixels.append_attribute("Interleaved") = true;
  pixels.append_attribute("BigEndian") = false;
  if (options.mpp > 0) {  // micrometres are the default unit
    pixels.append_attribute("PhysicalSizeX") = format_number(options.mpp).c_str();
    pixels.append_attribute("PhysicalSizeY") = format_number(options.mpp_down()).c_str();
  }
  auto channel = pixels.append_child("Channel");
  channel.append_attribute("ID") = "Channel:0:0";
  channel.append_attribute("SamplesPerPixel") = options.channels;
  auto data = pixels.append_child("TiffData");
  data.append_attribute("IFD") = 0;
  data.append_attribute("PlaneCount") = 1;
}

}  // namespace

std::string ome_description(const PyramidOptions& options) {
  constexpr const char* kNamespace = "http://www.openmicroscopy.org/Schemas/OME/2016-06";
  pugi::xml_document document;
  auto declaration = document.append_child(pugi::node_declaration);
  declaration.append_attribute("version") = "1.0";
  declaration.append_attribute("encoding") = "UTF-8";
  auto ome = document.append_child("OME");
  ome.append_attribute("xmlns") = kNamespace;
  ome.append_attribute("xmlns:xsi") = "http://www.w3.org/2001/XMLSchema-instance";
  ome.append_attribute("xsi:schemaLocation") = (std::string(kNamespace) + " " + kNamespace + "/ome.xsd").c_str();
  if (!options.software.empty()) ome.append_attribute("Creator") = to_utf8(options.software).c_str();
  auto image = ome.append_child("Image");
  image.append_attribute("ID") = "Image:0";
  if (!options.description.empty()) image.append_attribute("Name") = to_utf8(options.description).c_str();
  describe_pixels(image.append_child("Pixels"), options);
  std::ostringstream text;
  document.save(text, "", pugi::format_raw);
  return ascii_only(text.str());
}

}  // namespace histojet::slide
