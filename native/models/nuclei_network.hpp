#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include "base/cancel.hpp"
#include "base/image.hpp"
#include "tensor/maps.hpp"
#include "weights/state_dict.hpp"

namespace histojet::models {

enum class Precision { kFloat32, kHigh, kFast };
std::string_view precision_name(Precision precision);

struct LoadOptions {
  Precision precision = Precision::kHigh;
};

/// What is really used, for `model.info`.
struct NetworkInfo {
  std::string architecture;                   ///< "hoverfast"
  std::map<std::string, std::string> config;  ///< the fields of the network's config struct as JSON values
  std::string isa;                            ///< "avx512", …
  std::string precision;                      ///< "float32", …
  std::int64_t parameters = 0;
  std::int64_t memory_bytes = 0;     ///< packed weights
  double mpp = 0.25;                 ///< resolution that the network was trained at
  std::int64_t margin_px = 64;       ///< receptive field, rounded up: what a tile needs around its core
  std::int64_t origin_multiple = 4;  ///< tile origins and sides must be multiples of this
};

/// A network that turns RGB tiles into nuclei maps, compiled for this CPU. Immutable and shared by threads.
class NucleiNetwork {
 public:
  virtual ~NucleiNetwork() = default;

  /// Working memory for tiles of one size; one per thread.
  class Session {
   public:
    virtual ~Session() = default;
    virtual std::int64_t memory_bytes() const = 0;
  };

  virtual const NetworkInfo& info() const = 0;
  /// The plan as text: each step with its shapes, fusions, bytes and FLOPs.
  virtual std::string describe(std::int64_t height, std::int64_t width) const = 0;
  virtual std::unique_ptr<Session> make_session(std::int64_t height, std::int64_t width) const = 0;
  /// rgb: [height, width, 3] of the session's size, bytes; the network scales them itself. Output sizes are those of
  /// the network for that input (smaller for sides that it cannot divide). Bit-identical for any `max_threads`.
  virtual void predict(Session& session, ImageView rgb, Maps& out, int max_threads,
                       const CancelToken& cancel) const = 0;
};

/// Loads a HoverFast network of any published configuration from the original `.pth` layout (`model_dict` beside the
/// hyper-parameters) or from safetensors with the same keys. @throws Error kMissingWeight, kShapeMismatch (key names
/// and both shapes).
std::shared_ptr<const NucleiNetwork> load_hoverfast(std::shared_ptr<const weights::StateDict> dict,
                                                    const LoadOptions& options = {});

}  // namespace histojet::models
