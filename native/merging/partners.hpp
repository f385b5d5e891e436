#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "merging/run.hpp"

namespace histojet::merging {

/// The two sides of a sequence: tokens that look for a partner, and those among which they look.
struct Sides {
  std::vector<std::int32_t> seekers;
  std::vector<std::int32_t> targets;  ///< -1: a token that nothing may become part of
};

/// One sequence, or a window of one.
struct PartnerSearch {
  const float* metric;  ///< [tokens][channels], the features that are compared
  const Sides* sides;
};

/// What was found for the seekers, by their position among them.
struct Partners {
  std::vector<float> similarity;      ///< cosine; -infinity without a partner
  std::vector<std::int32_t> partner;  ///< position among the targets, -1 without one
};

/// The most similar target of every seeker by cosine; of equally similar ones the first. Rows shorter than 1e-12 have
/// the similarity 0 to everything; seekers and targets whose features are not finite have no partner.
std::vector<Partners> find_partners(std::span<const PartnerSearch> searches, std::int64_t channels, const Run& run);

/// Seekers in the order in which they merge: by falling similarity, of equal ones the first seeker first, those without
/// a partner at the end. `mergeable` counts those with one.
struct Ranking {
  std::vector<std::int32_t> order;
  std::int64_t mergeable;
};
Ranking rank(const Partners& partners);

}  // namespace histojet::merging
