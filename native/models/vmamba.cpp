#include "models/vmamba.hpp"

#include <algorithm>
#include <string>

#include "base/error.hpp"
#include "tokens/pooling.hpp"

namespace histojet::models {

using tokens::PictureIn;

namespace {

/// Doubled by each stage: the last one then has at least one token.
constexpr std::int64_t kLeastSide_px = 2;

}  // namespace

/// Patches, each window followed by its norm, GELU between the two.
VMamba::Grid VMamba::embed(const PictureIn& picture, Scratch& scratch, int threads) const {
  Grid grid{embed_first_.out_side(picture.height), embed_first_.out_side(picture.width)};
  const std::int64_t first = embed_first_.config().out;
  scratch.tokens.resize(static_cast<std::size_t>(grid.count() * first));
  embed_first_.run(picture, scratch.tokens.data(), first, scratch.products, threads);
  embed_first_norm_.run_tokens({scratch.tokens.data(), first}, {scratch.tokens.data(), first}, grid.count());
  if (!embed_second_) return grid;
  tokens::gelu(scratch.tokens, isa_);
  const PictureIn between = PictureIn::channels_last(scratch.tokens.data(), grid.height, grid.width, first);
  grid = {embed_second_->out_side(grid.height), embed_second_->out_side(grid.width)};
  const std::int64_t dim = config_.dims[0];
  scratch.next.resize(static_cast<std::size_t>(grid.count() * dim));
  embed_second_->run(between, scratch.next.data(), dim, scratch.products, threads);
  embed_second_norm_.run_tokens({scratch.next.data(), dim}, {scratch.next.data(), dim}, grid.count());
  scratch.tokens.swap(scratch.next);
  return grid;
}

VMamba::Grid VMamba::reduce(const Stage& stage, std::int64_t dim, std::int64_t next_dim, Grid grid, Scratch& scratch,
                            int threads) const {
  const float* from = scratch.tokens.data();
  Grid next{(grid.height + 1) / 2, (grid.width + 1) / 2};
  if (stage.reduction) next = {stage.reduction->out_side(grid.height), stage.reduction->out_side(grid.width)};
  scratch.next.resize(static_cast<std::size_t>(next.count() * next_dim));
  float* to = scratch.next.data();
  if (stage.merging) {
    stage.merging->run(from, grid.height, grid.width, to, scratch.products, threads);
  } else {
    const PictureIn picture = PictureIn::channels_last(from, grid.height, grid.width, dim);
    stage.reduction->run(picture, to, next_dim, scratch.products, threads);
    stage.reduction_norm.run_tokens({to, next_dim}, {to, next_dim}, next.count());
  }
  scratch.tokens.swap(scratch.next);
  return next;
}

// Figure 3 of the paper.
VMambaOutput VMamba::run(const PictureIn& picture, Scratch& scratch, int threads, const CancelToken& cancel) const {
  const std::int64_t least = kLeastSide_px << stages_.size();
  if (picture.channels != config_.in_channels || std::min(picture.height, picture.width) < least) {
    throw Error(ErrorCode::kShapeMismatch,
                "VMamba: a picture of " + std::to_string(picture.width) + " x " + std::to_string(picture.height) +
                    " px with " + std::to_string(picture.channels) + " channels, expected at least " +
                    std::to_string(least) + " px and " + std::to_string(config_.in_channels) + " channels");
  }
  Grid grid = embed(picture, scratch, threads);
  for (std::size_t s = 0; s < stages_.size(); ++s) {
    const Stage& stage = stages_[s];
    const std::int64_t dim = config_.dims[s];
    for (const Block& block : stage.blocks) {
      float* tokens = scratch.tokens.data();
      block.op.accumulate(&block.norm, {tokens, dim}, {tokens, dim}, grid.height, grid.width, scratch.mixer, threads,
                          cancel);
      if (block.mlp) block.mlp->run(&block.norm2, tokens, dim, grid.count(), scratch.products, threads);
    }
    if (s + 1 < stages_.size()) grid = reduce(stage, dim, config_.dims[s + 1], grid, scratch, threads);
  }
  const std::int64_t dim = config_.dims.back();
  norm_.run_tokens({scratch.tokens.data(), dim}, {scratch.tokens.data(), dim}, grid.count());
  VMambaOutput output;
  output.features = tokens::mean_of_tokens({scratch.tokens.data(), dim}, grid.count(), dim);
  output.logits.resize(static_cast<std::size_t>(config_.num_classes));
  if (config_.num_classes > 0) {
    run_product(head_,
                {.in = {output.features.data(), dim}, .out = {output.logits.data(), config_.num_classes}, .tokens = 1},
                scratch.products, 1);
  }
  return output;
}

}  // namespace histojet::models
