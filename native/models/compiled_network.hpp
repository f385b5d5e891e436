#pragma once

#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

#include "base/checked.hpp"
#include "engine/graph.hpp"
#include "engine/session.hpp"
#include "models/nuclei_network.hpp"

namespace histojet::models {

/// A NucleiNetwork made from a graph with the outputs "np" [1, h, w], "hv" [2, h, w] and perhaps "tp" [1, h, w],
/// numbers of classes below 256.
class CompiledNetwork final : public NucleiNetwork {
 public:
  /// Fills the fields of `info` that follow from graph and CPU: isa, precision, parameters, memory_bytes.
  CompiledNetwork(engine::Graph graph, NetworkInfo info, const LoadOptions& options);

  const NetworkInfo& info() const override { return info_; }
  std::string describe(std::int64_t height, std::int64_t width) const override;
  std::unique_ptr<Session> make_session(std::int64_t height, std::int64_t width) const override;
  std::int64_t session_bytes(std::int64_t height, std::int64_t width) const override;
  void predict(Session& session, ImageView rgb, Maps& out, int max_threads, const CancelToken& cancel) const override;

 private:
  std::shared_ptr<const engine::Plan> plan(std::int64_t height, std::int64_t width) const;

  NetworkInfo info_;
  std::shared_ptr<const engine::Program> program_;
  int np_id_ = -1;
  bool typed_ = false;
  mutable std::mutex plans_mutex_;
  mutable std::list<std::shared_ptr<const engine::Plan>> plans_;  ///< most recently used first, a few sizes
};

/// Metadata "mpp" (micrometres per pixel) or `fallback`. @throws Error kInvalidArgument unless it is a positive number.
double mpp_of(const std::map<std::string, std::string>& metadata, double fallback);

}  // namespace histojet::models
