#include "weights/safetensors.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <limits>
#include <optional>

#include "base/checked.hpp"
#include "base/error.hpp"
#include "base/json_reader.hpp"
#include "base/text.hpp"

namespace histojet::weights {
namespace {

constexpr std::uint64_t kMaxHeaderBytes = 100'000'000;
constexpr std::size_t kMaxRank = 64;

/// An element type of the format; those without a DType are listed but cannot be read.
struct FileType {
  std::string_view name;
  std::uint64_t bits;
  std::optional<DType> dtype;
};

constexpr std::array<FileType, 22> kFileTypes{{
    {"BOOL", 8, DType::kBool},        {"U8", 8, DType::kU8},          {"I8", 8, DType::kI8},
    {"I16", 16, DType::kI16},         {"U16", 16, DType::kU16},       {"F16", 16, DType::kF16},
    {"BF16", 16, DType::kBF16},       {"I32", 32, DType::kI32},       {"U32", 32, DType::kU32},
    {"F32", 32, DType::kF32},         {"I64", 64, DType::kI64},       {"U64", 64, DType::kU64},
    {"F64", 64, DType::kF64},         {"F8_E4M3", 8, DType::kF8E4M3}, {"F8_E5M2", 8, DType::kF8E5M2},
    {"C64", 64, std::nullopt},        {"F8_E8M0", 8, std::nullopt},   {"F8_E4M3FNUZ", 8, std::nullopt},
    {"F8_E5M2FNUZ", 8, std::nullopt}, {"F6_E2M3", 6, std::nullopt},   {"F6_E3M2", 6, std::nullopt},
    {"F4", 4, std::nullopt},
}};

/// One tensor as the header describes it; `begin` and `end` count from the start of the data.
struct Record {
  std::string name;
  const FileType* type = nullptr;
  Shape shape;
  std::uint64_t begin = 0;
  std::uint64_t end = 0;
};

struct Header {
  std::vector<Record> records;
  std::map<std::string, std::string> metadata;
};

const FileType& parse_type(JsonReader& json, const std::string& where) {
  const std::string name = json.string("the dtype of " + where);
  const auto found =
      std::find_if(kFileTypes.begin(), kFileTypes.end(), [&](const FileType& t) { return t.name == name; });
  if (found == kFileTypes.end()) json.fail(where + " has the unknown dtype " + quote(name));
  return *found;
}

Shape parse_shape(JsonReader& json, const std::string& where) {
  Shape shape;
  json.begin_array("the shape of " + where);
  while (json.next_element()) {
    const std::uint64_t side = json.unsigned_integer("a dimension of " + where);
    if (side > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()) || shape.size() == kMaxRank) {
      json.fail(where + " has more than 64 dimensions or one above 2^63");
    }
    shape.push_back(static_cast<std::int64_t>(side));
  }
  return shape;
}

void parse_offsets(JsonReader& json, const std::string& where, Record& record) {
  json.begin_array("the data_offsets of " + where);
  std::vector<std::uint64_t> offsets;
  while (json.next_element()) {
    offsets.push_back(json.unsigned_integer("a data offset of " + where));
    if (offsets.size() > 2) json.fail(where + " has more than two data offsets");
  }
  if (offsets.size() != 2) json.fail(where + " must have two data offsets");
  record.begin = offsets[0];
  record.end = offsets[1];
}

Record parse_record(JsonReader& json, std::string name) {
  const std::string where = "tensor " + quote(name);
  Record record{std::move(name)};
  bool shape = false, offsets = false;
  std::string member;
  json.begin_object(where);
  while (json.next_member(member)) {
    if (member == "dtype") {
      record.type = &parse_type(json, where);
    } else if (member == "shape") {
      record.shape = parse_shape(json, where);
      shape = true;
    } else if (member == "data_offsets") {
      parse_offsets(json, where, record);
      offsets = true;
    } else {
      json.skip();
    }
  }
  if (record.type == nullptr || !shape || !offsets) {
    json.fail(where + " lacks its " + (record.type == nullptr ? "dtype" : !shape ? "shape" : "data_offsets"));
  }
  return record;
}

Header parse_header(std::string_view text, const std::string& file) {
  JsonReader json(text, file, 8);
  Header header;
  std::string key;
  json.begin_object("the header");
  while (json.next_member(key)) {
    if (key != "__metadata__") {
      header.records.push_back(parse_record(json, key));
      continue;
    }
    std::string name;
    json.begin_object("__metadata__");
    while (json.next_member(name)) header.metadata[name] = json.string("the metadata entry " + quote(name));
  }
  json.finish();
  return header;
}

/// Bytes that dtype and shape ask for; every step is checked, so that no zero hides an overflow before it.
std::uint64_t bytes_of(const Record& record, const std::string& file) {
  const auto too_large = [&] {
    corrupt(file, "tensor " + quote(record.name) + ": its shape " + shape_text(record.shape) + " overflows 64 bits");
  };
  std::optional<std::uint64_t> count = 1;
  for (const std::int64_t side : record.shape) {
    count = checked_mul(*count, static_cast<std::uint64_t>(side));
    if (!count) too_large();
  }
  const auto bits = checked_mul(*count, record.type->bits);
  if (!bits) too_large();
  if (*bits % 8 != 0) corrupt(file, "tensor " + quote(record.name) + ": its data do not fill whole bytes");
  return *bits / 8;
}

/// The records must tile the data exactly, in whatever order the header lists them.
void check_layout(std::vector<Record>& records, std::uint64_t data_bytes, std::uint64_t data_start,
                  const std::string& file) {
  std::sort(records.begin(), records.end(),
            [](const Record& a, const Record& b) { return a.begin != b.begin ? a.begin < b.begin : a.end < b.end; });
  std::uint64_t expected = 0;
  for (const Record& record : records) {
    const std::string where = "tensor " + quote(record.name);
    const std::string range = std::to_string(record.begin) + " to " + std::to_string(record.end);
    if (record.end < record.begin) corrupt(file, where + ": its data offsets " + range + " run backwards");
    if (record.begin != expected) {
      corrupt_at(file, data_start,
                 where + " lies at " + range + " of the data, expected it to begin at " + std::to_string(expected) +
                     ": tensors must neither overlap nor leave holes");
    }
    if (record.end > data_bytes) {
      corrupt_at(file, data_start,
                 where + " lies at " + range + " of the data, but the file holds only " + std::to_string(data_bytes) +
                     " bytes of data (truncated?)");
    }
    const std::uint64_t bytes = bytes_of(record, file);
    if (bytes != record.end - record.begin) {
      corrupt(file, where + ": " + std::string(record.type->name) + " of shape " + shape_text(record.shape) +
                        " needs " + std::to_string(bytes) + " bytes, its data offsets " + range + " hold " +
                        std::to_string(record.end - record.begin));
    }
    expected = record.end;
  }
  if (expected != data_bytes) {
    corrupt_at(file, data_start + expected,
               std::to_string(data_bytes - expected) + " bytes follow the last tensor and belong to none");
  }
}

class SafetensorsDict final : public TableDict {
 public:
  SafetensorsDict(TableContent content, PrefixRule rule, std::shared_ptr<const ByteSource> source,
                  std::vector<std::uint64_t> offsets)
      : TableDict(std::move(content), rule), source_(std::move(source)), offsets_(std::move(offsets)) {}

  std::string sha256() const override { return sha256_of_files({path()}); }

 protected:
  Tensor read(std::size_t index) const override {
    const Entry& entry = entry_at(index);
    Tensor tensor(entry.dtype, entry.shape);
    source_->read_at(offsets_[index], {tensor.bytes(), tensor.byte_size()});
    return tensor;
  }

 private:
  std::shared_ptr<const ByteSource> source_;
  std::vector<std::uint64_t> offsets_;
};

Header read_header(const ByteSource& source, std::uint64_t& data_start) {
  const std::string& file = source.name();
  if (source.size() < 8) {
    corrupt(file,
            "too short for a safetensors file: expected at least 8 bytes, found " + std::to_string(source.size()));
  }
  std::uint64_t header_bytes;
  std::array<std::uint8_t, 8> length;
  source.read_at(0, length);
  std::memcpy(&header_bytes, length.data(), 8);
  if (header_bytes > kMaxHeaderBytes || header_bytes > source.size() - 8) {
    corrupt_at(file, 0,
               "the header should have " + std::to_string(header_bytes) + " bytes, more than " +
                   (header_bytes > kMaxHeaderBytes ? "the allowed 100000000" : "the file holds (truncated?)"));
  }
  const std::vector<std::uint8_t> text = source.read(8, header_bytes);
  Header header = parse_header({reinterpret_cast<const char*>(text.data()), text.size()}, file);
  data_start = 8 + header_bytes;
  check_layout(header.records, source.size() - data_start, data_start, file);
  return header;
}

}  // namespace

std::shared_ptr<const StateDict> open_safetensors(const std::shared_ptr<const ByteSource>& source, PrefixRule rule) {
  std::uint64_t data_start = 0;
  Header header = read_header(*source, data_start);
  std::sort(header.records.begin(), header.records.end(),
            [](const Record& a, const Record& b) { return a.name < b.name; });

  TableContent content{source->name(), "safetensors", {}, std::move(header.metadata), {}};
  std::vector<std::uint64_t> offsets;
  for (Record& record : header.records) {
    if (!record.type->dtype) {
      content.unreadable.emplace(std::move(record.name), record.type->name);
      continue;
    }
    content.items.push_back({std::move(record.name), {*record.type->dtype, std::move(record.shape)}});
    offsets.push_back(data_start + record.begin);
  }
  return std::make_shared<SafetensorsDict>(std::move(content), rule, source, std::move(offsets));
}

}  // namespace histojet::weights
