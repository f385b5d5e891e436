#include "nuclei/contour.hpp"

#include <vector>

namespace histojet::nuclei {
namespace {

/// Freeman codes: east, then counter-clockwise as one sees it on the screen.
constexpr Point kSteps[8] = {{1, 0}, {1, -1}, {0, -1}, {-1, -1}, {-1, 0}, {-1, 1}, {0, 1}, {1, 1}};

Point moved(Point from, int code) {
  return {from.x + kSteps[code].x, from.y + kSteps[code].y};
}

/// First pixels of the 8-connected parts that no other part encloses.
std::vector<Point> outermost_starts(std::span<const Run> runs) {
  std::vector<Run> parts(runs.begin(), runs.end());
  const std::int32_t count = label_runs(parts, 1);
  std::vector<Point> starts;
  for (const Run& part : parts) {
    if (part.label > static_cast<std::int32_t>(starts.size())) starts.push_back({part.start, part.row});
  }
  if (count == 1) return starts;
  // With a frame of background around the box, the outside is the background's first component.
  const Box box = bounding_box(runs);
  BitMask background(box.y1 - box.y0 + 2, box.x1 - box.x0 + 2);
  for (const Run& run : runs) {
    background.set_run(run.row - box.y0 + 1, run.start - box.x0 + 1, run.end - box.x0 + 1);
  }
  background.invert();
  BitMask outside(background.height(), background.width());
  for (const Run& run : label4(background).runs) {
    if (run.label == 1) outside.set_run(run.row, run.start, run.end);
  }
  std::erase_if(starts, [&](Point start) { return !outside.get(start.y - box.y0 + 1, start.x - box.x0); });
  return starts;
}

}  // namespace

Ring reference_contour(Span2d<const std::int32_t> labels, std::int32_t label, std::span<const Run> runs) {
  const auto inside = [&](Point p) {
    return p.x >= 0 && p.y >= 0 && p.x < labels.cols && p.y < labels.rows && labels(p.y, p.x) == label;
  };
  const Point start = outermost_starts(runs).back();
  int code = 3;  // the search begins clockwise of west, where the first pixel of a part has no neighbour
  while (code != 4 && !inside(moved(start, code))) code = (code + 7) % 8;
  if (code == 4) return {start};

  const Point second = moved(start, code);
  Ring ring;
  Point here = start;
  int previous_code = code ^ 4;
  while (true) {
    do code = (code + 1) % 8;
    while (!inside(moved(here, code)));
    if (code != previous_code) ring.push_back(here);
    previous_code = code;
    const Point next = moved(here, code);
    if (next == start && here == second) return ring;
    here = next;
    code = (code + 4) % 8;
  }
}

}  // namespace histojet::nuclei
