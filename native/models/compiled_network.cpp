#include "models/compiled_network.hpp"

#include <cmath>
#include <cstdlib>

#include "base/error.hpp"

namespace histojet::models {
namespace {

constexpr std::size_t kKeptPlans = 8;

class EngineSession final : public NucleiNetwork::Session {
 public:
  explicit EngineSession(std::shared_ptr<const engine::Plan> plan) : session(std::move(plan)) {}
  std::int64_t memory_bytes() const override { return session.memory_bytes(); }

  engine::Session session;
};

}  // namespace

std::string_view precision_name(Precision precision) {
  switch (precision) {
    case Precision::kFloat32:
      return "float32";
    case Precision::kHigh:
      return "high";
    case Precision::kFast:
      return "fast";
  }
  return "float32";
}

double mpp_of(const std::map<std::string, std::string>& metadata, double fallback) {
  const auto found = metadata.find("mpp");
  if (found == metadata.end()) return fallback;
  char* end = nullptr;
  const double value = std::strtod(found->second.c_str(), &end);
  if (end != found->second.c_str() && std::isfinite(value) && value > 0.0) return value;
  throw Error(ErrorCode::kInvalidArgument,
              "network: mpp is \"" + found->second + "\", expected a positive number of micrometres per pixel");
}

CompiledNetwork::CompiledNetwork(engine::Graph graph, NetworkInfo info, const LoadOptions&) : info_(std::move(info)) {
  info_.parameters = graph.parameter_count();
  program_ = engine::Program::compile(std::move(graph));
  info_.isa = isa_name(program_->isa());
  // All kernels compute in float32; `high` and `fast` promise no less than that.
  info_.precision = precision_name(Precision::kFloat32);
  info_.memory_bytes = program_->weight_bytes();
  for (std::size_t id = 0; id < program_->nodes().size(); ++id) {
    if (program_->nodes()[id].kind == engine::OpKind::kClassProbability) np_id_ = static_cast<int>(id);
  }
}

std::shared_ptr<const engine::Plan> CompiledNetwork::plan(std::int64_t height, std::int64_t width) const {
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

void CompiledNetwork::predict(Session& session, ImageView rgb, Maps& out, int max_threads,
                              const CancelToken& cancel) const {
  auto& engine_session = dynamic_cast<EngineSession&>(session).session;
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
  engine_session.run(rgb, {{"np", out.np.data()}, {"hv", out.hv.data()}}, max_threads, cancel);
}

}  // namespace histojet::models
