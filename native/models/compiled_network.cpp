#include "models/compiled_network.hpp"

#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "base/error.hpp"
#include "models/tile_sides.hpp"

namespace histojet::models {
namespace {

constexpr std::size_t kKeptPlans = 8;

class EngineSession final : public NucleiNetwork::Session {
 public:
  explicit EngineSession(std::shared_ptr<const engine::Plan> plan) : session(std::move(plan)) {}
  std::int64_t memory_bytes() const override { return session.memory_bytes(); }
  void set_chain_hook(engine::ChainHook hook) override { session.set_chain_hook(std::move(hook)); }

  engine::Session session;
  std::vector<float> classes;  ///< numbers as the engine hands them out
};

/// @throws Error kInvalidArgument with the sides nearest to the wrong one.
void check_side(const NetworkInfo& info, std::int64_t side) {
  if (is_allowed_side(info, side)) return;
  const std::int64_t rest = (side - info.side_offset_px) % info.side_multiple;
  const std::int64_t below = std::max(side - rest, info.min_side_px);
  const std::int64_t above = std::max(side - rest + info.side_multiple, info.min_side_px);
  throw Error(
      ErrorCode::kInvalidArgument,
      info.architecture + ": a tile cannot have a side of " + std::to_string(side) + " px; sides are " +
          allowed_sides(info) +
          (below < above ? ", the nearest are " + std::to_string(below) + " and " + std::to_string(above) : "") +
          "; the usual side is " + std::to_string(info.default_tile_px));
}

}  // namespace

double mpp_of(const std::map<std::string, std::string>& metadata, double fallback) {
  const auto found = metadata.find("mpp");
  if (found == metadata.end()) return fallback;
  char* end = nullptr;
  const double value = std::strtod(found->second.c_str(), &end);
  if (end != found->second.c_str() && std::isfinite(value) && value > 0.0) return value;
  throw Error(ErrorCode::kInvalidArgument,
              "network: mpp is \"" + found->second + "\", expected a positive number of micrometres per pixel");
}

CompiledNetwork::CompiledNetwork(engine::Graph graph, NetworkInfo info, const LoadOptions& options)
    : info_(std::move(info)) {
  info_.parameters = graph.parameter_count();
  program_ = engine::Program::compile(std::move(graph), {.precision = options.precision});
  info_.isa = isa_name(program_->isa());
  info_.precision = precision_name(program_->precision());
  info_.memory_bytes = program_->weight_bytes();
  for (std::size_t id = 0; id < program_->nodes().size(); ++id) {
    if (program_->nodes()[id].kind == engine::OpKind::kClassProbability) np_id_ = static_cast<int>(id);
    if (program_->nodes()[id].kind == engine::OpKind::kClassIndex) typed_ = true;
  }
}

std::shared_ptr<const engine::Plan> CompiledNetwork::plan(std::int64_t height, std::int64_t width) const {
  check_side(info_, height);
  check_side(info_, width);
  const std::lock_guard lock(plans_mutex_);
  for (auto it = plans_.begin(); it != plans_.end(); ++it) {
    if ((*it)->image() != engine::Extent{height, width}) continue;
    plans_.splice(plans_.begin(), plans_, it);
    return plans_.front();
  }
  plans_.push_front(std::make_shared<engine::Plan>(program_, engine::Extent{height, width}));
  if (plans_.size() > kKeptPlans) plans_.pop_back();
  return plans_.front();
}

std::string CompiledNetwork::describe(std::int64_t height, std::int64_t width) const {
  return plan(height, width)->describe();
}

std::unique_ptr<NucleiNetwork::Session> CompiledNetwork::make_session(std::int64_t height, std::int64_t width) const {
  return std::make_unique<EngineSession>(plan(height, width));
}

std::int64_t CompiledNetwork::session_bytes(std::int64_t height, std::int64_t width) const {
  return plan(height, width)->session_bytes();
}

void CompiledNetwork::predict(Session& session, ImageView rgb, Maps& out, int max_threads,
                              const CancelToken& cancel) const {
  auto& own = dynamic_cast<EngineSession&>(session);
  engine::Session& engine_session = own.session;
  if (&engine_session.plan().program() != program_.get()) {
    throw Error(ErrorCode::kInvalidArgument, "predict: the session was made by another network");
  }
  const engine::Extent extent = engine_session.plan().extent(np_id_);
  const auto pixels = static_cast<std::size_t>(extent.height * extent.width);
  out.height = extent.height;
  out.width = extent.width;
  out.np.resize(pixels);
  out.hv.resize(2 * pixels);
  out.tp.clear();
  std::vector<engine::OutputBinding> outputs{{"np", out.np.data()}, {"hv", out.hv.data()}};
  if (typed_) {
    own.classes.resize(pixels);
    outputs.push_back({"tp", own.classes.data()});
  }
  engine_session.run(rgb, outputs, max_threads, cancel);
  if (!typed_) return;
  out.tp.resize(pixels);
  std::ranges::transform(own.classes, out.tp.begin(), [](float id) { return static_cast<std::uint8_t>(id); });
}

}  // namespace histojet::models
