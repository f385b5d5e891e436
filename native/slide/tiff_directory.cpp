#include "slide/tiff_directory.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <set>

#include "base/checked.hpp"
#include "base/error.hpp"

namespace histojet::slide {
namespace {

constexpr std::uint64_t kMaxDirectories = 65536;
constexpr std::uint64_t kMaxSubDirectories = 64;
constexpr std::uint64_t kMaxFieldsPerDirectory = 65535;
// Directories may overlap in a hostile file, so that their number alone bounds nothing.
constexpr std::uint64_t kMaxFieldsPerFile = 1 << 20;
constexpr std::uint64_t kMaxFieldBytes = 64 << 20;

/// Bytes of one value of a field type, 0 for unknown types.
int type_size(std::uint16_t type) {
  constexpr int kSizes[] = {0, 1, 1, 2, 4, 8, 1, 1, 2, 4, 8, 4, 8, 4, 0, 0, 8, 8, 8};
  return type < std::size(kSizes) ? kSizes[type] : 0;
}

bool is_unsigned(std::uint16_t type) {
  return type == 1 || type == 3 || type == 4 || type == 13 || type == 16 || type == 18;
}

std::string tag_name(std::uint16_t tag) {
  return "tag " + std::to_string(tag);
}

}  // namespace

std::uint64_t TiffDirectory::count(std::uint16_t tag) const {
  const TiffField* field = find(tag);
  return field == nullptr ? 0 : field->count;
}

const TiffField* TiffDirectory::find(std::uint16_t tag) const {
  const auto found = fields_.find(tag);
  return found == fields_.end() ? nullptr : &found->second;
}

std::vector<std::uint8_t> TiffDirectory::read(std::uint16_t tag, const TiffField& field, std::uint64_t count) const {
  const auto length = checked_mul(count, static_cast<std::uint64_t>(type_size(field.type)));
  if (!length || !file_->source().contains(field.offset, *length)) {
    throw Error(ErrorCode::kCorruptFile, file_->source().name() + ": " + name_ + ", " + tag_name(tag) + ": " +
                                             std::to_string(count) + " values at offset " +
                                             std::to_string(field.offset) + " lie beyond the end of the file");
  }
  return file_->source().read(field.offset, *length);
}

void TiffDirectory::check_integers(std::uint16_t tag, std::uint64_t count) const {
  const TiffField* field = find(tag);
  const auto where = [&] { return file_->source().name() + ": " + name_ + ", " + tag_name(tag) + ": "; };
  if (field == nullptr) throw Error(ErrorCode::kCorruptFile, where() + "missing");
  if (!is_unsigned(field->type)) {
    throw Error(ErrorCode::kCorruptFile,
                where() + "field type " + std::to_string(field->type) + " is no unsigned integer");
  }
  // More values than needed are harmless, a count whose size wraps is an attack.
  if (field->count < count || !checked_mul(field->count, 8)) {
    throw Error(ErrorCode::kCorruptFile, where() + "expected at least " + std::to_string(count) + " values, got " +
                                             std::to_string(field->count));
  }
  const auto length = checked_mul(count, static_cast<std::uint64_t>(type_size(field->type)));
  if (!length || !file_->source().contains(field->offset, *length)) {
    throw Error(ErrorCode::kCorruptFile, where() + std::to_string(count) + " values at offset " +
                                             std::to_string(field->offset) + " lie beyond the end of the file");
  }
}

std::vector<std::uint64_t> TiffDirectory::integers(std::uint16_t tag, std::uint64_t count) const {
  check_integers(tag, count);
  const TiffField& field = *find(tag);
  const std::vector<std::uint8_t> raw = read(tag, field, count);
  const int size = type_size(field.type);
  std::vector<std::uint64_t> values(static_cast<std::size_t>(count));
  for (std::size_t i = 0; i < values.size(); ++i) {
    values[i] = file_->decode(raw.data() + i * static_cast<std::size_t>(size), size);
  }
  return values;
}

std::optional<std::uint64_t> TiffDirectory::integer(std::uint16_t tag) const {
  if (!has(tag)) return std::nullopt;
  return integers(tag, 1).front();
}

std::optional<double> TiffDirectory::number(std::uint16_t tag) const {
  const TiffField* field = find(tag);
  if (field == nullptr || field->count < 1 || type_size(field->type) == 0) return std::nullopt;
  const std::vector<std::uint8_t> raw = read(tag, *field, 1);
  double value = 0;
  if (field->type == 5 || field->type == 10) {
    const auto above = static_cast<std::uint32_t>(file_->decode(raw.data(), 4));
    const auto below = static_cast<std::uint32_t>(file_->decode(raw.data() + 4, 4));
    if (below == 0) return std::nullopt;
    value = field->type == 5 ? static_cast<double>(above) / below
                             : static_cast<double>(static_cast<std::int32_t>(above)) / static_cast<std::int32_t>(below);
  } else if (field->type == 11) {
    value = std::bit_cast<float>(static_cast<std::uint32_t>(file_->decode(raw.data(), 4)));
  } else if (field->type == 12) {
    value = std::bit_cast<double>(file_->decode(raw.data(), 8));
  } else if (is_unsigned(field->type)) {
    value = static_cast<double>(file_->decode(raw.data(), type_size(field->type)));
  } else {
    return std::nullopt;
  }
  if (!std::isfinite(value)) return std::nullopt;
  return value;
}

std::optional<std::vector<std::uint8_t>> TiffDirectory::bytes(std::uint16_t tag) const {
  const TiffField* field = find(tag);
  if (field == nullptr || type_size(field->type) == 0) return std::nullopt;
  const auto length = checked_mul(field->count, static_cast<std::uint64_t>(type_size(field->type)));
  if (!length || *length > kMaxFieldBytes) {
    throw Error(ErrorCode::kCorruptFile,
                file_->source().name() + ": " + name_ + ", " + tag_name(tag) + ": more than 64 MiB in one field");
  }
  return read(tag, *field, field->count);
}

std::optional<std::string> TiffDirectory::text(std::uint16_t tag) const {
  const TiffField* field = find(tag);
  // Some writers store text as bytes or as "undefined".
  if (field == nullptr || (field->type != 2 && field->type != 1 && field->type != 7)) return std::nullopt;
  const auto raw = bytes(tag);
  return std::string(raw->begin(), std::find(raw->begin(), raw->end(), 0));
}

bool TiffFile::looks_like_tiff(std::span<const std::uint8_t> head) {
  if (head.size() < 8) return false;
  const bool little = head[0] == 'I' && head[1] == 'I' && (head[2] == 42 || head[2] == 43) && head[3] == 0;
  const bool big = head[0] == 'M' && head[1] == 'M' && (head[3] == 42 || head[3] == 43) && head[2] == 0;
  return little || big;
}

TiffFile::TiffFile(std::shared_ptr<const ByteSource> source) : source_(std::move(source)) {
  std::uint8_t head[16] = {};
  source_->read_at(0, std::span(head).first(8));
  if (!looks_like_tiff(head)) throw Error(ErrorCode::kCorruptFile, source_->name() + ": no TIFF header");
  big_endian_ = head[0] == 'M';
  big_tiff_ = decode(head + 2, 2) == 43;
  if (!big_tiff_) {
    read_chain(decode(head + 4, 4));
  } else {
    source_->read_at(0, head);
    if (decode(head + 4, 2) != 8 || decode(head + 6, 2) != 0) {
      throw Error(ErrorCode::kCorruptFile, source_->name() + ": BigTIFF header with offsets of " +
                                               std::to_string(decode(head + 4, 2)) + " bytes, expected 8");
    }
    read_chain(decode(head + 8, 8));
  }
  read_sub_directories();
}

std::uint64_t TiffFile::decode(const std::uint8_t* bytes, int size) const {
  std::uint64_t value = 0;
  for (int i = 0; i < size; ++i) value = value << 8 | bytes[big_endian_ ? i : size - 1 - i];
  return value;
}

std::uint64_t TiffFile::read_directory(std::uint64_t offset, std::vector<TiffDirectory>& list,
                                       const std::string& name) {
  const int count_size = big_tiff_ ? 8 : 2;
  const int field_size = big_tiff_ ? 20 : 12;
  const int offset_size = big_tiff_ ? 8 : 4;
  std::uint8_t word[8];
  source_->read_at(offset, std::span(word).first(static_cast<std::size_t>(count_size)));
  const std::uint64_t count = decode(word, count_size);
  const std::uint64_t start = offset + static_cast<std::uint64_t>(count_size);
  if (count == 0 || count > kMaxFieldsPerDirectory ||
      !source_->contains(start,
                         count * static_cast<std::uint64_t>(field_size) + static_cast<std::uint64_t>(offset_size))) {
    throw Error(ErrorCode::kCorruptFile, source_->name() + ": " + name + " at offset " + std::to_string(offset) +
                                             " claims " + std::to_string(count) + " fields, which do not fit the file");
  }
  total_fields_ += count;
  if (total_fields_ > kMaxFieldsPerFile) {
    throw Error(ErrorCode::kCorruptFile, source_->name() + ": more than a million fields in all directories");
  }
  const std::uint64_t table = count * static_cast<std::uint64_t>(field_size);
  const auto raw = source_->read(start, table + static_cast<std::uint64_t>(offset_size));
  TiffDirectory directory(*this, name);
  for (std::uint64_t i = 0; i < count; ++i) {
    const std::uint8_t* at = raw.data() + i * static_cast<std::uint64_t>(field_size);
    TiffField field;
    field.type = static_cast<std::uint16_t>(decode(at + 2, 2));
    field.count = decode(at + 4, offset_size);
    const int value_at = 4 + offset_size;
    const auto length = checked_mul(field.count, static_cast<std::uint64_t>(type_size(field.type)));
    const bool is_inline = length && *length <= static_cast<std::uint64_t>(offset_size);
    field.offset = is_inline ? start + i * static_cast<std::uint64_t>(field_size) + static_cast<std::uint64_t>(value_at)
                             : decode(at + value_at, offset_size);
    directory.fields_.emplace(static_cast<std::uint16_t>(decode(at, 2)), field);
  }
  list.push_back(std::move(directory));
  return decode(raw.data() + table, offset_size);
}

void TiffFile::read_chain(std::uint64_t first) {
  std::set<std::uint64_t> seen;
  for (std::uint64_t offset = first; offset != 0;) {
    const std::string name = "directory " + std::to_string(directories_.size());
    if (!seen.insert(offset).second) {
      warnings_.push_back("the chain of directories returns to offset " + std::to_string(offset) + " after " +
                          std::to_string(directories_.size()) + " directories");
      break;
    }
    if (directories_.size() == kMaxDirectories) {
      warnings_.push_back("more than 65536 directories; the rest is ignored");
      break;
    }
    try {
      offset = read_directory(offset, directories_, name);
    } catch (const Error& error) {
      if (directories_.empty() || error.code() != ErrorCode::kCorruptFile) throw;
      warnings_.push_back(std::string(error.what()) + "; the directories from here on are ignored");
      break;
    }
  }
  if (directories_.empty()) throw Error(ErrorCode::kCorruptFile, source_->name() + ": TIFF without directories");
}

void TiffFile::read_sub_directories() {
  const TiffDirectory& main = directories_.front();
  if (!main.has(tag::kSubIfds)) return;
  const std::uint64_t count = main.count(tag::kSubIfds);
  std::set<std::uint64_t> seen;
  try {
    if (count > kMaxSubDirectories) warnings_.push_back("more than 64 sub-directories; the rest is ignored");
    for (const std::uint64_t offset : main.integers(tag::kSubIfds, std::min(count, kMaxSubDirectories))) {
      if (offset == 0 || !seen.insert(offset).second) continue;
      read_directory(offset, sub_directories_, "sub-directory " + std::to_string(sub_directories_.size()));
    }
  } catch (const Error& error) {
    if (error.code() != ErrorCode::kCorruptFile) throw;
    warnings_.push_back(std::string(error.what()) + "; the sub-directories from here on are ignored");
  }
}

}  // namespace histojet::slide
