#include <cstdio>

#include "engine/plan.hpp"

namespace histojet::engine {
namespace {

std::string mebibytes(std::int64_t floats) {
  char text[32];
  std::snprintf(text, sizeof text, "%.2f MiB", static_cast<double>(floats) * sizeof(float) / (1 << 20));
  return text;
}

std::string place_text(const Placement& placement) {
  switch (placement.kind) {
    case Placement::Kind::kRing:
      return "ring of " + std::to_string(placement.rows) + " rows, " + mebibytes(placement.rows * placement.row_floats);
    case Placement::Kind::kBuffer:
      return "buffer at " + mebibytes(placement.offset) + ", " + mebibytes(placement.rows * placement.row_floats);
    case Placement::Kind::kNone:
      break;
  }
  return "to the caller";
}

std::string operation_text(const ProgramNode& node) {
  std::string text(op_name(node.kind));
  if (node.kind == OpKind::kConv2d) {
    text += " " + std::to_string(node.kernel) + "x" + std::to_string(node.kernel);
    if (node.inputs.size() > 1) text += " of " + std::to_string(node.inputs.size()) + " inputs";
    if (node.relu) text += " + relu";
  }
  return text;
}

std::string step_text(const Plan& plan, int id) {
  const ProgramNode& node = plan.program().node(id);
  const Extent extent = plan.extent(id);
  std::string text = "  #" + std::to_string(id) + " " + node.name + ": " + operation_text(node) + " (";
  const auto& inputs = plan.topology().inputs[static_cast<std::size_t>(id)];
  for (std::size_t i = 0; i < inputs.size(); ++i) text += (i == 0 ? "#" : ", #") + std::to_string(inputs[i]);
  text += ") -> [" + std::to_string(extent.height) + ", " + std::to_string(extent.width) + ", " +
          std::to_string(node.channels) + "], " + place_text(plan.placement(id));
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
                     std::string(isa_name(program_->isa())) + ": arena " + mebibytes(arena_floats_) + ", scratch " +
                     mebibytes(scratch_floats_) + " per thread, weights " +
                     mebibytes(program_->weight_bytes() / static_cast<std::int64_t>(sizeof(float)));
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
