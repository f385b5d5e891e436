#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/byte_source.hpp"
#include "tensor/tensor.hpp"

namespace histojet::weights {

struct OpenOptions {
  /// Values that the strict reader does not know (NumPy scalars, optimiser objects) become inert placeholders instead
  /// of errors; nothing is ever executed either way.
  bool opaque_globals = false;
};

/// Named tensors of a checkpoint. Opening validates everything that can be checked without touching tensor data;
/// tensors are read when asked for. Immutable, safe from any thread.
class StateDict {
 public:
  struct Entry {
    DType dtype;
    Shape shape;
  };
  virtual ~StateDict() = default;

  /// Reads .safetensors (a file, a shard index or a folder) and .pth / .pt / .bin / .tar (zip and legacy), recognised
  /// by content. @throws Error kIo, kUnsupportedFormat (saying what the file is), kCorruptFile (name, offset, reason).
  static std::shared_ptr<const StateDict> open(const std::string& path, const OpenOptions& options = {});

  virtual const std::string& path() const = 0;
  virtual const std::string& format() const = 0;  ///< "safetensors", "torch-zip", "torch-legacy", "torch-tar"
  /// In file order for torch files, sorted by name for safetensors.
  virtual const std::vector<std::string>& names() const = 0;
  /// @throws Error kMissingWeight with the closest existing name.
  virtual const Entry& entry(std::string_view name) const = 0;
  virtual bool contains(std::string_view name) const = 0;
  virtual Tensor get(std::string_view name) const = 0;
  /// safetensors: `__metadata__`. torch: scalars that stand beside the state dict ("depth" → "3", "padding" → "true").
  virtual const std::map<std::string, std::string>& metadata() const = 0;
  /// "sha256:…" of the whole file (of the files in name order for shards). Reads everything.
  virtual std::string sha256() const = 0;
};

/// A state dict seen through a prefix: layers fetch their own weights from it.
class WeightScope {
 public:
  explicit WeightScope(std::shared_ptr<const StateDict> dict, std::string prefix = "")
      : dict_(std::move(dict)), prefix_(std::move(prefix)) {}

  /// `scope("down_path").scope("0")` reads "down_path.0.…".
  WeightScope scope(std::string_view name) const;
  std::string full_name(std::string_view name) const;
  bool has(std::string_view name) const;
  /// The tensor as float32. @throws Error kMissingWeight naming the key and the file, kShapeMismatch with both shapes.
  Tensor f32(std::string_view name, const Shape& expected) const;
  const StateDict& dict() const { return *dict_; }

 private:
  std::shared_ptr<const StateDict> dict_;
  std::string prefix_;
};

}  // namespace histojet::weights
