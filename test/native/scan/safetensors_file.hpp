#pragma once

#include <cstring>
#include <map>
#include <string>
#include <string_view>

#include "base/json_reader.hpp"
#include "fixtures.hpp"
#include "tensor/tensor.hpp"

namespace histojet::test {

/// A whole safetensors file: the fixtures' float32 tensors, other types as they are, and the metadata.
struct SafetensorsFile {
  std::map<std::string, Tensor> tensors;
  std::map<std::string, std::string> metadata;

  const Tensor& at(const std::string& name) const { return tensors.at(name); }
  bool has(const std::string& name) const { return tensors.contains(name); }
};

inline Tensor safetensors_entry(JsonReader& json, const std::vector<std::uint8_t>& bytes, std::size_t data) {
  std::string key, dtype;
  Shape shape;
  std::vector<std::uint64_t> offsets;
  json.begin_object("tensor");
  while (json.next_member(key)) {
    if (key == "dtype") {
      dtype = json.string("dtype");
      continue;
    }
    json.begin_array(key);
    while (json.next_element()) {
      const std::uint64_t value = json.unsigned_integer(key);
      if (key == "shape") shape.push_back(static_cast<std::int64_t>(value));
      if (key == "data_offsets") offsets.push_back(value);
    }
  }
  Tensor tensor(dtype == "F32" ? DType::kF32 : dtype == "F64" ? DType::kF64 : DType::kI32, shape);
  std::memcpy(tensor.bytes(), bytes.data() + data + offsets.at(0), tensor.byte_size());
  return tensor;
}

inline SafetensorsFile read_safetensors(const std::string& path) {
  const std::vector<std::uint8_t> bytes = read_bytes(path);
  SafetensorsFile file;
  if (bytes.size() < 8) throw std::runtime_error("no fixture " + path);
  std::uint64_t header = 0;
  std::memcpy(&header, bytes.data(), 8);
  JsonReader json({reinterpret_cast<const char*>(bytes.data()) + 8, header}, path, 8);
  std::string name, key;
  json.begin_object("header");
  while (json.next_member(name)) {
    if (name != "__metadata__") {
      file.tensors.emplace(name, safetensors_entry(json, bytes, 8 + header));
      continue;
    }
    json.begin_object("metadata");
    while (json.next_member(key)) file.metadata[key] = json.string(key);
  }
  return file;
}

}  // namespace histojet::test
