#include "tokens/token_products.hpp"

#include <algorithm>
#include <cstring>

#include "kernels/add_rows/add_rows.hpp"
#include "tokens/load_parts.hpp"
#include "tokens/share_rows.hpp"

namespace histojet::tokens {

using kernels::Storage;

namespace {

constexpr std::int64_t kRows = 128;
constexpr std::int64_t kGranule = 32;

/// Tokens [first, first + count) of `in`, normalised if asked for, as rows of `rows.in`.
void take(const TokensIn& in, const Norm* norm, std::int64_t first, std::int64_t count, const Linear& linear, Isa isa,
          ProductScratch::Rows& rows) {
  rows.in.reshape(kRows, linear.in(), linear.storage());
  if (norm == nullptr) return store_rows(in, first, linear.in(), isa, rows.in, 0, count);
  rows.wide.reshape(kRows, linear.in());
  store_rows(in, first, linear.in(), isa, rows.wide, 0, count);
  norm->run(rows.wide, rows.in, 0, count);
}

/// Rows of results to tokens [first, first + count) of `out`.
void give(const RowBuffer& rows, std::int64_t values, const TokensOut& out, std::int64_t first, std::int64_t count,
          bool add, Isa isa) {
  const auto add_row = kernels::kAddRow.pick(isa);
  for (std::int64_t i = 0; i < count; ++i) {
    float* token = out.token(first + i);
    if (token == nullptr) continue;
    if (add) {
      add_row({.in = rows.row(i), .out = token, .count = values, .weight = 1});
    } else {
      std::copy_n(rows.row(i), values, token);
    }
  }
}

/// Runs body(first, count, rows) for blocks of tokens, side by side.
template <class Body>
void in_blocks(std::int64_t tokens, ProductScratch& scratch, int threads, const Body& body) {
  threads = resolved_threads(threads);
  auto& rows = scratch.of(threads);
  share_rows({0, tokens}, kGranule, threads, [&](Range range, int thread) {
    for (std::int64_t first = range.begin; first < range.end; first += kRows) {
      body(first, std::min(kRows, range.end - first), rows[static_cast<std::size_t>(thread)]);
    }
  });
}

}  // namespace

std::vector<ProductScratch::Rows>& ProductScratch::of(int count) {
  if (threads.size() < static_cast<std::size_t>(count)) threads.resize(static_cast<std::size_t>(count));
  return threads;
}

void run_product(const Linear& linear, const ProductRun& run, ProductScratch& scratch, int threads) {
  in_blocks(run.tokens, scratch, threads, [&](std::int64_t first, std::int64_t count, ProductScratch::Rows& rows) {
    take(run.in, run.norm, first, count, linear, linear.isa(), rows);
    rows.out.reshape(kRows, linear.columns());
    linear.run(rows.in, 0, count, rows.out.row(0), rows.out.step(), rows.linear, run.activation);
    give(rows.out, linear.out(), run.out, first, count, run.add, linear.isa());
  });
}

Mlp Mlp::load(const weights::WeightScope& scope, std::int64_t dim, const LayerOptions& options) {
  Mlp mlp;
  const bool as_convolution = scope.dict().entry(scope.full_name("fc1.weight")).shape.size() == 4;
  const std::int64_t hidden = shape_of(scope, "fc1.weight", as_convolution ? 4 : 2, "[hidden, dim]")[0];
  mlp.fc1_ = Linear::load(scope.scope("fc1"), dim, hidden, Bias::kAsStored, options);
  mlp.fc2_ = Linear::load(scope.scope("fc2"), hidden, dim, Bias::kAsStored, options);
  mlp.isa_ = options.isa;
  return mlp;
}

void Mlp::run(const Norm* norm, float* tokens, std::int64_t step, std::int64_t count, ProductScratch& scratch,
              int threads) const {
  in_blocks(count, scratch, threads, [&](std::int64_t first, std::int64_t size, ProductScratch::Rows& rows) {
    take({tokens, step}, norm, first, size, fc1_, isa_, rows);
    rows.middle.reshape(kRows, fc1_.columns());
    fc1_.run(rows.in, 0, size, rows.middle.row(0), rows.middle.step(), rows.linear, kernels::Activation::kGeluErf);
    rows.out.reshape(kRows, fc2_.columns());
    if (fc2_.storage() == Storage::kFloat32) {
      fc2_.run(rows.middle, 0, size, rows.out.row(0), rows.out.step(), rows.linear);
    } else {
      rows.narrow.reshape(kRows, fc2_.in(), fc2_.storage());
      store_rows({rows.middle.row(0), rows.middle.step()}, 0, fc2_.in(), isa_, rows.narrow, 0, size);
      fc2_.run(rows.narrow, 0, size, rows.out.row(0), rows.out.step(), rows.linear);
    }
    give(rows.out, fc2_.out(), {tokens, step}, first, size, true, isa_);
  });
}

}  // namespace histojet::tokens
