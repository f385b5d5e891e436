#include "weights/pickle_symbols.hpp"

#include <array>
#include <unordered_map>

namespace histojet::weights {
namespace {

using enum SymbolKind;

constexpr std::string_view kQuantized = "a quantized tensor";
constexpr std::string_view kSparse = "a sparse tensor";
constexpr std::string_view kComplex = "of a complex element type";
constexpr std::string_view kSubclass = "a tensor of a special subclass";
constexpr std::string_view kMeta = "a tensor without data (device meta)";
constexpr std::string_view kForeignType = "of an element type that histojet does not support";

constexpr Symbol kSymbols[] = {
    {"torch._utils", "_rebuild_tensor", kRebuildTensor},
    {"torch._utils", "_rebuild_tensor_v2", kRebuildTensor},
    {"torch._utils", "_rebuild_tensor_v3", kRebuildTensor},
    {"torch._utils", "_rebuild_parameter", kFirstArgument},
    {"torch._utils", "_rebuild_parameter_with_state", kFirstArgument},
    {"torch.nn.parameter", "Parameter", kFirstArgument},
    {"collections", "OrderedDict", kDict},
    {"collections", "Counter", kDict},
    {"builtins", "set", kSet},
    {"__builtin__", "set", kSet},
    {"torch.storage", "UntypedStorage", kUntypedStorage},
    {"torch", "UntypedStorage", kUntypedStorage},
    {"torch", "Size", kTorchSize},
    {"torch", "device", kTorchDevice},
    {"_codecs", "encode", kEncode},

    {"torch", "FloatStorage", kStorageType, DType::kF32},
    {"torch", "DoubleStorage", kStorageType, DType::kF64},
    {"torch", "HalfStorage", kStorageType, DType::kF16},
    {"torch", "BFloat16Storage", kStorageType, DType::kBF16},
    {"torch", "LongStorage", kStorageType, DType::kI64},
    {"torch", "IntStorage", kStorageType, DType::kI32},
    {"torch", "ShortStorage", kStorageType, DType::kI16},
    {"torch", "CharStorage", kStorageType, DType::kI8},
    {"torch", "ByteStorage", kStorageType, DType::kU8},
    {"torch", "BoolStorage", kStorageType, DType::kBool},

    {"torch", "FloatTensor", kTensorType, DType::kF32},
    {"torch", "DoubleTensor", kTensorType, DType::kF64},
    {"torch", "HalfTensor", kTensorType, DType::kF16},
    {"torch", "LongTensor", kTensorType, DType::kI64},
    {"torch", "IntTensor", kTensorType, DType::kI32},
    {"torch", "ShortTensor", kTensorType, DType::kI16},
    {"torch", "CharTensor", kTensorType, DType::kI8},
    {"torch", "ByteTensor", kTensorType, DType::kU8},

    {"torch", "float32", kDType, DType::kF32},
    {"torch", "float", kDType, DType::kF32},
    {"torch", "float64", kDType, DType::kF64},
    {"torch", "double", kDType, DType::kF64},
    {"torch", "float16", kDType, DType::kF16},
    {"torch", "half", kDType, DType::kF16},
    {"torch", "bfloat16", kDType, DType::kBF16},
    {"torch", "int64", kDType, DType::kI64},
    {"torch", "long", kDType, DType::kI64},
    {"torch", "int32", kDType, DType::kI32},
    {"torch", "int", kDType, DType::kI32},
    {"torch", "int16", kDType, DType::kI16},
    {"torch", "short", kDType, DType::kI16},
    {"torch", "int8", kDType, DType::kI8},
    {"torch", "uint8", kDType, DType::kU8},
    {"torch", "uint16", kDType, DType::kU16},
    {"torch", "uint32", kDType, DType::kU32},
    {"torch", "uint64", kDType, DType::kU64},
    {"torch", "bool", kDType, DType::kBool},
    {"torch", "float8_e4m3fn", kDType, DType::kF8E4M3},
    {"torch", "float8_e5m2", kDType, DType::kF8E5M2},

    {"torch", "float8_e4m3fnuz", kRefused, std::nullopt, kForeignType},
    {"torch", "float8_e5m2fnuz", kRefused, std::nullopt, kForeignType},
    {"torch", "float8_e8m0fnu", kRefused, std::nullopt, kForeignType},
    {"torch", "complex32", kRefused, std::nullopt, kComplex},
    {"torch", "complex64", kRefused, std::nullopt, kComplex},
    {"torch", "complex128", kRefused, std::nullopt, kComplex},
    {"torch", "ComplexFloatStorage", kRefused, std::nullopt, kComplex},
    {"torch", "ComplexDoubleStorage", kRefused, std::nullopt, kComplex},
    {"torch", "QUInt8Storage", kRefused, std::nullopt, kQuantized},
    {"torch", "QInt8Storage", kRefused, std::nullopt, kQuantized},
    {"torch", "QInt32Storage", kRefused, std::nullopt, kQuantized},
    {"torch", "QUInt4x2Storage", kRefused, std::nullopt, kQuantized},
    {"torch", "QUInt2x4Storage", kRefused, std::nullopt, kQuantized},
    {"torch.storage", "TypedStorage", kRefused, std::nullopt, "a storage that does not tell its element type"},
    {"torch._utils", "_rebuild_qtensor", kRefused, std::nullopt, kQuantized},
    {"torch._utils", "_rebuild_sparse_tensor", kRefused, std::nullopt, kSparse},
    {"torch._utils", "_rebuild_sparse_csr_tensor", kRefused, std::nullopt, kSparse},
    {"torch._utils", "_rebuild_nested_tensor", kRefused, std::nullopt, "a nested tensor"},
    {"torch._utils", "_rebuild_meta_tensor_no_storage", kRefused, std::nullopt, kMeta},
    {"torch._utils", "_rebuild_wrapper_subclass", kRefused, std::nullopt, kSubclass},
    {"torch._utils", "_rebuild_device_tensor_from_numpy", kRefused, std::nullopt,
     "a tensor of an XLA or similar device"},
    {"torch._utils", "_rebuild_device_tensor_from_cpu_tensor", kRefused, std::nullopt, "a tensor of a special device"},
    {"torch._utils", "_rebuild_xla_tensor", kRefused, std::nullopt, "a tensor of an XLA device"},
    {"torch._tensor", "_rebuild_from_type_v2", kRefused, std::nullopt, kSubclass},
    {"torch.distributed.tensor", "DTensor", kRefused, std::nullopt, "a distributed tensor"},
    {"torch.distributed._tensor.api", "DTensor", kRefused, std::nullopt, "a distributed tensor"},
};

using Table = std::unordered_map<std::string, const Symbol*>;

const Table& table() {
  static const Table instance = [] {
    Table made;
    for (const Symbol& symbol : kSymbols) {
      made.emplace(std::string(symbol.module) + " " + std::string(symbol.name), &symbol);
      // Storages and tensors saved from a GPU differ only in their module.
      if (symbol.kind == kStorageType || symbol.kind == kTensorType) {
        made.emplace("torch.cuda " + std::string(symbol.name), &symbol);
      }
    }
    return made;
  }();
  return instance;
}

}  // namespace

const Symbol* find_symbol(const std::string& module, const std::string& name) {
  const auto found = table().find(module + " " + name);
  return found == table().end() ? nullptr : found->second;
}

}  // namespace histojet::weights
