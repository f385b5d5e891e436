#include "models/pixel_mamba/token_store.hpp"

#include <fcntl.h>
#include <sys/types.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <new>
#include <vector>

#include "base/error.hpp"

namespace histojet::models {
namespace {

constexpr std::int64_t kMostValues = std::int64_t{1} << 59;
/// Tokens that are packed at a time on their way to or from the file.
constexpr std::int64_t kPackedValues = 64 << 10;

void copy_rows(const float* from, std::int64_t from_step, float* to, std::int64_t to_step, std::int64_t dim,
               std::int64_t count) {
  if (from_step == dim && to_step == dim) {
    std::copy_n(from, count * dim, to);
    return;
  }
  for (std::int64_t i = 0; i < count; ++i) std::copy_n(from + i * from_step, dim, to + i * to_step);
}

/// Runs body(i, count) for tokens[i], … that follow each other.
template <class Body>
void for_runs(std::span<const std::int64_t> tokens, const Body& body) {
  for (std::size_t i = 0, end = 0; i < tokens.size(); i = end) {
    end = i + 1;
    while (end < tokens.size() && tokens[end] == tokens[end - 1] + 1) ++end;
    body(i, static_cast<std::int64_t>(end - i));
  }
}

}  // namespace

TokenStore::TokenStore(std::int64_t tokens, std::int64_t dim, StoreBudget& budget)
    : tokens_(tokens), dim_(dim), budget_(budget) {
  if (tokens < 0 || dim < 1 || tokens > kMostValues / dim) {
    throw Error(ErrorCode::kInvalidArgument,
                std::to_string(tokens) + " tokens of " + std::to_string(dim) + " values are too many");
  }
  const std::int64_t token_bytes = dim * static_cast<std::int64_t>(sizeof(float));
  in_memory_ = std::clamp<std::int64_t>(budget.free_bytes / token_bytes, 0, tokens);
  try {
    memory_ = make_aligned<float>(static_cast<std::size_t>(in_memory_ * dim));
  } catch (const std::bad_alloc&) {
    throw Error(ErrorCode::kOutOfMemory, "no memory for " + std::to_string(in_memory_ * token_bytes) +
                                             " bytes of tokens; give the run a smaller budget, the rest goes to disk");
  }
  if (in_memory_ < tokens) open_file(budget.folder);
  budget.free_bytes -= in_memory_ * token_bytes;
  budget.spilled_bytes += (tokens - in_memory_) * token_bytes;
}

TokenStore::~TokenStore() {
  budget_.free_bytes += in_memory_ * dim_ * static_cast<std::int64_t>(sizeof(float));
  if (file_ >= 0) ::close(file_);
}

void TokenStore::open_file(const std::string& folder) {
  std::error_code ignored;
  const std::filesystem::path where =
      folder.empty() ? std::filesystem::temp_directory_path(ignored) : std::filesystem::path(folder);
  file_name_ = (where / "histojet-tokens-XXXXXX").string();
  file_ = ::mkostemp(file_name_.data(), O_CLOEXEC);
  if (file_ < 0) throw io_error("cannot write", file_name_, errno);
  ::unlink(file_name_.c_str());
}

void TokenStore::transfer(bool writing, std::uint64_t offset, void* bytes, std::uint64_t length) const {
  auto* at = static_cast<char*>(bytes);
  while (length > 0) {
    const auto position = static_cast<off_t>(offset);
    const ssize_t done = writing ? ::pwrite(file_, at, length, position) : ::pread(file_, at, length, position);
    if (done < 0 && errno == EINTR) continue;
    if (done < 0) throw io_error(writing ? "cannot write" : "cannot read", file_name_, errno);
    if (done == 0) throw Error(ErrorCode::kIo, "cannot read " + file_name_ + ": it was cut");
    at += done;
    offset += static_cast<std::uint64_t>(done);
    length -= static_cast<std::uint64_t>(done);
  }
}

std::int64_t TokenStore::kept(std::int64_t first, std::int64_t count) const {
  return std::clamp<std::int64_t>(in_memory_ - first, 0, count);
}

std::int64_t TokenStore::packed_tokens(std::int64_t count) const {
  return std::min(count, std::max<std::int64_t>(1, kPackedValues / dim_));
}

void TokenStore::write(std::int64_t first, std::int64_t count, const float* values, std::int64_t step) {
  std::int64_t i = kept(first, count);
  if (i > 0) copy_rows(values, step, memory_.get() + first * dim_, dim_, dim_, i);
  if (i == count) return;
  const std::int64_t most = packed_tokens(count - i);
  std::vector<float> packed(static_cast<std::size_t>(most * dim_));
  for (; i < count; i += most) {
    const std::int64_t part = std::min(most, count - i);
    copy_rows(values + i * step, step, packed.data(), dim_, dim_, part);
    transfer(true, file_offset(first + i), packed.data(), static_cast<std::uint64_t>(part * dim_) * sizeof(float));
  }
}

void TokenStore::read(std::int64_t first, std::int64_t count, float* values, std::int64_t step) const {
  std::int64_t i = kept(first, count);
  if (i > 0) copy_rows(memory_.get() + first * dim_, dim_, values, step, dim_, i);
  if (i == count) return;
  const std::int64_t most = packed_tokens(count - i);
  std::vector<float> packed(static_cast<std::size_t>(most * dim_));
  for (; i < count; i += most) {
    const std::int64_t part = std::min(most, count - i);
    transfer(false, file_offset(first + i), packed.data(), static_cast<std::uint64_t>(part * dim_) * sizeof(float));
    copy_rows(packed.data(), dim_, values + i * step, step, dim_, part);
  }
}

void TokenStore::gather(std::span<const std::int64_t> tokens, float* values, std::int64_t step) const {
  for_runs(tokens, [&](std::size_t i, std::int64_t count) {
    read(tokens[i], count, values + static_cast<std::int64_t>(i) * step, step);
  });
}

void TokenStore::scatter(std::span<const std::int64_t> tokens, const float* values, std::int64_t step) {
  for_runs(tokens, [&](std::size_t i, std::int64_t count) {
    write(tokens[i], count, values + static_cast<std::int64_t>(i) * step, step);
  });
}

std::uint64_t TokenStore::file_offset(std::int64_t token) const {
  return static_cast<std::uint64_t>(token - in_memory_) * static_cast<std::uint64_t>(dim_) * sizeof(float);
}

}  // namespace histojet::models
