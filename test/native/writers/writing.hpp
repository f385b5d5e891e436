#pragma once

#include <gtest/gtest.h>
#include <unistd.h>
#include <zlib.h>

#include <cmath>
#include <filesystem>
#include <initializer_list>
#include <numbers>
#include <stdexcept>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "fixtures.hpp"
#include "nuclei/nucleus_list.hpp"
#include "writers/nucleus_writer.hpp"

namespace histojet::test {

/// A path that is gone, `.part` included, when the test ends.
class Scratch {
 public:
  explicit Scratch(const std::string& name)
      : path_(std::filesystem::path(testing::TempDir()) / (std::to_string(getpid()) + name)) {}
  ~Scratch() {
    std::error_code ignored;
    std::filesystem::remove(path_, ignored);
    std::filesystem::remove(part(), ignored);
  }
  std::string path() const { return path_.string(); }
  std::string part() const { return path_.string() + ".part"; }

 private:
  std::filesystem::path path_;
};

inline std::string read_text(const std::string& path) {
  const auto bytes = read_bytes(path);
  return {bytes.begin(), bytes.end()};
}

/// All members of a gzip file, each of which must be whole.
inline std::string gunzip(const std::string& bytes) {
  std::string text;
  z_stream stream{};
  if (inflateInit2(&stream, 16 + MAX_WBITS) != Z_OK) throw std::runtime_error("inflateInit2");
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  stream.avail_in = static_cast<uInt>(bytes.size());
  char buffer[65536];
  int status = Z_OK;
  while (stream.avail_in > 0 || status == Z_OK) {
    if (status == Z_STREAM_END) inflateReset(&stream);
    stream.next_out = reinterpret_cast<Bytef*>(buffer);
    stream.avail_out = sizeof(buffer);
    status = inflate(&stream, Z_NO_FLUSH);
    if (status != Z_OK && status != Z_STREAM_END) throw std::runtime_error("damaged gzip");
    text.append(buffer, sizeof(buffer) - stream.avail_out);
    if (status == Z_OK && stream.avail_in == 0 && stream.avail_out > 0) throw std::runtime_error("cut gzip");
  }
  inflateEnd(&stream);
  return text;
}

inline void add_nucleus(nuclei::NucleusList& list, std::initializer_list<float> ring, float x, float y, float area) {
  list.centroids.insert(list.centroids.end(), {x, y});
  list.boxes.insert(list.boxes.end(), {x, y, x, y});
  list.areas.push_back(area);
  list.contour_points.insert(list.contour_points.end(), ring);
  list.contour_starts.push_back(list.contour_points.size() / 2);
}

/// A circle of 18 points.
inline void add_circle(nuclei::NucleusList& list, double x, double y, double radius) {
  for (int k = 0; k < 18; ++k) {
    const double angle = 2 * std::numbers::pi * k / 18;
    list.contour_points.push_back(static_cast<float>(x + radius * std::cos(angle)));
    list.contour_points.push_back(static_cast<float>(y + radius * std::sin(angle)));
  }
  list.contour_starts.push_back(list.contour_points.size() / 2);
  list.centroids.insert(list.centroids.end(), {static_cast<float>(x), static_cast<float>(y)});
  list.boxes.insert(list.boxes.end(), {static_cast<float>(x - radius), static_cast<float>(y - radius),
                                       static_cast<float>(x + radius), static_cast<float>(y + radius)});
  list.areas.push_back(static_cast<float>(std::numbers::pi * radius * radius / 16));
}

/// A row of circles of several sizes.
inline nuclei::NucleusList circles(int count, double first_x, double y = 200.25) {
  nuclei::NucleusList list;
  for (int i = 0; i < count; ++i) add_circle(list, first_x + 31.37 * i, y + i % 7, 6 + i % 4);
  return list;
}

/// The finished file.
inline std::string write_all(const writers::WriterOptions& options, const std::vector<nuclei::NucleusList>& batches) {
  const auto writer = writers::NucleusWriter::create(options);
  for (const nuclei::NucleusList& batch : batches) writer->write(batch);
  writer->close();
  return read_text(options.path);
}

/// Why a writer cannot be made; `expected_words` must be in the message.
inline ErrorCode refusal(const writers::WriterOptions& options, const std::string& expected_words = "") {
  try {
    writers::NucleusWriter::create(options);
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find(expected_words), std::string::npos) << error.what();
    return error.code();
  }
  return ErrorCode::kInternal;
}

}  // namespace histojet::test
