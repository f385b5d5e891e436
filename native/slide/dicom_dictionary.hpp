#pragma once

#include <cstdint>

namespace histojet::slide {

/// One attribute of the DICOM data dictionary.
struct DicomAttribute {
  std::uint32_t tag;    ///< group << 16 | element
  const char* vr;       ///< value representation, two letters
  const char* keyword;  ///< "PixelSpacing"
};

/// The attributes that whole-slide images hold (PS3.6, table 6-1); null for others and for private ones.
const DicomAttribute* find_dicom_attribute(std::uint32_t tag);

namespace dicom_tag {
inline constexpr std::uint32_t kTransferSyntax = 0x00020010;
inline constexpr std::uint32_t kCharacterSet = 0x00080005;
inline constexpr std::uint32_t kImageType = 0x00080008;
inline constexpr std::uint32_t kSopClass = 0x00080016;
inline constexpr std::uint32_t kSopInstance = 0x00080018;
inline constexpr std::uint32_t kSeriesInstance = 0x0020000E;
inline constexpr std::uint32_t kConcatenation = 0x00209161;
inline constexpr std::uint32_t kConcatenationFrameOffset = 0x00209228;
inline constexpr std::uint32_t kOrganizationType = 0x00209311;
inline constexpr std::uint32_t kSamples = 0x00280002;
inline constexpr std::uint32_t kPhotometric = 0x00280004;
inline constexpr std::uint32_t kPlanarConfiguration = 0x00280006;
inline constexpr std::uint32_t kFrames = 0x00280008;
inline constexpr std::uint32_t kRows = 0x00280010;
inline constexpr std::uint32_t kColumns = 0x00280011;
inline constexpr std::uint32_t kPixelSpacing = 0x00280030;
inline constexpr std::uint32_t kBitsAllocated = 0x00280100;
inline constexpr std::uint32_t kPixelRepresentation = 0x00280103;
inline constexpr std::uint32_t kIccProfile = 0x00282000;
inline constexpr std::uint32_t kPixelMeasures = 0x00289110;
inline constexpr std::uint32_t kTotalColumns = 0x00480006;
inline constexpr std::uint32_t kTotalRows = 0x00480007;
inline constexpr std::uint32_t kOpticalPaths = 0x00480105;
inline constexpr std::uint32_t kObjectivePower = 0x00480112;
inline constexpr std::uint32_t kPlanePosition = 0x0048021A;
inline constexpr std::uint32_t kColumnPosition = 0x0048021E;
inline constexpr std::uint32_t kRowPosition = 0x0048021F;
inline constexpr std::uint32_t kBarcode = 0x22000005;
inline constexpr std::uint32_t kSharedGroups = 0x52009229;
inline constexpr std::uint32_t kPerFrameGroups = 0x52009230;
inline constexpr std::uint32_t kExtendedOffsets = 0x7FE00001;
inline constexpr std::uint32_t kExtendedLengths = 0x7FE00002;
inline constexpr std::uint32_t kPixelData = 0x7FE00010;
}  // namespace dicom_tag

}  // namespace histojet::slide
