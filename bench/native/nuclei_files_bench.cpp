// Files of nuclei through the C++ API, one request per line on stdin, one JSON line each as answer. Nuclei have 18
// vertices and come in lists of a thousand, as from the windows of a slide.
//   write FORMAT COUNT FILE     time of a writer's whole life
//   read FILE                   time of reading all of it, and how many there are
#include <sys/stat.h>

#include <cstdio>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

#include "clock.hpp"
#include "lattice_nuclei.hpp"
#include "readers/nucleus_reader.hpp"
#include "serve_lines.hpp"
#include "writers/nucleus_writer.hpp"

namespace {

using namespace histojet;

constexpr std::int64_t kListSize = 1000;
constexpr std::int64_t kColumns = 1000;

std::vector<nuclei::NucleusList> make_lists(std::int64_t count) {
  const bench::NucleiLattice lattice{.pitch_px = 56, .vertices = 18};
  std::vector<nuclei::NucleusList> lists;
  for (std::int64_t i = 0; i < count; ++i) {
    if (i % kListSize == 0) lists.emplace_back();
    lattice.append(i % kColumns, i / kColumns, lists.back());
  }
  return lists;
}

writers::WriterOptions writer_options(const std::string& format, const std::string& path, int classes) {
  writers::WriterOptions options;
  options.path = path;
  options.format = format;
  options.mpp = 0.25;
  options.classes.push_back({"Background", {0, 0, 0}});
  for (int i = 1; i <= classes; ++i) {
    options.classes.push_back({"Class " + std::to_string(i), {static_cast<std::uint8_t>(40 * i), 90, 160}});
  }
  return options;
}

std::string timing(double cpu, double wall, std::int64_t count, std::int64_t bytes) {
  std::ostringstream text;
  text << "{\"cpuMs\":" << cpu_ms() - cpu << ",\"wallMs\":" << wall_ms() - wall << ",\"count\":" << count
       << ",\"bytes\":" << bytes << "}";
  return text.str();
}

std::int64_t file_size(const std::string& path) {
  struct stat info {};
  return stat(path.c_str(), &info) == 0 ? static_cast<std::int64_t>(info.st_size) : 0;
}

class Server {
 public:
  std::string answer(const std::string& line) {
    std::istringstream request(line);
    std::string verb, format, path;
    std::int64_t count = 0;
    request >> verb;
    if (verb == "read" && request >> path) return read(path);
    if (verb == "write" && request >> format >> count >> path) return write(format, count, path);
    throw std::invalid_argument("unknown request " + line);
  }

 private:
  std::string write(const std::string& format, std::int64_t count, const std::string& path) {
    if (count != count_) {
      lists_ = make_lists(count);
      count_ = count;
    }
    const double cpu = cpu_ms(), wall = wall_ms();
    const auto writer = writers::NucleusWriter::create(writer_options(format, path, bench::NucleiLattice{}.classes));
    for (const nuclei::NucleusList& list : lists_) writer->write(list);
    writer->close();
    return timing(cpu, wall, writer->count(), file_size(path));
  }

  static std::string read(const std::string& path) {
    const double cpu = cpu_ms(), wall = wall_ms();
    const auto reader = readers::NucleusReader::open(path);
    std::int64_t count = 0;
    while (const auto list = reader->next({})) count += static_cast<std::int64_t>(list->size());
    return timing(cpu, wall, count, file_size(path));
  }

  std::int64_t count_ = 0;
  std::vector<nuclei::NucleusList> lists_;
};

}  // namespace

int main() {
  Server server;
  return histojet::bench::serve_lines(server, "nuclei_files_bench");
}
