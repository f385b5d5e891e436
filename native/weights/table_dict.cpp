#include "weights/table_dict.hpp"

#include <algorithm>

#include "base/digest.hpp"
#include "base/error.hpp"
#include "base/text.hpp"

namespace histojet::weights {
namespace {

constexpr std::string_view kWrapperPrefix = "module.";

bool all_wrapped(const TableContent& content) {
  const auto wrapped = [](const std::string& name) {
    return name.starts_with(kWrapperPrefix) && name.size() > kWrapperPrefix.size();
  };
  return !content.items.empty() && std::all_of(content.items.begin(), content.items.end(), [&](const auto& item) {
    return wrapped(item.name);
  }) && std::all_of(content.unreadable.begin(), content.unreadable.end(), [&](const auto& pair) {
    return wrapped(pair.first);
  });
}

}  // namespace

TableDict::TableDict(TableContent content, PrefixRule rule)
    : path_(std::move(content.path)), format_(std::move(content.format)) {
  const bool strip = rule == PrefixRule::kStrip && all_wrapped(content);
  const std::size_t cut = strip ? kWrapperPrefix.size() : 0;
  metadata_ = std::move(content.metadata);
  if (strip) metadata_["histojet.stripped_prefix"] = kWrapperPrefix;

  names_.reserve(content.items.size());
  entries_.reserve(content.items.size());
  for (TableContent::Item& item : content.items) {
    names_.push_back(item.name.substr(cut));
    entries_.push_back(std::move(item.entry));
    index_.emplace(names_.back(), names_.size() - 1);
  }
  std::string listed;
  for (const auto& [name, type] : content.unreadable) {
    unreadable_.emplace(name.substr(cut), type);
    listed += (listed.empty() ? "" : ", ") + name.substr(cut) + " (" + type + ")";
  }
  if (!listed.empty()) metadata_["histojet.unreadable_tensors"] = listed;
}

std::size_t TableDict::index_of(std::string_view name) const {
  const auto found = index_.find(name);
  if (found != index_.end()) return found->second;
  const auto type = unreadable_.find(name);
  if (type != unreadable_.end()) {
    unsupported(path_, "tensor " + quote(name) + " has the element type " + type->second + ", which is not supported");
  }
  const std::string closest = closest_name(name, names_);
  throw Error(ErrorCode::kMissingWeight,
              path_ + ": there is no tensor " + quote(name) +
                  (closest.empty() ? " among its " + std::to_string(names_.size()) + " tensors"
                                   : "; the closest name is " + quote(closest)));
}

std::string sha256_of_files(const std::vector<std::string>& paths) {
  constexpr std::uint64_t kPiece = 1 << 20;
  std::vector<std::uint8_t> piece(kPiece);
  Sha256 digest;
  for (const std::string& path : paths) {
    const auto source = open_file(path);
    for (std::uint64_t at = 0; at < source->size(); at += kPiece) {
      const std::span<std::uint8_t> part(piece.data(), std::min(kPiece, source->size() - at));
      source->read_at(at, part);
      digest.update(part);
    }
  }
  return "sha256:" + hex(digest.finish());
}

}  // namespace histojet::weights
