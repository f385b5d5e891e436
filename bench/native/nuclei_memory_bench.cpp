// Memory of very many nuclei. Prints one JSON line.
//   nuclei_memory_bench write COLUMNS ROWS FOLDER     a lattice of so many nuclei, window by window in raster order,
//   through
//                                                     the stitcher into every native writer at once
//   nuclei_memory_bench read FILE                     reads a file of nuclei
// "growthMb" is the peak of the resident memory over what the process held before; "counts" has one entry per format.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <fstream>
#include <map>
#include <memory>
#include <sstream>
#include <stdexcept>
#include <string>

#include "base/resident_memory.hpp"
#include "clock.hpp"
#include "lattice_nuclei.hpp"
#include "nuclei/stitch.hpp"
#include "pipeline/slide_windows.hpp"
#include "readers/nucleus_reader.hpp"
#include "writers/nucleus_writer.hpp"

namespace {

using namespace histojet;
using pipeline::kContext_px;
using pipeline::kCore_px;

/// Peak of the resident memory in bytes since the start of this program (Linux).
std::int64_t peak_resident_bytes() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("VmHWM:")) return 1024 * std::stoll(line.substr(6));
  }
  throw std::runtime_error("/proc/self/status has no VmHWM");
}

using Writers = std::map<std::string, std::unique_ptr<writers::NucleusWriter>>;

Writers open_writers(const std::string& folder) {
  Writers all;
  for (const std::string& format : writers::writer_formats()) {
    writers::WriterOptions options;
    options.path = folder + "/nuclei-" + format;
    options.format = format;
    options.mpp = 0.25;
    all.emplace(format, writers::NucleusWriter::create(options));
  }
  return all;
}

/// All nuclei that a window sees, context included.
nuclei::NucleusList seen_by(const bench::NucleiLattice& lattice, const nuclei::Core& core, std::int64_t columns,
                            std::int64_t rows) {
  const auto first = [&](double edge) {
    return std::max<std::int64_t>(0, static_cast<std::int64_t>((edge - kContext_px) / lattice.pitch_px));
  };
  const auto end = [&](double edge, std::int64_t limit) {
    return std::min(limit, static_cast<std::int64_t>((edge + kContext_px) / lattice.pitch_px));
  };
  nuclei::NucleusList seen;
  for (std::int64_t row = first(core.y0); row < end(core.y1, rows); ++row) {
    for (std::int64_t column = first(core.x0); column < end(core.x1, columns); ++column) {
      lattice.append(column, row, seen);
    }
  }
  return seen;
}

std::string report(std::int64_t before, double cpu, double wall, const std::string& rest) {
  std::ostringstream line;
  line << "{\"growthMb\":" << static_cast<double>(peak_resident_bytes() - before) / 1e6
       << ",\"cpuSeconds\":" << cpu_seconds() - cpu << ",\"wallSeconds\":" << wall_seconds() - wall << "," << rest
       << "}";
  return line.str();
}

std::string write(std::int64_t columns, std::int64_t rows, const std::string& folder) {
  const bench::NucleiLattice lattice;
  const auto side = static_cast<double>(kCore_px);
  const auto windows = [&](std::int64_t cells) {
    return static_cast<std::int64_t>(std::ceil(static_cast<double>(cells) * lattice.pitch_px / side));
  };
  const std::int64_t before = resident_bytes();
  const double cpu = cpu_seconds(), wall = wall_seconds();
  Writers all = open_writers(folder);
  nuclei::Stitcher stitcher(static_cast<double>(kContext_px));
  std::int64_t accepted = 0;
  for (std::int64_t y = 0; y < windows(rows); ++y) {
    for (std::int64_t x = 0; x < windows(columns); ++x) {
      const nuclei::Core core{static_cast<double>(x) * side, static_cast<double>(y) * side,
                              static_cast<double>(x + 1) * side, static_cast<double>(y + 1) * side};
      const nuclei::NucleusList taken = stitcher.accept(core, seen_by(lattice, core, columns, rows));
      accepted += static_cast<std::int64_t>(taken.size());
      for (const auto& [format, writer] : all) writer->write(taken);
    }
  }
  std::ostringstream counts;
  counts << "\"expected\":" << columns * rows << ",\"accepted\":" << accepted << ",\"counts\":{";
  const char* comma = "";
  for (const auto& [format, writer] : all) {
    writer->close();
    counts << comma << "\"" << format << "\":" << writer->count();
    comma = ",";
  }
  counts << "}";
  return report(before, cpu, wall, counts.str());
}

std::string read(const std::string& path) {
  const std::int64_t before = resident_bytes();
  const double cpu = cpu_seconds(), wall = wall_seconds();
  const auto reader = readers::NucleusReader::open(path);
  std::int64_t count = 0;
  while (const auto list = reader->next({})) count += static_cast<std::int64_t>(list->size());
  return report(before, cpu, wall, "\"count\":" + std::to_string(count));
}

}  // namespace

int main(int argc, char** argv) {
  try {
    const std::string verb = argc > 1 ? argv[1] : "";
    if (verb == "write" && argc == 5) {
      std::printf("%s\n", write(std::stoll(argv[2]), std::stoll(argv[3]), argv[4]).c_str());
    } else if (verb == "read" && argc == 3) {
      std::printf("%s\n", read(argv[2]).c_str());
    } else {
      std::fprintf(stderr, "usage: nuclei_memory_bench write COLUMNS ROWS FOLDER | read FILE\n");
      return 2;
    }
  } catch (const std::exception& failure) {
    std::fprintf(stderr, "nuclei_memory_bench: %s\n", failure.what());
    return 1;
  }
  return 0;
}
