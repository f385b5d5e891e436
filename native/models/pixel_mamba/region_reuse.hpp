#pragma once

namespace histojet::models {

class RegionPass;
class TokenStore;

/// Takes the pass over regions that begins with pixels into its hands: for evaluations of a picture that differs in few
/// regions from one evaluated before, whose states and tokens were kept.
class RegionReuse {
 public:
  virtual ~RegionReuse() = default;
  /// In place of RegionPass::run(): afterwards `tokens`, where `pass` puts them, hold those of every region, as if that
  /// had run.
  virtual void run(RegionPass& pass, TokenStore& tokens) = 0;
};

}  // namespace histojet::models
