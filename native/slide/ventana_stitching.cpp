#include "slide/ventana_stitching.hpp"

#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "base/error.hpp"
#include "base/text.hpp"
#include "slide/xml.hpp"

namespace histojet::slide {
namespace {

constexpr double kMaxPlace = 1e9;
constexpr std::size_t kMaxAreas = 256;

Error damaged(const std::string& reason) {
  return Error(ErrorCode::kCorruptFile, "Ventana XML: " + reason);
}

/// A number of an attribute that has to be there.
double number_of(const pugi::xml_node& node, const char* name) {
  const auto number = number_attribute(node, name);
  if (!number || std::abs(*number) > kMaxPlace) {
    throw damaged("expected a number in attribute " + std::string(name) + " of " + node.name() + ", got " +
                  quote(node.attribute(name).value()));
  }
  return *number;
}

std::int64_t whole_of(const pugi::xml_node& node, const char* name) {
  const double number = number_of(node, name);
  if (number != std::floor(number)) throw damaged("attribute " + std::string(name) + " is no whole number");
  return static_cast<std::int64_t>(number);
}

std::vector<pugi::xml_node> children(const pugi::xml_node& node, std::string_view name) {
  std::vector<pugi::xml_node> found;
  for (const pugi::xml_node& item : node.children()) {
    if (item.type() == pugi::node_element && (name.empty() || local_name(item) == name)) found.push_back(item);
  }
  return found;
}

/// Weighted mean of the overlaps along one axis.
struct Overlaps {
  double sum = 0;
  double weight = 0;

  void add(double overlap, double confidence) {
    sum += overlap * confidence;
    weight += confidence;
  }
  /// Without any confident joint, tiles are taken to lie side by side.
  double mean() const { return weight > 0 ? sum / weight : 0; }
};

/// Steps from one tile to another.
struct Offset {
  std::int64_t columns;
  std::int64_t rows;
};

class StitchingReader {
 public:
  StitchingReader(const pugi::xml_node& root, const TiffLevel& level) : root_(root), level_(level) {}

  VentanaStitching read() {
    const auto infos = children(child(root_, "SlideStitchInfo"), "ImageInfo");
    const auto origins = children(child(root_, "AoiOrigin"), "");
    if (infos.empty() || infos.size() != origins.size() || infos.size() > kMaxAreas) {
      throw damaged("expected 1 to 256 areas with an origin each, got " + std::to_string(infos.size()) + " areas and " +
                    std::to_string(origins.size()) + " origins");
    }
    VentanaStitching stitching;
    for (std::size_t i = 0; i < infos.size(); ++i) {
      if (whole_of(infos[i], "AOIScanned") == 0) continue;
      stitching.areas.push_back(read_area(infos[i], origins[i]));
      read_joints(infos[i], stitching.areas.back());
    }
    if (stitching.areas.empty()) throw damaged("no area was scanned");
    stitching.step_x = static_cast<double>(level_.tile_width()) - across_.mean();
    stitching.step_y = static_cast<double>(level_.tile_height()) - down_.mean();
    turn_upside_down(stitching);
    // Later areas cover earlier ones; the lower right tile has to be the last.
    std::ranges::stable_sort(stitching.areas, [](const VentanaArea& a, const VentanaArea& b) {
      return a.first_row != b.first_row ? a.first_row < b.first_row : a.first_column < b.first_column;
    });
    return stitching;
  }

 private:
  VentanaArea read_area(const pugi::xml_node& info, const pugi::xml_node& origin) const {
    const std::int64_t width = whole_of(info, "Width");
    const std::int64_t height = whole_of(info, "Height");
    if (width != level_.tile_width() || height != level_.tile_height()) {
      throw damaged("tiles of " + std::to_string(width) + " x " + std::to_string(height) + " pixels, the level has " +
                    std::to_string(level_.tile_width()) + " x " + std::to_string(level_.tile_height()));
    }
    const std::int64_t x = whole_of(origin, "OriginX");
    const std::int64_t y = whole_of(origin, "OriginY");
    if (x < 0 || y < 0 || x % width != 0 || y % height != 0) {
      throw damaged("an area begins at " + std::to_string(x) + ", " + std::to_string(y) + ", which is no tile");
    }
    VentanaArea area{.first_column = x / width, .first_row = y / height};
    area.columns = whole_of(info, "NumCols");
    area.rows = whole_of(info, "NumRows");
    if (area.columns < 1 || area.rows < 1 || area.columns > level_.tiles_across() - area.first_column ||
        area.rows > level_.tiles_down() - area.first_row) {
      throw damaged("an area of " + std::to_string(area.columns) + " x " + std::to_string(area.rows) +
                    " tiles in a level of " + std::to_string(level_.tiles_across()) + " x " +
                    std::to_string(level_.tiles_down()));
    }
    area.x = std::trunc(number_of(info, "Pos-X"));
    area.y = std::trunc(number_of(info, "Pos-Y"));
    return area;
  }

  void read_joints(const pugi::xml_node& info, const VentanaArea& area) {
    for (const pugi::xml_node& joint : children(info, "TileJointInfo")) {
      const std::string_view direction = joint.attribute("Direction").value();
      const bool reversed = direction == "LEFT" || direction == "DOWN";
      const bool horizontal = direction == "RIGHT" || direction == "LEFT";
      if (!horizontal && direction != "UP" && direction != "DOWN") {
        throw damaged("direction " + quote(direction) + ", expected RIGHT, LEFT, UP or DOWN");
      }
      const std::int64_t first = tile_number(joint, "Tile1", area);
      const std::int64_t second = tile_number(joint, "Tile2", area);
      const auto neighbours = [&](const Offset& step) {
        return horizontal ? step.rows == 0 && (step.columns == 1 || (reversed && step.columns == -1))
                          : step.columns == 0 && (step.rows == -1 || (reversed && step.rows == 1));
      };
      const bool plain = reversed && neighbours(plain_offset(first, second, area));
      if (!plain && !neighbours(snake_offset(first, second, area))) {
        throw damaged("tiles " + std::to_string(first + 1) + " and " + std::to_string(second + 1) +
                      " are no neighbours towards " + std::string(direction));
      }
      const double confidence = number_of(joint, "Confidence");
      if (confidence < 0) throw damaged("a negative confidence");
      // Both are there, also the one across the joint, which only tells how crooked the stage moved.
      const double overlap_x = number_of(joint, "OverlapX");
      const double overlap_y = number_of(joint, "OverlapY");
      (horizontal ? across_ : down_).add(horizontal ? overlap_x : overlap_y, confidence);
    }
  }

  /// From 0.
  static std::int64_t tile_number(const pugi::xml_node& joint, const char* name, const VentanaArea& area) {
    const std::int64_t number = whole_of(joint, name);
    if (number < 1 || number > area.columns * area.rows) {
      throw damaged("tile " + std::to_string(number) + " of " + std::to_string(area.columns * area.rows));
    }
    return number - 1;
  }

  /// Tiles are numbered from the bottom row up, every second row from right to left.
  static Offset snake_offset(std::int64_t first, std::int64_t second, const VentanaArea& area) {
    const auto column = [&](std::int64_t number) {
      const std::int64_t along = number % area.columns;
      return number / area.columns % 2 == 0 ? along : area.columns - 1 - along;
    };
    return {column(second) - column(first), first / area.columns - second / area.columns};
  }

  static Offset plain_offset(std::int64_t first, std::int64_t second, const VentanaArea& area) {
    return {second % area.columns - first % area.columns, second / area.columns - first / area.columns};
  }

  /// The file counts y from a line below all areas up to the lower border of an area.
  void turn_upside_down(VentanaStitching& stitching) const {
    const auto height = [&](const VentanaArea& area) {
      return std::trunc(static_cast<double>(area.rows - 1) * stitching.step_y +
                        static_cast<double>(level_.tile_height()));
    };
    double top = 0;
    for (const VentanaArea& area : stitching.areas) top = std::max(top, area.y + height(area));
    for (VentanaArea& area : stitching.areas) area.y = top - area.y - height(area);
  }

  pugi::xml_node root_;
  const TiffLevel& level_;
  Overlaps across_;
  Overlaps down_;
};

}  // namespace

TilePlan VentanaStitching::plan(double downsample, std::int64_t parts, std::int64_t tile_width,
                                std::int64_t tile_height) const {
  TilePlan plan;
  plan.parts = parts;
  plan.step_x = step_x / downsample;
  plan.step_y = step_y / downsample;
  double right = 0;
  double bottom = 0;
  for (const VentanaArea& area : areas) {
    plan.blocks.push_back(
        {area.first_column, area.first_row, area.columns, area.rows, area.x / downsample, area.y / downsample});
    right =
        std::max(right, (area.x + static_cast<double>(area.columns - 1) * step_x + static_cast<double>(tile_width)));
    bottom =
        std::max(bottom, (area.y + static_cast<double>(area.rows - 1) * step_y + static_cast<double>(tile_height)));
  }
  plan.width = static_cast<std::int64_t>(std::ceil(right / downsample));
  plan.height = static_cast<std::int64_t>(std::ceil(bottom / downsample));
  return plan;
}

VentanaStitching read_ventana_stitching(const std::string& xml, const TiffLevel& level) {
  const auto document = parse_xml(xml);
  if (!document || local_name(document->document_element()) != "EncodeInfo") {
    throw damaged("expected an EncodeInfo element in level 0");
  }
  return StitchingReader(document->document_element(), level).read();
}

}  // namespace histojet::slide
