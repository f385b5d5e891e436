#include "tokens/token_rows.hpp"

#include <array>
#include <cstring>

#include "kernels/convert_row/convert_row.hpp"
#include "kernels/gemm/gemm.hpp"

namespace histojet::tokens {

using kernels::Storage;

namespace {

constexpr std::int64_t kGranule = 16;
/// What matrix products on tiles may read beyond the last row.
constexpr std::int64_t kRowsBeyond = 16;

/// Values of whole cache lines.
std::int64_t line_values(std::int64_t values, Storage storage) {
  const std::int64_t line = 64 / kernels::element_bytes(storage);
  return (values + line - 1) / line * line;
}

/// One token rounded to `to`'s storage; `values` and no more are read.
void narrow_token(const float* from, std::int64_t values, Isa isa, Storage storage, kernels::RowOut to) {
  const auto narrow = kernels::kNarrowRow.pick(isa);
  const std::int64_t whole = values / kGranule * kGranule;
  if (whole > 0) {
    narrow({.in = from, .out = to.pixels, .plane_bytes = to.plane_bytes, .count = whole, .storage = storage});
  }
  if (whole == values) return;
  std::array<float, kGranule> tail{};
  std::copy_n(from + whole, values - whole, tail.begin());
  narrow({.in = tail.data(),
          .out = to.pixels + whole * kernels::element_bytes(storage),
          .plane_bytes = to.plane_bytes,
          .count = kGranule,
          .storage = storage});
}

void clear_values(kernels::RowOut to, Storage storage, std::int64_t begin, std::int64_t end) {
  const std::int64_t bytes = kernels::element_bytes(storage);
  for (std::int64_t plane = 0; plane < kernels::plane_count(storage); ++plane) {
    std::memset(to.pixels + plane * to.plane_bytes + begin * bytes, 0, static_cast<std::size_t>((end - begin) * bytes));
  }
}

}  // namespace

void RowBuffer::reshape(std::int64_t rows, std::int64_t values, Storage storage) {
  if (values == values_ && storage == storage_ && rows <= rows_) return;
  const std::int64_t row_bytes = kernels::gemm_row_bytes(values, storage);
  const std::int64_t plane_bytes = (rows + (storage == Storage::kFloat32 ? 0 : kRowsBeyond)) * row_bytes;
  const std::int64_t bytes = plane_bytes * kernels::plane_count(storage);
  if (bytes > capacity_) {
    data_ = make_aligned<std::byte>(static_cast<std::size_t>(bytes));
    capacity_ = bytes;
  }
  std::memset(data_.get(), 0, static_cast<std::size_t>(bytes));
  rows_ = rows;
  values_ = values;
  storage_ = storage;
  row_bytes_ = row_bytes;
  plane_bytes_ = plane_bytes;
}

void store_rows(const TokensIn& from, std::int64_t from_first, std::int64_t values, Isa isa, RowBuffer& to,
                std::int64_t first, std::int64_t count) {
  const Storage storage = to.storage();
  const std::int64_t written = storage == Storage::kFloat32 ? values : (values + kGranule - 1) / kGranule * kGranule;
  const std::int64_t end = line_values(values, storage);
  for (std::int64_t i = 0; i < count; ++i) {
    const float* token = from.token(from_first + i);
    const kernels::RowOut row = to.out(first + i);
    if (token == nullptr) {
      clear_values(row, storage, 0, end);
      continue;
    }
    if (storage == Storage::kFloat32) {
      std::memcpy(row.pixels, token, static_cast<std::size_t>(values) * sizeof(float));
    } else {
      narrow_token(token, values, isa, storage, row);
    }
    if (written < end) clear_values(row, storage, written, end);
  }
}

}  // namespace histojet::tokens
