#include "slide/tiff_directory.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
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

bool is_signed(std::uint16_t type) {
  return type == 6 || type == 8 || type == 9 || type == 17;
}

/// Little-endian numbers as they lie in memory; the core runs on little-endian machines only.
template <class Stored>
void widen(const std::vector<std::uint8_t>& raw, std::vector<std::uint64_t>& values) {
  static_assert(std::endian::native == std::endian::little);
  for (std::size_t i = 0; i < values.size(); ++i) {
    Stored value;
    std::memcpy(&value, raw.data() + i * sizeof(Stored), sizeof(Stored));
    values[i] = value;
  }
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
  // Tile tables have up to millions of values, nearly all in this order and of these sizes.
  if (!file_->big_endian() && size == 4) {
    widen<std::uint32_t>(raw, values);
  } else if (!file_->big_endian() && size == 8) {
    widen<std::uint64_t>(raw, values);
  } else {
    for (std::size_t i = 0; i < values.size(); ++i) {
      values[i] = file_->decode(raw.data() + i * static_cast<std::size_t>(size), size);
    }
  }
  if (values.size() == 1) values[0] |= std::uint64_t{field.high} << 32;
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
  } else if (is_signed(field->type)) {
    const int unused_bits = 64 - 8 * type_size(field->type);
    const auto bits = file_->decode(raw.data(), type_size(field->type)) << unused_bits;
    value = static_cast<double>(static_cast<std::int64_t>(bits) >> unused_bits);
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
    ndpi_ = !big_endian_ && looks_like_ndpi();
    if (ndpi_) source_->read_at(0, head);
    read_chain(decode(head + 4, ndpi_ ? 8 : 4));
  } else {
    source_->read_at(0, head);
    if (decode(head + 4, 2) != 8 || decode(head + 6, 2) != 0) {
      throw Error(ErrorCode::kCorruptFile, source_->name() + ": BigTIFF header with offsets of " +
                                               std::to_string(decode(head + 4, 2)) + " bytes, expected 8");
    }
    read_chain(decode(head + 8, 8));
  }
  sub_directories_ = sub_directories_of(directories_.front(), warnings_);
}

std::uint64_t TiffFile::decode(const std::uint8_t* bytes, int size) const {
  std::uint64_t value = 0;
  for (int i = 0; i < size; ++i) value = value << 8 | bytes[big_endian_ ? i : size - 1 - i];
  return value;
}

bool TiffFile::looks_like_ndpi() const {
  std::uint8_t head[12];
  if (!source_->contains(0, sizeof(head))) return false;
  source_->read_at(0, head);
  const std::uint64_t offset = decode(head + 4, 8);
  if (!source_->contains(offset, 2)) return false;
  std::uint8_t word[2];
  source_->read_at(offset, word);
  const std::uint64_t count = decode(word, 2);
  if (!source_->contains(offset + 2, count * 12)) return false;
  const auto table = source_->read(offset + 2, count * 12);
  for (std::uint64_t i = 0; i < count; ++i) {
    if (decode(table.data() + i * 12, 2) == tag::kNdpiFormat) return true;
  }
  return false;
}

void TiffFile::read_field(const std::uint8_t* entry, std::uint64_t entry_offset, std::uint32_t high,
                          TiffDirectory& directory) const {
  const int offset_size = big_tiff_ ? 8 : 4;
  const int value_at = 4 + offset_size;
  TiffField field;
  field.type = static_cast<std::uint16_t>(decode(entry + 2, 2));
  field.count = decode(entry + 4, offset_size);
  const auto length = checked_mul(field.count, static_cast<std::uint64_t>(type_size(field.type)));
  const bool fits = length && *length <= static_cast<std::uint64_t>(offset_size);
  if (fits && !(ndpi_ && field.type == 2)) {
    field.offset = entry_offset + static_cast<std::uint64_t>(value_at);
    if (field.type == 4 && field.count == 1) field.high = high;
  } else {
    field.offset = decode(entry + value_at, offset_size) | std::uint64_t{high} << 32;
  }
  directory.fields_.emplace(static_cast<std::uint16_t>(decode(entry, 2)), field);
}

std::uint64_t TiffFile::read_directory(std::uint64_t offset, std::vector<TiffDirectory>& list, const std::string& name,
                                       std::uint64_t& total_fields) const {
  const int count_size = big_tiff_ ? 8 : 2;
  const std::uint64_t field_size = big_tiff_ ? 20 : 12;
  const int next_size = big_tiff_ || ndpi_ ? 8 : 4;
  std::uint8_t word[8];
  source_->read_at(offset, std::span(word).first(static_cast<std::size_t>(count_size)));
  const std::uint64_t count = decode(word, count_size);
  const std::uint64_t start = offset + static_cast<std::uint64_t>(count_size);
  const auto tail = static_cast<std::uint64_t>(next_size);
  if (count == 0 || count > kMaxFieldsPerDirectory || !source_->contains(start, count * field_size + tail)) {
    throw Error(ErrorCode::kCorruptFile, source_->name() + ": " + name + " at offset " + std::to_string(offset) +
                                             " claims " + std::to_string(count) + " fields, which do not fit the file");
  }
  total_fields += count;
  if (total_fields > kMaxFieldsPerFile) {
    throw Error(ErrorCode::kCorruptFile, source_->name() + ": more than a million fields in all directories");
  }
  const std::uint64_t table = count * field_size;
  const auto raw = source_->read(start, table + tail);
  std::vector<std::uint8_t> high_words(static_cast<std::size_t>(count * 4));
  // The last directory of a file may lack them.
  if (ndpi_ && source_->contains(start + table + tail, count * 4)) source_->read_at(start + table + tail, high_words);
  TiffDirectory directory(*this, name);
  for (std::uint64_t i = 0; i < count; ++i) {
    const auto high = static_cast<std::uint32_t>(decode(high_words.data() + i * 4, 4));
    read_field(raw.data() + i * field_size, start + i * field_size, high, directory);
  }
  list.push_back(std::move(directory));
  return decode(raw.data() + table, next_size);
}

void TiffFile::read_chain(std::uint64_t first) {
  std::set<std::uint64_t> seen;
  std::uint64_t total_fields = 0;
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
      offset = read_directory(offset, directories_, name, total_fields);
    } catch (const Error& error) {
      if (directories_.empty() || error.code() != ErrorCode::kCorruptFile) throw;
      warnings_.push_back(std::string(error.what()) + "; the directories from here on are ignored");
      break;
    }
  }
  if (directories_.empty()) throw Error(ErrorCode::kCorruptFile, source_->name() + ": TIFF without directories");
}

std::vector<TiffDirectory> TiffFile::sub_directories_of(const TiffDirectory& parent,
                                                        std::vector<std::string>& warnings) const {
  std::vector<TiffDirectory> found;
  if (!parent.has(tag::kSubIfds)) return found;
  const std::uint64_t count = parent.count(tag::kSubIfds);
  std::set<std::uint64_t> seen;
  std::uint64_t total_fields = 0;
  try {
    if (count > kMaxSubDirectories) warnings.push_back("more than 64 sub-directories; the rest is ignored");
    for (const std::uint64_t offset : parent.integers(tag::kSubIfds, std::min(count, kMaxSubDirectories))) {
      if (offset == 0 || !seen.insert(offset).second) continue;
      read_directory(offset, found, "sub-directory " + std::to_string(found.size()), total_fields);
    }
  } catch (const Error& error) {
    if (error.code() != ErrorCode::kCorruptFile) throw;
    warnings.push_back(std::string(error.what()) + "; the sub-directories from here on are ignored");
  }
  return found;
}

}  // namespace histojet::slide
