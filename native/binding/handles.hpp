#pragma once

#include <memory>
#include <mutex>

#include "binding/handle.hpp"
#include "histojet/histojet.hpp"

namespace histojet::binding {

/// Nuclei, and the label map when they come from one window.
struct NucleiResult {
  nuclei::NucleusList list;
  std::vector<std::int32_t> labels;  ///< [height, width] or empty
  std::vector<std::int32_t> ids;     ///< [n] or empty: the label of each nucleus
  std::int64_t height = 0;
  std::int64_t width = 0;
};

/// The JavaScript side of a remote slide. The open slide owns the source, so that its end is the end of the link.
struct RemoteLink {
  std::weak_ptr<BlockSource> source;
  std::shared_ptr<BlockSource> unopened;  ///< until a slide is opened on it
};

/// A run over a slide with the source that stops it.
struct RunState {
  CancelSource cancel;
  std::shared_ptr<pipeline::SlideRun> run;
};

/// Counted nuclei; one job at a time.
struct DensityState {
  DensityState(const nuclei::DensityArea& area, int types) : grid(area, types) {}
  std::mutex mutex;
  nuclei::DensityGrid grid;
};

/// A reader of nuclei is used by one job at a time.
struct ReaderState {
  std::mutex mutex;
  std::unique_ptr<readers::NucleusReader> reader;
};

/// A writer is used by one job at a time.
struct WriterState {
  std::mutex mutex;
  std::unique_ptr<writers::NucleusWriter> writer;
};

/// An encoder is used by one job at a time.
struct ColumnsState {
  explicit ColumnsState(const writers::WriterOptions& options) : encoder(options) {}
  std::mutex mutex;
  writers::NucleusColumnEncoder encoder;
};

template <>
struct HandleKind<LockedFile> {
  static constexpr const char* kName = "file lock";
  static constexpr napi_type_tag kTag{0x9e4d17b06c2a4f83, 0x84b1c5d7f02e6a39};
};
template <>
struct HandleKind<CancelSource> {
  static constexpr const char* kName = "cancel source";
  static constexpr napi_type_tag kTag{0x8b2f6a0d4c3e4f11, 0x9a51c07de8b46a01};
};
template <>
struct HandleKind<const Slide> {
  static constexpr const char* kName = "slide";
  static constexpr napi_type_tag kTag{0x27c6d1e59f0b4a52, 0xb3e80a4f7d9c2602};
};
template <>
struct HandleKind<const weights::StateDict> {
  static constexpr const char* kName = "weights file";
  static constexpr napi_type_tag kTag{0x5d90b7f2a1684c93, 0x86f4e3a02b7d5c03};
};
template <>
struct HandleKind<const Tensor> {
  static constexpr const char* kName = "tensor";
  static constexpr napi_type_tag kTag{0xe14a8c3d70f24bd4, 0xa27b95d6c81f3e04};
};
template <>
struct HandleKind<const NucleiModel> {
  static constexpr const char* kName = "model";
  static constexpr napi_type_tag kTag{0x739ef0b25c8d4e15, 0xbc0d6a91f3e48205};
};
template <>
struct HandleKind<const PixelMambaModel> {
  static constexpr const char* kName = "model";
  static constexpr napi_type_tag kTag{0x2d7be5c1904f4a68, 0x93c8f1a06b5e7d24};
};
template <>
struct HandleKind<const PictureModel> {
  static constexpr const char* kName = "model";
  static constexpr napi_type_tag kTag{0x6f14d90ab83c4e57, 0xa2d5e70c91f84b36};
};
template <>
struct HandleKind<const MambaMilModel> {
  static constexpr const char* kName = "model";
  static constexpr napi_type_tag kTag{0xb08e37c2d65f4a19, 0x8d43fa165c7e0b92};
};
template <>
struct HandleKind<const NucleiResult> {
  static constexpr const char* kName = "list of nuclei";
  static constexpr napi_type_tag kTag{0xc85b3d1f96e04a76, 0x91d7f24b0ea6c306};
};
template <>
struct HandleKind<const RunState> {
  static constexpr const char* kName = "run";
  static constexpr napi_type_tag kTag{0x1f64e9ad83b74cb7, 0x8ec35b70d29f1a07};
};
template <>
struct HandleKind<RemoteLink> {
  static constexpr const char* kName = "remote file";
  static constexpr napi_type_tag kTag{0x4be07c92d1a85f63, 0x97f2d36b08ce4a1d};
};
template <>
struct HandleKind<DensityState> {
  static constexpr const char* kName = "density map";
  static constexpr napi_type_tag kTag{0xd1846b3fa07c4e92, 0x8c25f9e6137ab409};
};
template <>
struct HandleKind<ReaderState> {
  static constexpr const char* kName = "reader of nuclei";
  static constexpr napi_type_tag kTag{0x58c3e1a94d7b4f26, 0xa86f20d9b35c7e41};
};
template <>
struct HandleKind<WriterState> {
  static constexpr const char* kName = "writer";
  static constexpr napi_type_tag kTag{0xa3d78f4e20c94f58, 0xb5681ce97a3d0408};
};

template <>
struct HandleKind<ColumnsState> {
  static constexpr const char* kName = "column encoder";
  static constexpr napi_type_tag kTag{0xd1c05e7a48f34b96, 0x8e27f9b3601d4c23};
};
template <>
struct HandleKind<const slide::ColorTable> {
  static constexpr const char* kName = "colour table";
  static constexpr napi_type_tag kTag{0x6e2c91f05b7d4a13, 0x8af47d30c5e91b21};
};
template <>
struct HandleKind<slide::PixelSpool> {
  static constexpr const char* kName = "store of tiles";
  static constexpr napi_type_tag kTag{0x94d03b8e7f164c52, 0xb7e15a6c02d84f22};
};
template <>
struct HandleKind<const tiles::DeepZoom> {
  static constexpr const char* kName = "Deep Zoom pyramid";
  static constexpr napi_type_tag kTag{0x3b8a6fd41c95e077, 0xa9620d7f4e3bc823};
};

/// The flag of a cancel source, or null for undefined: nobody can cancel then.
inline CancelToken::Flag cancel_flag(const Napi::Value& value) {
  return value.IsUndefined() ? nullptr : get<CancelSource>(value)->flag();
}

/// A colour table, or null for undefined: pixels stay as they are then.
inline std::shared_ptr<const slide::ColorTable> color_table(const Napi::Value& value) {
  return value.IsUndefined() ? nullptr : get<const slide::ColorTable>(value);
}

}  // namespace histojet::binding
