#include "slide/ome_zarr_metadata.hpp"

#include <filesystem>

#include "base/error.hpp"
#include "base/json_reader.hpp"
#include "base/text.hpp"
#include "slide/zarr_array.hpp"

namespace histojet::slide {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kJsonDepth = 32;
constexpr std::size_t kMaxAxes = 8;
constexpr std::size_t kMaxDatasets = 64;

/// Reads the parts of the metadata that a slide needs and forgets the rest.
class MetadataReader {
 public:
  MetadataReader(const std::string& text, const std::string& file, OmeZarrImage& image)
      : json_(text, file, 0, kJsonDepth), image_(image) {}

  /// True when the text describes an image; `collection` is set when it describes several.
  bool read(bool& collection) {
    read_group(collection);
    json_.finish();
    return found_;
  }

 private:
  void read_group(bool& collection) {
    std::string key;
    json_.begin_object("the group");
    while (json_.next_member(key)) {
      if (key == "attributes" || key == "ome") {
        // Zarr 3 has the attributes of the group inside its metadata, and OME-NGFF 0.5 its own part inside these.
        read_group(collection);
      } else if (key == "multiscales") {
        read_multiscales();
      } else if (key == "version" && json_.peek() == JsonReader::Kind::kString) {
        image_.version = json_.string("version");
      } else {
        collection = collection || key == "bioformats2raw.layout";
        json_.skip();
      }
    }
  }

  void read_multiscales() {
    json_.begin_array("multiscales");
    while (json_.next_element()) {
      if (found_) {
        json_.skip();
      } else {
        read_image();
        found_ = true;
      }
    }
  }

  void read_image() {
    std::string key;
    std::vector<double> common;
    json_.begin_object("multiscales");
    while (json_.next_member(key)) {
      if (key == "axes") {
        read_axes();
      } else if (key == "datasets") {
        read_datasets();
      } else if (key == "coordinateTransformations") {
        common = read_scale();
      } else if (key == "version" && json_.peek() == JsonReader::Kind::kString) {
        image_.version = json_.string("version");
      } else if (key == "name" && json_.peek() == JsonReader::Kind::kString) {
        image_.name = json_.string("name");
      } else {
        json_.skip();
      }
    }
    for (OmeZarrDataset& dataset : image_.datasets) {
      if (dataset.scale.size() != common.size()) continue;
      for (std::size_t i = 0; i < common.size(); ++i) dataset.scale[i] *= common[i];
    }
  }

  void read_axes() {
    json_.begin_array("axes");
    while (json_.next_element()) {
      if (image_.axes.size() == kMaxAxes) json_.fail("more than 8 axes");
      OmeZarrAxis axis;
      if (json_.peek() == JsonReader::Kind::kString) {
        axis.name = json_.string("an axis");
      } else {
        std::string key;
        json_.begin_object("an axis");
        while (json_.next_member(key)) {
          const bool text = json_.peek() == JsonReader::Kind::kString;
          if (key == "name" && text) {
            axis.name = json_.string("the name of an axis");
          } else if (key == "unit" && text) {
            axis.unit = json_.string("the unit of an axis");
          } else {
            json_.skip();
          }
        }
      }
      image_.axes.push_back(std::move(axis));
    }
  }

  void read_datasets() {
    json_.begin_array("datasets");
    while (json_.next_element()) {
      if (image_.datasets.size() == kMaxDatasets) json_.fail("more than 64 resolutions");
      OmeZarrDataset dataset;
      std::string key;
      json_.begin_object("a dataset");
      while (json_.next_member(key)) {
        if (key == "path") {
          dataset.path = json_.string("the path of a dataset");
        } else if (key == "coordinateTransformations") {
          dataset.scale = read_scale();
        } else {
          json_.skip();
        }
      }
      image_.datasets.push_back(std::move(dataset));
    }
  }

  /// The numbers of the transformation of the type scale; empty without.
  std::vector<double> read_scale() {
    std::vector<double> found;
    json_.begin_array("coordinateTransformations");
    while (json_.next_element()) {
      std::string key;
      json_.begin_object("a transformation");
      while (json_.next_member(key)) {
        if (key != "scale" || json_.peek() != JsonReader::Kind::kArray) {
          json_.skip();
          continue;
        }
        found.clear();
        json_.begin_array("scale");
        while (json_.next_element()) {
          if (found.size() == kMaxAxes) json_.fail("more than 8 axes");
          found.push_back(json_.number("scale"));
        }
      }
    }
    return found;
  }

  JsonReader json_;
  OmeZarrImage& image_;
  bool found_ = false;
};

/// The metadata file of a group, null when there is none.
std::shared_ptr<const ByteSource> group_metadata(const fs::path& folder) {
  std::error_code status;
  for (const char* name : {".zattrs", "zarr.json"}) {
    if (fs::exists(folder / name, status)) return open_file((folder / name).string());
  }
  return nullptr;
}

/// A path inside the folder and nowhere else.
bool is_inner_path(const std::string& path) {
  const fs::path parts(path);
  if (path.empty() || parts.is_absolute() || path.find('\0') != std::string::npos) return false;
  for (const fs::path& part : parts) {
    if (part == "..") return false;
  }
  return true;
}

}  // namespace

OmeZarrImage read_ome_zarr_image(const std::string& folder) {
  OmeZarrImage image;
  image.folder = folder;
  // A collection leads to its image 0, and no further.
  for (int level = 0; level < 2; ++level) {
    const auto file = group_metadata(image.folder);
    if (!file)
      unsupported(folder, "a Zarr folder without an OME image (no .zattrs or zarr.json in " + image.folder + ")");
    image.files.push_back(file);
    const std::string text = read_zarr_text(*file);
    bool collection = false;
    if (MetadataReader(text, file->name(), image).read(collection)) break;
    if (!collection || level > 0) unsupported(folder, "a Zarr folder without an OME image (no 'multiscales')");
    image.folder = (fs::path(folder) / "0").string();
  }
  const std::string& name = image.files.back()->name();
  if (image.axes.empty()) {
    for (const char* axis : {"t", "c", "z", "y", "x"}) image.axes.push_back({axis, ""});
  }
  if (image.datasets.empty()) corrupt(name, "an OME image without resolutions");
  for (const OmeZarrDataset& dataset : image.datasets) {
    if (!is_inner_path(dataset.path)) corrupt(name, "the path " + quote(dataset.path) + " leads out of the slide");
  }
  return image;
}

std::optional<double> micrometres_per_unit(const std::string& unit) {
  struct Known {
    const char* name;
    double micrometres;
  };
  constexpr Known kKnown[] = {
      {"micrometer", 1},   {"micrometre", 1}, {"micron", 1},      {"um", 1},           {"\xC2\xB5m", 1},
      {"nanometer", 1e-3}, {"nm", 1e-3},      {"angstrom", 1e-4}, {"millimeter", 1e3}, {"mm", 1e3},
      {"centimeter", 1e4}, {"meter", 1e6},    {"inch", 25400},
  };
  for (const Known& known : kKnown) {
    if (unit == known.name) return known.micrometres;
  }
  return std::nullopt;
}

}  // namespace histojet::slide
