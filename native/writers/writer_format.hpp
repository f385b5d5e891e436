#pragma once

#include <memory>
#include <string>
#include <vector>

#include "writers/nucleus_writer.hpp"

namespace histojet::writers {

/// One output format: a writer's file makes it known with one line in the table of nucleus_writer.cpp.
struct WriterFormat {
  std::string name;
  std::vector<std::string> extensions;  ///< lower case, with the dot
  std::unique_ptr<NucleusWriter> (*make)(const WriterOptions& options);
};

std::unique_ptr<NucleusWriter> make_geojson(const WriterOptions& options);
std::unique_ptr<NucleusWriter> make_geojson_gz(const WriterOptions& options);
std::unique_ptr<NucleusWriter> make_hovernet_json(const WriterOptions& options);
std::unique_ptr<NucleusWriter> make_csv(const WriterOptions& options);
std::unique_ptr<NucleusWriter> make_annotation_store(const WriterOptions& options);
std::unique_ptr<NucleusWriter> make_dicom_ann(const WriterOptions& options);

/// Level-0 corner that coordinates are counted from: the slide's bounds, or (0, 0).
struct Corner {
  double x = 0;
  double y = 0;
};
Corner origin_of(const WriterOptions& options, Origin default_origin);

/// The provenance object with the origin and its offset added. @throws Error kInvalidArgument when the caller's text
/// is no JSON object.
std::string provenance_json(const WriterOptions& options, Origin default_origin);

}  // namespace histojet::writers
