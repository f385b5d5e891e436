#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "writers/dicom_elements.hpp"
#include "writers/nucleus_writer.hpp"

namespace histojet::writers {

inline constexpr DicomTag kAnnotationGroupSequence = 0x006a0002;
inline constexpr DicomTag kPointCoordinatesData = 0x00660016;
inline constexpr DicomTag kLongPrimitivePointIndexList = 0x00660040;

/// What makes the UIDs of one file and is said about its making. Equal seeds give equal UIDs.
struct DicomRun {
  std::string study_seed;
  std::string series_seed;
  std::string instance_seed;
  std::string provenance;  ///< one JSON object
};

/// Preamble, file meta group and the data set up to AnnotationGroupSequence. What only the clinic knows (patient, study
/// date, accession number) is there and empty (type 2); ContentDate and ContentTime, which may not be empty, are
/// 1970-01-01 00:00:00, because outputs hold no clock time.
DicomElements dicom_ann_start(const DicomRun& run);
/// What follows AnnotationGroupSequence.
void append_dicom_ann_end(const DicomRun& run, DicomElements& elements);

/// An item of AnnotationGroupSequence up to PointCoordinatesData. Groups count from 1.
void append_group_start(int number, const NucleusClass& entry, DicomElements& elements);
inline constexpr DicomTag kMeasurementsSequence = 0x00660121;
inline constexpr DicomTag kAnnotationIndexList = 0x006a0011;

/// An item of MeasurementsSequence up to its `value_bytes` bytes of float32 values. `column`: "area_um2" or the name of
/// a MeasurementColumn. Concepts are SNOMED CT's where it has them (PS3.16, CID 7470) and of the private scheme
/// 99HISTOJET otherwise; units are UCUM's …
void append_measurement_start(std::string_view column, std::uint64_t value_bytes, DicomElements& elements);
/// … and the item's end, after the values and the index list of those that are there.
void append_measurement_end(DicomElements& elements);
/// The item's rest after points, index and measurements.
void append_group_rest(const DicomRun& run, int number, const NucleusClass& entry, std::uint32_t count,
                       DicomElements& elements);

}  // namespace histojet::writers
