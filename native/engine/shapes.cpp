#include "engine/shapes.hpp"

#include "base/error.hpp"

namespace histojet::engine {
namespace {

Extent convolved_extent(const ProgramNode& node, std::size_t input, Extent from) {
  const std::int64_t change = node.geometry.pad_before + node.geometry.pad_after - node.kernel;
  if (from.height + change < 0 || from.width + change < 0) return {0, 0};
  const std::int64_t stride = node.stride(input);
  return {(from.height + change) / stride + 1, (from.width + change) / stride + 1};
}

Extent result_extent(const ProgramNode& node, Extent from, const std::vector<Extent>& extents) {
  switch (node.kind) {
    case OpKind::kConv2d: {
      return convolved_extent(node, 0, from);
    }
    case OpKind::kPointwise:
      return node.enlarge ? Extent{2 * from.height, 2 * from.width} : from;
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

/// Several inputs lie side by side or are added: they must cover the same pixels.
void check_inputs(const ProgramNode& node, const std::vector<Extent>& extents, Extent image) {
  const auto covered = [&](std::size_t index) {
    const Extent extent = extents[static_cast<std::size_t>(node.inputs[index])];
    if (node.kind == OpKind::kConv2d) return convolved_extent(node, index, extent);
    return index == 0 && node.enlarge ? Extent{2 * extent.height, 2 * extent.width} : extent;
  };
  for (std::size_t i = 1; i < node.convolved_inputs(); ++i) {
    if (covered(i) == covered(0)) continue;
    throw Error(ErrorCode::kInvalidArgument,
                "engine: a tile of " + text(image) + " pixels does not fit the network: " + node.name +
                    " would join maps of " + text(covered(0)) + " and " + text(covered(i)) + " pixels");
  }
}

void check_addend(const ProgramNode& node, Extent addend, Extent result, Extent image) {
  if (addend == result) return;
  throw Error(ErrorCode::kInvalidArgument,
              "engine: a tile of " + text(image) + " pixels does not fit the network: " + node.name +
                  " would add maps of " + text(addend) + " and " + text(result) + " pixels");
}

}  // namespace

std::vector<Extent> infer_extents(const Program& program, Extent image) {
  std::vector<Extent> extents;
  for (const ProgramNode& node : program.nodes()) {
    Extent extent = image;
    if (!node.inputs.empty()) {
      const Extent from = extents[static_cast<std::size_t>(node.inputs[0])];
      check_inputs(node, extents, image);
      extent = result_extent(node, from, extents);
      if (node.add_last) check_addend(node, extents[static_cast<std::size_t>(node.inputs.back())], extent, image);
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

RowRange input_rows(const ProgramNode& node, std::size_t index, std::int64_t y, Extent from, Extent to) {
  switch (node.kind) {
    case OpKind::kConv2d: {
      if (index >= node.convolved_inputs()) return {y, y};
      const std::int64_t first = y * node.stride(index) - node.geometry.pad_before;
      return {first, first + node.kernel - 1};
    }
    case OpKind::kConvTranspose2x2:
      return {y / 2, y / 2};
    case OpKind::kPointwise:
      return index == 0 && node.enlarge ? RowRange{y / 2, y / 2} : RowRange{y, y};
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
  for (std::size_t i = 0; i < node.convolved_inputs(); ++i) k += program.node(node.inputs[i]).channels;
  if (node.kind == OpKind::kConv2d) k = k / node.geometry.groups * node.kernel * node.kernel;
  return 2 * k * node.channels * result.height * result.width;
}

}  // namespace histojet::engine
