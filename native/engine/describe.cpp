#include <cstdio>

#include "engine/plan.hpp"

namespace histojet::engine {
namespace {

std::string mebibytes(std::int64_t bytes) {
  char text[32];
  std::snprintf(text, sizeof text, "%.2f MiB", static_cast<double>(bytes) / (1 << 20));
  return text;
}

std::string place_text(const Placement& placement) {
  switch (placement.kind) {
    case Placement::Kind::kRing:
      return "ring of " + std::to_string(placement.rows) + " rows, " + mebibytes(placement.rows * placement.row_bytes);
    case Placement::Kind::kBuffer:
      return "buffer at " + mebibytes(placement.offset) + ", " + mebibytes(placement.rows * placement.row_bytes);
    case Placement::Kind::kNone:
      break;
  }
  return "to the caller";
}

std::string operation_text(const ProgramNode& node) {
  std::string text(op_name(node.kind));
  if (node.kind == OpKind::kConv2d) {
    text += " " + std::to_string(node.kernel) + "x" + std::to_string(node.kernel);
    if (node.geometry.stride > 1) text += " stride " + std::to_string(node.geometry.stride);
    if (node.shortcut_stride > 1) text += " shortcut stride " + std::to_string(node.shortcut_stride);
    if (node.geometry.groups > 1) text += " in " + std::to_string(node.geometry.groups) + " groups";
    if (node.convolved_inputs() > 1) text += " of " + std::to_string(node.convolved_inputs()) + " inputs";
    if (node.add_last) text += " + sum";
  }
  if (node.is_conv() && node.form.pixels > 1) text += ", pixel pairs";
  if (node.enlarge) text += " x2";
  if (node.kind == OpKind::kPointwise && node.inputs.size() > 1) text += " + sum";
  if (node.scale) text += " + batch norm";
  if (node.relu || (node.scale && node.kind == OpKind::kConv2d)) text += " + relu";
  if (node.made_with >= 0) text += ", with #" + std::to_string(node.made_with);
  return text;
}

std::string_view storage_text(const ProgramNode& node) {
  switch (node.storage) {
    case kernels::Storage::kFloat32:
      return "float32";
    case kernels::Storage::kBfloat16:
      return "bfloat16";
    case kernels::Storage::kSplit:
      return "split bfloat16";
  }
  return "";
}

std::string step_text(const Plan& plan, int id) {
  const ProgramNode& node = plan.program().node(id);
  const Extent extent = plan.extent(id);
  std::string text = "  #" + std::to_string(id) + " " + node.name + ": " + operation_text(node) + " (";
  const auto& inputs = plan.topology().inputs[static_cast<std::size_t>(id)];
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    text += (i == 0 ? "#" : ", #") + std::to_string(inputs[i].id);
    if (inputs[i].dy != 0 || inputs[i].dx != 0) {
      text += "[" + std::to_string(inputs[i].dy) + ":, " + std::to_string(inputs[i].dx) + ":]";
    }
  }
  text += ") -> [" + std::to_string(extent.height) + ", " + std::to_string(extent.width) + ", " +
          std::to_string(node.channels) + "] " + std::string(storage_text(node)) + ", " +
          place_text(plan.placement(id));
  if (node.weight_bytes() > 0) {
    char numbers[96];
    std::snprintf(numbers, sizeof numbers, ", weights %.1f KiB, %.3f GFLOP",
                  static_cast<double>(node.weight_bytes()) / 1024,
                  static_cast<double>(flops(plan.program(), id, extent)) / 1e9);
    text += numbers;
  }
  return text + "\n";
}

}  // namespace

std::string Plan::describe() const {
  std::string text = "plan for [" + std::to_string(image_.height) + ", " + std::to_string(image_.width) + ", 3], isa " +
                     std::string(isa_name(program_->isa())) + ": arena " + mebibytes(arena_bytes_) + ", scratch " +
                     mebibytes(scratch_bytes_) + " per thread, weights " + mebibytes(program_->weight_bytes());
  char numbers[48];
  std::snprintf(numbers, sizeof numbers, ", %.3f GFLOP\n", static_cast<double>(flops()) / 1e9);
  text += numbers;
  for (std::size_t c = 0; c < chains_.size(); ++c) {
    text += "chain " + std::to_string(c) + ": " + std::to_string(chains_[c].coarse_rows) + " coarse rows, " +
            std::to_string(chains_[c].unit) + " per turn\n";
    for (const int id : chains_[c].members) text += step_text(*this, id);
  }
  return text;
}

}  // namespace histojet::engine
