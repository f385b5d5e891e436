#pragma once

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <string>
#include <vector>

#include "base/executor.hpp"
#include "base/part_file.hpp"

namespace training {

inline void append_uint32(std::vector<std::uint8_t>& out, std::uint32_t value) {
  for (int shift = 0; shift < 32; shift += 8) out.push_back(static_cast<std::uint8_t>(value >> shift));
}

/// Writes the words of the header, then `count` records that make(index) returns, made by all threads; says on stderr
/// how many `what` there are.
template <class Make>
void write_records(const std::string& path, const std::vector<std::uint32_t>& header, std::int64_t count,
                   const char* what, const Make& make) {
  histojet::PartFile file(path);
  std::vector<std::uint8_t> words;
  for (const std::uint32_t word : header) append_uint32(words, word);
  file.append(words);
  constexpr std::int64_t kBatch = 64;
  std::vector<std::vector<std::uint8_t>> records;
  for (std::int64_t first = 0; first < count; first += kBatch) {
    const std::int64_t batch = std::min(kBatch, count - first);
    records.assign(static_cast<std::size_t>(batch), {});
    histojet::Executor::instance().parallel_for(
        batch, 0, [&](std::int64_t i) { records[static_cast<std::size_t>(i)] = make(first + i); });
    for (const auto& record : records) file.append(record);
    std::fprintf(stderr, "\r%lld of %lld %s", static_cast<long long>(first + batch), static_cast<long long>(count),
                 what);
  }
  std::fprintf(stderr, "\n");
  file.commit();
}

}  // namespace training
