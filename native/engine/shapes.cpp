#include "engine/shapes.hpp"

#include "base/error.hpp"

namespace histojet::engine {
namespace {

Extent result_extent(const ProgramNode& node, Extent from, const std::vector<Extent>& extents) {
  switch (node.kind) {
    case OpKind::kConv2d: {
      const std::int64_t change = 2 * node.padding - (node.kernel - 1);
      return {from.height + change, from.width + change};
    }
    case OpKind::kConvTranspose2x2:
    case OpKind::kResizeBilinear2x:
      return {2 * from.height, 2 * from.width};
    case OpKind::kMaxPool2x2:
      return {from.height / 2, from.width / 2};
    case OpKind::kCropTo:
      return extents[static_cast<std::size_t>(node.like)];
    default:
      return from;
  }
}

std::string text(Extent extent) {
  return std::to_string(extent.width) + " x " + std::to_string(extent.height);
}

void check_conv_inputs(const ProgramNode& node, const std::vector<Extent>& extents) {
  for (const int input : node.inputs) {
    const Extent extent = extents[static_cast<std::size_t>(input)];
    const Extent first = extents[static_cast<std::size_t>(node.inputs[0])];
    if (extent == first) continue;
    throw Error(ErrorCode::kShapeMismatch,
                "engine: " + node.name + " reads maps of " + text(first) + " and " + text(extent) + " pixels");
  }
}

}  // namespace

std::vector<Extent> infer_extents(const Program& program, Extent image) {
  std::vector<Extent> extents;
  for (const ProgramNode& node : program.nodes()) {
    Extent extent = image;
    if (!node.inputs.empty()) {
      const Extent from = extents[static_cast<std::size_t>(node.inputs[0])];
      check_conv_inputs(node, extents);
      extent = result_extent(node, from, extents);
      if (node.kind == OpKind::kCropTo && (extent.height > from.height || extent.width > from.width)) {
        throw Error(ErrorCode::kInvalidArgument, "engine: a tile of " + text(image) + " pixels is too small: " +
                                                     node.name + " would crop " + text(from) + " to " + text(extent));
      }
    }
    if (extent.height < 1 || extent.width < 1) {
      throw Error(ErrorCode::kInvalidArgument,
                  "engine: a tile of " + text(image) + " pixels is too small: " + node.name + " would have no pixels");
    }
    extents.push_back(extent);
  }
  return extents;
}

RowRange input_rows(const ProgramNode& node, std::int64_t y, Extent from, Extent to) {
  switch (node.kind) {
    case OpKind::kConv2d:
      return {y - node.padding, y - node.padding + node.kernel - 1};
    case OpKind::kConvTranspose2x2:
      return {y / 2, y / 2};
    case OpKind::kMaxPool2x2:
      return {2 * y, 2 * y + 1};
    case OpKind::kResizeBilinear2x:
      return y % 2 == 0 ? RowRange{y / 2 - 1, y / 2} : RowRange{y / 2, y / 2 + 1};
    case OpKind::kCropTo: {
      const std::int64_t offset = (from.height - to.height) / 2;
      return {y + offset, y + offset};
    }
    default:
      return {y, y};
  }
}

std::int64_t flops(const Program& program, int id, Extent result) {
  const ProgramNode& node = program.node(id);
  if (node.kind != OpKind::kConv2d && node.kind != OpKind::kConvTranspose2x2) return 0;
  std::int64_t k = 0;
  for (const int input : node.inputs) k += program.node(input).channels;
  if (node.kind == OpKind::kConv2d) k *= node.kernel * node.kernel;
  return 2 * k * node.channels * result.height * result.width;
}

}  // namespace histojet::engine
