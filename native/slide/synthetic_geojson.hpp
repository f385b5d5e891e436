#pragma once

#include <cstdint>
#include <string>

#include "base/cancel.hpp"
#include "slide/synthetic_scene.hpp"

namespace histojet::slide {

/// Writes the rings of all nuclei as a GeoJSON FeatureCollection, one Feature a line, in bounded memory; a path that
/// ends in .gz gets gzip members one after another. An empty path only counts. Returns the number of nuclei.
/// @throws Error kIo; Cancelled. The unfinished file is deleted.
std::int64_t write_synthetic_truth(const std::string& path, const PaintedScene& scene, const CancelToken& cancel);

}  // namespace histojet::slide
