#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/cancel.hpp"
#include "base/image.hpp"
#include "engine/precision.hpp"
#include "engine/session.hpp"
#include "tensor/maps.hpp"
#include "weights/state_dict.hpp"

namespace histojet::models {

using engine::Precision;
using engine::precision_name;

struct LoadOptions {
  Precision precision = Precision::kHigh;
};

/// One class of nuclei that a network tells apart.
struct NucleusType {
  std::string name;
  std::array<std::uint8_t, 3> color{};  ///< red, green, blue
};

/// What is really used, for `model.info`.
struct NetworkInfo {
  std::string architecture;                   ///< "hoverfast" or "hovernet"
  std::map<std::string, std::string> config;  ///< the fields of the network's config struct as JSON values
  std::string isa;                            ///< "avx512", …
  std::string precision;                      ///< "float32", …
  std::int64_t parameters = 0;
  std::int64_t memory_bytes = 0;     ///< packed weights
  double mpp = 0.25;                 ///< resolution that the network was trained at
  std::int64_t margin_px = 64;       ///< receptive field, rounded up: what a tile needs around its core
  std::int64_t origin_multiple = 4;  ///< cores must start at multiples of this and have such sides
  /// How many pixels the maps of a tile are smaller than it, on each side; 0 for networks that pad. The rest of
  /// margin_px the maps show, but it depends on where the tile ends: parts of such networks pad all the same.
  std::int64_t output_margin_px = 0;
  /// Does the network pad, so that its maps are as large as its tiles?
  bool pads() const { return output_margin_px == 0; }
  /// Tiles may have the sides side_offset_px + n * side_multiple from min_side_px on; others are refused.
  std::int64_t side_multiple = 1;
  std::int64_t side_offset_px = 0;
  std::int64_t min_side_px = 1;
  std::int64_t default_tile_px = 1024;  ///< side of the reference's tiles
  /// Largest side of the tiles of whole slides unless the caller says another: what costs little per pixel in a session
  /// that each thread can afford. The default holds a field of 1024 px and its margins.
  std::int64_t slide_tile_px = 1280;
  std::vector<NucleusType> types;  ///< by number, 0 background; empty for networks without types
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
    /// See engine::Session::set_chain_hook; networks without an engine ignore it.
    virtual void set_chain_hook(engine::ChainHook) {}
  };

  virtual const NetworkInfo& info() const = 0;
  /// The plan as text: each step with its shapes, fusions, bytes and FLOPs.
  virtual std::string describe(std::int64_t height, std::int64_t width) const = 0;
  /// @throws Error kInvalidArgument for sides that the network does not take, saying which it does.
  virtual std::unique_ptr<Session> make_session(std::int64_t height, std::int64_t width) const = 0;
  /// What a session for such tiles takes, without making one. @throws like make_session().
  virtual std::int64_t session_bytes(std::int64_t height, std::int64_t width) const = 0;
  /// rgb: [height, width, 3] of the session's size, bytes; the network scales them itself. Output sizes are those of
  /// the network for that input (smaller by output_margin_px on each side, and for sides that it cannot divide).
  /// Bit-identical for any `max_threads`.
  virtual void predict(Session& session, ImageView rgb, Maps& out, int max_threads,
                       const CancelToken& cancel) const = 0;
};

/// Loads a HoverFast network of any published configuration from the original `.pth` layout (`model_dict` beside the
/// hyper-parameters) or from safetensors with the same keys. @throws Error kMissingWeight, kShapeMismatch (key names
/// and both shapes).
std::shared_ptr<const NucleiNetwork> load_hoverfast(std::shared_ptr<const weights::StateDict> dict,
                                                    const LoadOptions& options = {});

/// Loads a HoVer-Net of either mode, with or without types, from the published `.tar` (`desc`), from a bare state dict
/// (TIAToolbox) or from safetensors with the same keys. Mode and number of types follow from the tensors. @throws Error
/// kMissingWeight, kShapeMismatch (key names and both shapes), kUnsupportedFormat for HoVer-Net+ and for tensors that
/// HoVer-Net does not have, kInvalidArgument for metadata that contradicts the tensors, kCorruptFile for a `type_info`
/// that is no JSON.
std::shared_ptr<const NucleiNetwork> load_hovernet(std::shared_ptr<const weights::StateDict> dict,
                                                   const LoadOptions& options = {});

/// Loads whichever of these networks the tensors' names tell. @throws Error kMissingWeight when they tell none.
std::shared_ptr<const NucleiNetwork> load_nuclei_network(std::shared_ptr<const weights::StateDict> dict,
                                                         const LoadOptions& options = {});

}  // namespace histojet::models
