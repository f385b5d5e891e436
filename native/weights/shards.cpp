#include <algorithm>
#include <filesystem>
#include <map>

#include "base/json_reader.hpp"
#include "base/text.hpp"
#include "weights/open.hpp"

namespace histojet::weights {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t kMaxIndexBytes = 100'000'000;
constexpr std::size_t kMaxShards = 10'000;

/// Name of a tensor → name of its shard.
using WeightMap = std::map<std::string, std::string>;

/// Only plain names may be opened: an index must never lead out of its folder.
void check_shard_name(const std::string& shard, const JsonReader& json) {
  const bool plain = !shard.empty() && shard != "." && shard != ".." &&
                     shard.find_first_of(std::string_view("/\\:\0", 4)) == std::string::npos;
  if (!plain) json.fail("the shard " + quote(shard) + " is not the plain name of a file beside the index");
}

WeightMap parse_index(const ByteSource& index) {
  if (index.size() > kMaxIndexBytes) corrupt(index.name(), "the index is longer than the allowed 100000000 bytes");
  const std::vector<std::uint8_t> text = index.read(0, index.size());
  JsonReader json({reinterpret_cast<const char*>(text.data()), text.size()}, index.name(), 0);
  WeightMap map;
  bool found = false;
  std::string key, name;
  json.begin_object("the index");
  while (json.next_member(key)) {
    if (key != "weight_map") {
      json.skip();
      continue;
    }
    found = true;
    json.begin_object("weight_map");
    while (json.next_member(name)) {
      const std::string shard = json.string("the shard of " + quote(name));
      check_shard_name(shard, json);
      map[name] = shard;
    }
  }
  json.finish();
  if (!found) unsupported(index.name(), "a JSON file, but no shard index: it has no weight_map");
  return map;
}

class ShardedDict final : public TableDict {
 public:
  struct Part {
    std::shared_ptr<const StateDict> dict;
    std::string name;
  };
  ShardedDict(TableContent content, std::vector<Part> parts, std::vector<std::string> files)
      : TableDict(std::move(content), PrefixRule::kStrip), parts_(std::move(parts)), files_(std::move(files)) {}

  std::string sha256() const override { return sha256_of_files(files_); }

 protected:
  Tensor read(std::size_t index) const override { return parts_[index].dict->get(parts_[index].name); }

 private:
  std::vector<Part> parts_;
  std::vector<std::string> files_;
};

}  // namespace

std::shared_ptr<const StateDict> open_shards(const std::shared_ptr<const ByteSource>& index,
                                             const OpenOptions& options) {
  const WeightMap map = parse_index(*index);
  std::map<std::string, std::shared_ptr<const StateDict>> shards;
  for (const auto& [name, shard] : map) shards[shard];
  if (shards.empty() || shards.size() > kMaxShards) {
    corrupt(index->name(), "the index names " + std::to_string(shards.size()) + " shards, expected 1 to 10000");
  }
  TableContent content{index->name(), {}, {}, {}, {}};
  std::vector<std::string> files;
  std::string unlisted;
  for (auto& [shard, dict] : shards) {
    files.push_back((fs::path(index->name()).parent_path() / shard).string());
    dict = open_source(open_file(files.back()), options, PrefixRule::kKeep);
    content.format = dict->format();
    content.metadata.insert(dict->metadata().begin(), dict->metadata().end());
    for (const std::string& name : dict->names()) {
      if (map.count(name) == 0 && unlisted.size() < 1000) unlisted += (unlisted.empty() ? "" : ", ") + name;
    }
  }
  std::vector<ShardedDict::Part> parts;
  for (const auto& [name, shard] : map) {
    const StateDict& dict = *shards[shard];
    if (!dict.contains(name)) {
      corrupt(index->name(), "tensor " + quote(name) + " should be in " + quote(shard) + ", but is not there");
    }
    content.items.push_back({name, dict.entry(name)});
    parts.push_back({shards[shard], name});
  }
  // Tensors that the map does not name are no error, but somebody will want to know.
  if (!unlisted.empty()) content.metadata["histojet.unlisted_tensors"] = unlisted;
  return std::make_shared<ShardedDict>(std::move(content), std::move(parts), std::move(files));
}

}  // namespace histojet::weights
