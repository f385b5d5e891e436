#pragma once

#include <memory>

#include "slide/registry.hpp"

namespace histojet::slide {

// format_aperio.cpp: Aperio SVS.
bool is_aperio(const OpenContext& context);
std::shared_ptr<const Slide> open_aperio(const OpenContext& context);

// format_generic_tiff.cpp: tiled pyramids, also in sub-directories, and stripped TIFF as one level.
bool is_tiff(const OpenContext& context);
std::shared_ptr<const Slide> open_generic_tiff(const OpenContext& context);

// format_plain_image.cpp: PNG and JPEG pictures as slides of one level.
bool is_png(const OpenContext& context);
std::shared_ptr<const Slide> open_png(const OpenContext& context);
bool is_jpeg(const OpenContext& context);
std::shared_ptr<const Slide> open_jpeg(const OpenContext& context);

// recognised_formats.cpp: formats that are known by their marks, but cannot be read.
bool is_mirax(const OpenContext& context);
bool is_zeiss(const OpenContext& context);
bool is_dicom(const OpenContext& context);
bool is_vms(const OpenContext& context);
bool is_ndpi(const OpenContext& context);
bool is_sakura(const OpenContext& context);
bool is_trestle(const OpenContext& context);
bool is_huron(const OpenContext& context);
bool is_argos(const OpenContext& context);
bool is_leica(const OpenContext& context);
bool is_philips(const OpenContext& context);
bool is_philips_isyntax(const OpenContext& context);
bool is_ventana(const OpenContext& context);
bool is_perkin_elmer(const OpenContext& context);
bool is_olympus(const OpenContext& context);
/// OME-TIFF whose channels are separate planes; interleaved RGB reads as generic TIFF.
bool is_ome_planes(const OpenContext& context);
bool is_jpeg_2000(const OpenContext& context);

}  // namespace histojet::slide
