#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "base/aligned_buffer.hpp"

namespace histojet::models {

/// Memory that the token stores of one run share, and where they put what does not fit.
struct StoreBudget {
  std::int64_t free_bytes = 0;
  std::string folder;              ///< for the spill files; empty: the system's folder for temporary files
  std::int64_t spilled_bytes = 0;  ///< what went to files so far
};

/// The tokens of a stage, float32, `dim` values each without padding: the first ones in memory as far as the budget
/// goes, the rest in a file without a name that vanishes with the store or the process. Different tokens may be read
/// and written at the same time.
class TokenStore {
 public:
  /// `budget` must outlive the store and belongs to one thread. @throws Error kInvalidArgument (2^62 bytes or more),
  /// kIo (the file cannot be made), kOutOfMemory.
  TokenStore(std::int64_t tokens, std::int64_t dim, StoreBudget& budget);
  ~TokenStore();
  TokenStore(const TokenStore&) = delete;
  TokenStore& operator=(const TokenStore&) = delete;

  std::int64_t tokens() const { return tokens_; }
  std::int64_t dim() const { return dim_; }
  /// `count` tokens from `first` on, `step` floats apart on the caller's side. Read only what was written.
  /// @throws Error kIo (full disk, …).
  void write(std::int64_t first, std::int64_t count, const float* values, std::int64_t step);
  void read(std::int64_t first, std::int64_t count, float* values, std::int64_t step) const;
  /// The same for tokens that lie anywhere, in the given order.
  void gather(std::span<const std::int64_t> tokens, float* values, std::int64_t step) const;
  void scatter(std::span<const std::int64_t> tokens, const float* values, std::int64_t step);

 private:
  /// How many of these tokens lie in memory.
  std::int64_t kept(std::int64_t first, std::int64_t count) const;
  std::int64_t packed_tokens(std::int64_t count) const;
  std::uint64_t file_offset(std::int64_t token) const;
  void open_file(const std::string& folder);
  void transfer(bool writing, std::uint64_t offset, void* bytes, std::uint64_t length) const;

  std::int64_t tokens_;
  std::int64_t dim_;
  std::int64_t in_memory_ = 0;  ///< tokens
  StoreBudget& budget_;
  AlignedBuffer<float> memory_;
  std::string file_name_;
  int file_ = -1;
};

}  // namespace histojet::models
