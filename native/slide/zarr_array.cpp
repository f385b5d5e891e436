#include "slide/zarr_array.hpp"

#include <algorithm>
#include <filesystem>

#include "base/checked.hpp"
#include "base/error.hpp"
#include "base/json_reader.hpp"
#include "base/text.hpp"
#include "codecs/blosc.hpp"
#include "codecs/deflate.hpp"
#include "codecs/zstd.hpp"
#include "slide/scratch.hpp"

namespace histojet::slide {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t kMaxTextBytes = 16 << 20;
constexpr std::uint64_t kMaxSide = 0x7FFFFFFF;
constexpr std::uint64_t kMaxChunkBytes = 1 << 30;
// Chunks of one colour shrink to almost nothing, but only small ones may be taken at their word.
constexpr std::uint64_t kTrustedBytes = 64 << 20;
constexpr std::uint64_t kMaxShrink = 4096;
constexpr std::size_t kMaxAxes = 8;
constexpr std::size_t kJsonDepth = 32;

std::vector<std::uint64_t> integers(JsonReader& json, const char* what) {
  std::vector<std::uint64_t> values;
  json.begin_array(what);
  while (json.next_element()) {
    if (values.size() == kMaxAxes) json.fail("more than 8 axes");
    values.push_back(json.unsigned_integer(what));
  }
  return values;
}

/// The member `key` of an object as a string, the other members forgotten.
std::string string_member(JsonReader& json, const char* what, std::string_view wanted) {
  std::string key, found;
  json.begin_object(what);
  while (json.next_member(key)) {
    if (key == wanted) {
      found = json.string(what);
    } else {
      json.skip();
    }
  }
  return found;
}

}  // namespace

std::string read_zarr_text(const ByteSource& source) {
  if (source.size() > kMaxTextBytes) corrupt(source.name(), "metadata of more than 16 MiB");
  const auto bytes = source.read(0, source.size());
  return {bytes.begin(), bytes.end()};
}

ZarrArray::ZarrArray(const std::string& folder) : folder_(folder) {
  std::error_code status;
  const fs::path path(folder);
  const bool third = !fs::exists(path / ".zarray", status) && fs::exists(path / "zarr.json", status);
  metadata_ = open_file((path / (third ? "zarr.json" : ".zarray")).string());
  const std::string text = read_zarr_text(*metadata_);
  third ? read_version_3(text) : read_version_2(text);
  check();
}

void ZarrArray::set_type(const std::string& type) {
  const bool one = type == "|u1" || type == "<u1" || type == "u1" || type == "uint8";
  const bool two = type == "<u2" || type == ">u2" || type == "uint16";
  if (!one && !two) unsupported(metadata_->name(), "samples of the type " + quote(type) + ", expected uint8 or uint16");
  sample_bytes_ = two ? 2 : 1;
  if (type == ">u2") big_endian_ = true;
}

void ZarrArray::set_codec(const std::string& name) {
  if (name.empty()) return;
  codec_ = name == "zlib"    ? Codec::kZlib
           : name == "gzip"  ? Codec::kGzip
           : name == "zstd"  ? Codec::kZstd
           : name == "blosc" ? Codec::kBlosc
                             : Codec::kNone;
  if (codec_ == Codec::kNone) unsupported(metadata_->name(), "the compression " + quote(name) + " is not supported");
}

void ZarrArray::read_version_2(const std::string& text) {
  JsonReader json(text, metadata_->name(), 0, kJsonDepth);
  std::string key;
  json.begin_object("the array");
  while (json.next_member(key)) {
    if (key == "shape") {
      shape_ = integers(json, "shape");
    } else if (key == "chunks") {
      chunk_ = integers(json, "chunks");
    } else if (key == "dtype") {
      set_type(json.string("dtype"));
    } else if (key == "dimension_separator") {
      separator_ = json.string("dimension_separator");
    } else if (key == "compressor") {
      if (json.peek() == JsonReader::Kind::kNull) {
        json.skip();
      } else {
        set_codec(string_member(json, "compressor", "id"));
      }
    } else if (key == "fill_value" && json.peek() == JsonReader::Kind::kNumber) {
      fill_ = json.unsigned_integer("fill_value");
    } else if (key == "order") {
      if (json.string("order") != "C") unsupported(metadata_->name(), "samples in the order F");
    } else if (key == "filters" && json.peek() == JsonReader::Kind::kArray) {
      json.begin_array("filters");
      if (json.next_element()) unsupported(metadata_->name(), "filters of chunks are not supported");
    } else {
      json.skip();
    }
  }
  json.finish();
}

void ZarrArray::read_version_3(const std::string& text) {
  JsonReader json(text, metadata_->name(), 0, kJsonDepth);
  std::string key, inner;
  separator_ = "/";
  prefix_ = "c/";
  // An object {"name": …, "configuration": {…}} of which `use` reads the members of the configuration.
  const auto named = [&](const char* what, const auto& use) {
    std::string name;
    json.begin_object(what);
    while (json.next_member(key)) {
      if (key == "name") {
        name = json.string(what);
      } else if (key == "configuration") {
        json.begin_object(what);
        while (json.next_member(inner)) use(inner);
      } else {
        json.skip();
      }
    }
    return name;
  };
  const auto forget = [&](const std::string&) { json.skip(); };
  json.begin_object("the array");
  std::string member;
  while (json.next_member(member)) {
    if (member == "shape") {
      shape_ = integers(json, "shape");
    } else if (member == "data_type") {
      set_type(json.peek() == JsonReader::Kind::kString ? json.string("data_type") : "(extension)");
    } else if (member == "fill_value" && json.peek() == JsonReader::Kind::kNumber) {
      fill_ = json.unsigned_integer("fill_value");
    } else if (member == "chunk_grid") {
      const std::string kind = named("chunk_grid", [&](const std::string& setting) {
        setting == "chunk_shape" ? void(chunk_ = integers(json, "chunk_shape")) : json.skip();
      });
      if (kind != "regular") unsupported(metadata_->name(), "chunks that are no regular grid");
    } else if (member == "chunk_key_encoding") {
      bool separated = false;
      const std::string kind = named("chunk_key_encoding", [&](const std::string& setting) {
        separated = setting == "separator";
        separated ? void(separator_ = json.string("separator")) : json.skip();
      });
      if (kind == "v2") {
        prefix_.clear();
        if (!separated) separator_ = ".";
      } else {
        prefix_ = "c" + separator_;
      }
    } else if (member == "codecs") {
      json.begin_array("codecs");
      while (json.next_element()) {
        const std::string codec = named("a codec", [&](const std::string& setting) {
          setting == "endian" ? void(big_endian_ = json.string("endian") == "big") : forget(setting);
        });
        if (codec == "sharding_indexed") unsupported(metadata_->name(), "Zarr 3 with shards is not supported");
        if (codec != "bytes") set_codec(codec);
      }
    } else if (member == "storage_transformers" && json.peek() == JsonReader::Kind::kArray) {
      json.begin_array("storage_transformers");
      if (json.next_element()) unsupported(metadata_->name(), "storage transformers are not supported");
    } else {
      json.skip();
    }
  }
  json.finish();
}

void ZarrArray::check() {
  const std::string& name = metadata_->name();
  if (shape_.empty() || shape_.size() != chunk_.size()) corrupt(name, "shape and chunks do not have the same axes");
  if (separator_ != "." && separator_ != "/") corrupt(name, "expected the separator '.' or '/'");
  if (fill_ > (sample_bytes_ == 2 ? 65535U : 255U)) corrupt(name, "the fill value does not fit into a sample");
  chunk_bytes_ = sample_bytes_;
  for (std::size_t axis = 0; axis < shape_.size(); ++axis) {
    if (shape_[axis] < 1 || shape_[axis] > kMaxSide || chunk_[axis] < 1) {
      corrupt(name, "expected sides of 1..2147483647 and chunks of at least 1");
    }
    const auto product = checked_mul(chunk_bytes_, chunk_[axis]);
    if (!product || *product > kMaxChunkBytes) unsupported(name, "a single chunk exceeds the limit of 1 GiB");
    chunk_bytes_ = *product;
  }
}

std::string ZarrArray::chunk_path(std::span<const std::uint64_t> index) const {
  std::string key = prefix_;
  for (std::size_t i = 0; i < index.size(); ++i) key += (i == 0 ? "" : separator_) + std::to_string(index[i]);
  return (fs::path(folder_) / key).string();
}

std::shared_ptr<const ByteSource> ZarrArray::open_chunk(std::span<const std::uint64_t> index) const {
  const std::string path = chunk_path(index);
  std::error_code status;
  if (!fs::exists(path, status)) return nullptr;
  return open_file(path);
}

void ZarrArray::check_chunk(std::span<const std::uint64_t> index) const {
  const auto source = open_chunk(index);
  // An incompressible chunk grows by less than this.
  const std::uint64_t most = chunk_bytes_ + chunk_bytes_ / 8 + (1 << 16);
  if (!source ? chunk_bytes_ > kTrustedBytes
              : source->size() > most || (chunk_bytes_ > kTrustedBytes && source->size() < chunk_bytes_ / kMaxShrink)) {
    throw Error(ErrorCode::kCorruptFile, "a chunk file of " + std::to_string(source ? source->size() : 0) +
                                             " bytes cannot be a chunk of " + std::to_string(chunk_bytes_) + " bytes");
  }
}

void ZarrArray::decompress(std::span<const std::uint8_t> stream, std::span<std::uint8_t> out) const {
  switch (codec_) {
    case Codec::kNone:
      if (stream.size() != out.size()) {
        throw Error(ErrorCode::kCorruptFile, "a chunk file has " + std::to_string(stream.size()) + " bytes, expected " +
                                                 std::to_string(out.size()));
      }
      std::ranges::copy(stream, out.begin());
      return;
    case Codec::kZlib:
      return codecs::inflate_zlib(stream, out);
    case Codec::kGzip:
      return codecs::inflate_gzip(stream, out);
    case Codec::kZstd:
      return codecs::decompress_zstd(stream, out);
    case Codec::kBlosc:
      return codecs::decompress_blosc(stream, out);
  }
}

void ZarrArray::read_chunk(std::span<const std::uint64_t> index, std::span<std::uint8_t> out) const {
  check_chunk(index);
  const auto source = open_chunk(index);
  if (!source) {
    const auto shown = static_cast<std::uint8_t>(sample_bytes_ == 2 ? fill_ >> 8 : fill_);
    std::ranges::fill(out, shown);
    return;
  }
  Scratch stream(source->size());
  source->read_at(0, stream.span());
  if (sample_bytes_ == 1) return decompress(stream.span(), out);
  Scratch samples(chunk_bytes_);
  decompress(stream.span(), samples.span());
  const std::uint8_t* upper = samples.data() + (big_endian_ ? 0 : 1);
  for (std::size_t i = 0; i < out.size(); ++i) out[i] = upper[2 * i];
}

}  // namespace histojet::slide
