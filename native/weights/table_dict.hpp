#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "weights/state_dict.hpp"

namespace histojet::weights {

/// Where names that share the prefix "module." (DataParallel wrappers) lose it. Shards keep it: only their union
/// counts.
enum class PrefixRule { kStrip, kKeep };

/// What a reader found out about a checkpoint when it opened it.
struct TableContent {
  struct Item {
    std::string name;
    StateDict::Entry entry;
  };
  std::string path;
  std::string format;
  /// In the order in which `names()` shall show them; names are unique.
  std::vector<Item> items;
  std::map<std::string, std::string> metadata;
  /// Tensors whose element type histojet cannot hold: name → type. Listed in metadata "histojet.unreadable_tensors".
  std::map<std::string, std::string> unreadable;
};

/// The part of StateDict that all formats share: the table of names, look-up, and messages about missing names.
class TableDict : public StateDict {
 public:
  TableDict(TableContent content, PrefixRule rule);

  const std::string& path() const override { return path_; }
  const std::string& format() const override { return format_; }
  const std::vector<std::string>& names() const override { return names_; }
  const Entry& entry(std::string_view name) const override { return entries_[index_of(name)]; }
  bool contains(std::string_view name) const override { return index_.find(name) != index_.end(); }
  Tensor get(std::string_view name) const override { return read(index_of(name)); }
  const std::map<std::string, std::string>& metadata() const override { return metadata_; }

 protected:
  /// Reads the tensor at this position of `TableContent::items`.
  virtual Tensor read(std::size_t index) const = 0;
  const Entry& entry_at(std::size_t index) const { return entries_[index]; }
  const std::string& name_at(std::size_t index) const { return names_[index]; }

 private:
  std::size_t index_of(std::string_view name) const;

  std::string path_;
  std::string format_;
  std::vector<std::string> names_;
  std::vector<Entry> entries_;
  std::map<std::string, std::size_t, std::less<>> index_;
  std::map<std::string, std::string> metadata_;
  std::map<std::string, std::string, std::less<>> unreadable_;
};

/// "sha256:…" over the whole content of the files, one after the other.
std::string sha256_of_files(const std::vector<std::string>& paths);

}  // namespace histojet::weights
