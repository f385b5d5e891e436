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

// format_ome_tiff.cpp: OME-TIFF with RGB or grey pixels.
bool is_ome_tiff(const OpenContext& context);
std::shared_ptr<const Slide> open_ome_tiff(const OpenContext& context);

// format_ndpi.cpp: Hamamatsu NDPI.
bool is_ndpi(const OpenContext& context);
std::shared_ptr<const Slide> open_ndpi(const OpenContext& context);

// format_philips.cpp: Philips TIFF.
bool is_philips(const OpenContext& context);
std::shared_ptr<const Slide> open_philips(const OpenContext& context);

// format_leica.cpp: Leica SCN.
bool is_leica(const OpenContext& context);
std::shared_ptr<const Slide> open_leica(const OpenContext& context);

// format_trestle.cpp: Trestle.
bool is_trestle(const OpenContext& context);
std::shared_ptr<const Slide> open_trestle(const OpenContext& context);

// format_ventana.cpp: Ventana BIF and TIFF.
bool is_ventana(const OpenContext& context);
std::shared_ptr<const Slide> open_ventana(const OpenContext& context);

// format_huron.cpp: Huron TIFF.
bool is_huron(const OpenContext& context);
std::shared_ptr<const Slide> open_huron(const OpenContext& context);

// format_argos.cpp: ARGOS AVS.
bool is_argos(const OpenContext& context);
std::shared_ptr<const Slide> open_argos(const OpenContext& context);

// format_plain_image.cpp: PNG and JPEG pictures as slides of one level.
bool is_png(const OpenContext& context);
std::shared_ptr<const Slide> open_png(const OpenContext& context);
bool is_jpeg(const OpenContext& context);
std::shared_ptr<const Slide> open_jpeg(const OpenContext& context);

// format_dicom.cpp: whole-slide images of DICOM, with the other files of the series in the same folder.
bool is_dicom(const OpenContext& context);
std::shared_ptr<const Slide> open_dicom(const OpenContext& context);
/// Null when the folder holds no whole-slide images. @throws Error kInvalidArgument for several slides.
std::shared_ptr<const Slide> open_dicom_folder(const std::string& path, const OpenOptions& options);

// format_sakura.cpp: Sakura .svslide, an SQLite database.
bool is_sakura(const OpenContext& context);
std::shared_ptr<const Slide> open_sakura(const OpenContext& context);

// format_ome_zarr.cpp: OME-Zarr images, which are folders.
bool is_ome_zarr_folder(const std::string& path);
std::shared_ptr<const Slide> open_ome_zarr_folder(const std::string& path, const OpenOptions& options);

// recognised_formats.cpp: formats that are known by their marks, but cannot be read.
bool is_mirax(const OpenContext& context);
bool is_zeiss(const OpenContext& context);
bool is_vms(const OpenContext& context);
bool is_philips_isyntax(const OpenContext& context);
bool is_perkin_elmer(const OpenContext& context);
bool is_olympus(const OpenContext& context);
bool is_jpeg_2000(const OpenContext& context);

}  // namespace histojet::slide
