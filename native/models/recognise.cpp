#include "models/recognise.hpp"

#include <string>

#include "base/error.hpp"
#include "models/hoverfast.hpp"
#include "models/hovernet.hpp"

namespace histojet::models {

namespace {

std::string name_of(Architecture architecture) {
  return architecture == Architecture::kHoverNet ? "HoverNet" : "HoverFast";
}

}  // namespace

Architecture recognise(const std::shared_ptr<const weights::StateDict>& dict) {
  if (is_hoverfast(hoverfast_root(dict))) return Architecture::kHoverFast;
  if (is_hovernet(hovernet_root(dict))) return Architecture::kHoverNet;
  return Architecture::kUnknown;
}

void expect_architecture(const std::shared_ptr<const weights::StateDict>& dict, Architecture expected) {
  const Architecture found = recognise(dict);
  if (found == expected || found == Architecture::kUnknown) return;
  throw Error(ErrorCode::kMissingWeight, dict->path() + ": this is a " + name_of(found) + " network, load it with " +
                                             name_of(found) + " instead of " + name_of(expected));
}

std::shared_ptr<const NucleiNetwork> load_nuclei_network(std::shared_ptr<const weights::StateDict> dict,
                                                         const LoadOptions& options) {
  switch (recognise(dict)) {
    case Architecture::kHoverFast:
      return load_hoverfast(std::move(dict), options);
    case Architecture::kHoverNet:
      return load_hovernet(std::move(dict), options);
    case Architecture::kUnknown:
      break;
  }
  throw Error(ErrorCode::kMissingWeight,
              dict->path() +
                  ": neither a HoverFast network (no tensor down_path.0.…) nor a HoVer-Net (no tensor "
                  "conv0./.weight)");
}

}  // namespace histojet::models
