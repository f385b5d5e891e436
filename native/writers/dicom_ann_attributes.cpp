#include "writers/dicom_ann_attributes.hpp"

#include <string_view>

#include "base/version.hpp"

namespace histojet::writers {
namespace {

constexpr std::string_view kSopClass = "1.2.840.10008.5.1.4.1.1.91.1";
constexpr std::string_view kExplicitLittleEndian = "1.2.840.10008.1.2.1";
constexpr std::size_t kMostLineCharacters = 64;
/// Of a short text (ST); counted in bytes here, of which there are never fewer than characters.
constexpr std::size_t kMostShortTextBytes = 1024;

struct Code {
  std::string_view value;
  std::string_view scheme;
  std::string_view meaning;
};
constexpr Code kAnatomicalStructure{"91723000", "SCT", "Anatomical structure"};
constexpr Code kNucleus{"84640000", "SCT", "Nucleus"};
constexpr Code kSquareMicrometre{"um2", "UCUM", "square micrometer"};
constexpr Code kMicrometre{"um", "UCUM", "micrometer"};
constexpr Code kPixel{"{pixels}", "UCUM", "pixels"};
constexpr Code kNoUnit{"1", "UCUM", "no units"};
constexpr Code kArtificialIntelligence{"123110", "DCM", "Artificial Intelligence"};
constexpr Code kProcessingEquipment{"109102", "DCM", "Processing Equipment"};

struct Measurement {
  std::string_view column;
  Code concept_name;
  Code unit;
};
constexpr Measurement kMeasurements[] = {
    {"area_um2", {"42798000", "SCT", "Area"}, kSquareMicrometre},
    {"perimeter_um", {"131191004", "SCT", "Perimeter"}, kMicrometre},
    {"perimeter_px", {"131191004", "SCT", "Perimeter"}, kPixel},
    {"major_axis_um", {"131187009", "SCT", "Major Axis"}, kMicrometre},
    {"major_axis_px", {"131187009", "SCT", "Major Axis"}, kPixel},
    {"minor_axis_um", {"131188004", "SCT", "Minor Axis"}, kMicrometre},
    {"minor_axis_px", {"131188004", "SCT", "Minor Axis"}, kPixel},
    {"circularity", {"CIRCULARITY", "99HISTOJET", "Circularity"}, kNoUnit},
    {"eccentricity", {"ECCENTRICITY", "99HISTOJET", "Eccentricity"}, kNoUnit},
    {"solidity", {"SOLIDITY", "99HISTOJET", "Solidity"}, kNoUnit},
    {"hematoxylin_od_mean", {"HEMATOXYLIN_MEAN", "99HISTOJET", "Mean Hematoxylin Optical Density"}, kNoUnit},
    {"hematoxylin_od_std", {"HEMATOXYLIN_STD", "99HISTOJET", "Std Dev of Hematoxylin Optical Density"}, kNoUnit},
    {"eosin_od_mean", {"EOSIN_MEAN", "99HISTOJET", "Mean Eosin Optical Density"}, kNoUnit},
    {"eosin_od_std", {"EOSIN_STD", "99HISTOJET", "Std Dev of Eosin Optical Density"}, kNoUnit},
    {"dab_od_mean", {"DAB_MEAN", "99HISTOJET", "Mean DAB Optical Density"}, kNoUnit},
    {"dab_od_std", {"DAB_STD", "99HISTOJET", "Std Dev of DAB Optical Density"}, kNoUnit},
};

std::string version() {
  return std::string(kVersion);
}

DicomElements code_item(const Code& code) {
  DicomElements item;
  item.text(0x00080100, "SH", code.value);
  item.text(0x00080102, "SH", code.scheme);
  item.text(0x00080104, "LO", code.meaning);
  return item;
}

std::string instance_uid(const DicomRun& run) {
  return dicom_uid("dicom instance\n" + run.instance_seed);
}

void append_file_start(const DicomRun& run, DicomElements& out) {
  DicomElements meta;
  meta.ob(0x00020001, std::string_view("\0\1", 2));
  meta.text(0x00020002, "UI", kSopClass);
  meta.text(0x00020003, "UI", instance_uid(run));
  meta.text(0x00020010, "UI", kExplicitLittleEndian);
  meta.text(0x00020012, "UI", dicom_uid("dicom implementation"));
  meta.text(0x00020013, "SH", ("HISTOJET " + version()).substr(0, 16));
  out.preamble();
  out.ul(0x00020000, static_cast<std::uint32_t>(meta.bytes().size()));
  out.append(meta);
}

bool fits_short_text(const DicomRun& run) {
  return run.provenance.size() <= kMostShortTextBytes;
}

/// Contributing equipment, where the provenance stands when it is short enough.
DicomElements equipment_item(const DicomRun& run) {
  DicomElements item;
  item.text(0x00080070, "LO", "histojet");
  item.text(0x00181020, "LO", version());
  item.text(0x0018a003, "ST",
            fits_short_text(run) ? run.provenance : "provenance: private block HISTOJET, (0075,1001)");
  item.sequence(0x0040a170, code_item(kProcessingEquipment));
  return item;
}

DicomElements algorithm_item() {
  DicomElements item;
  item.sequence(0x0066002f, code_item(kArtificialIntelligence));
  item.text(0x00660031, "LO", version());
  item.text(0x00660036, "LO", "histojet");
  return item;
}

}  // namespace

DicomElements dicom_ann_start(const DicomRun& run) {
  DicomElements out;
  append_file_start(run, out);
  out.text(0x00080005, "CS", "ISO_IR 192");
  out.text(0x00080016, "UI", kSopClass);
  out.text(0x00080018, "UI", instance_uid(run));
  out.text(0x00080020, "DA", "");
  out.text(0x00080023, "DA", "19700101");
  out.text(0x00080030, "TM", "");
  out.text(0x00080033, "TM", "000000");
  out.text(0x00080050, "SH", "");
  out.text(0x00080060, "CS", "ANN");
  out.text(0x00080070, "LO", "histojet");
  out.text(0x00080090, "PN", "");
  out.text(0x00081090, "LO", "histojet");
  out.text(0x00100010, "PN", "");
  out.text(0x00100020, "LO", "");
  out.text(0x00100030, "DA", "");
  out.text(0x00100040, "CS", "");
  out.text(0x00181000, "LO", "none");
  out.text(0x00181020, "LO", version());
  out.sequence(0x0018a001, equipment_item(run));
  out.text(0x0020000d, "UI", dicom_uid("dicom study\n" + run.study_seed));
  out.text(0x0020000e, "UI", dicom_uid("dicom series\n" + run.series_seed));
  out.text(0x00200010, "SH", "");
  out.text(0x00200011, "IS", "1");
  out.text(0x00200013, "IS", "1");
  out.text(0x00480301, "CS", "VOLUME");
  out.text(0x006a0001, "CS", "2D");
  return out;
}

void append_dicom_ann_end(const DicomRun& run, DicomElements& out) {
  out.text(0x00700080, "CS", "NUCLEI");
  out.text(0x00700081, "LO", "Nuclei");
  out.text(0x00700084, "PN", "");
  if (fits_short_text(run)) return;
  out.text(0x00750010, "LO", "HISTOJET");
  out.text(0x00751001, "UT", run.provenance);
}

void append_group_start(int number, const NucleusClass& entry, DicomElements& out) {
  out.us(0x0040a180, static_cast<std::uint16_t>(number));
  out.us(0x0062000d, dicom_cielab(entry.color));
}

void append_measurement_start(std::string_view column, std::uint64_t value_bytes, DicomElements& out) {
  // A short string (SH) has sixteen characters.
  const std::string label = dicom_line(column, kMostLineCharacters), value = dicom_line(column, 16);
  Measurement known{column, {value, "99HISTOJET", label}, kNoUnit};
  for (const Measurement& entry : kMeasurements) {
    if (entry.column == column) known = entry;
  }
  out.begin_item();
  out.sequence(0x004008ea, code_item(known.unit));
  out.sequence(0x0040a043, code_item(known.concept_name));
  out.begin_sequence(0x00660132);
  out.begin_item();
  out.begin_value(0x00660125, "OF", value_bytes);
}

void append_measurement_end(DicomElements& out) {
  out.end_item();
  out.end_sequence();
  out.end_item();
}

void append_group_rest(const DicomRun& run, int number, const NucleusClass& entry, std::uint32_t count,
                       DicomElements& out) {
  const std::string label = dicom_line(entry.name, kMostLineCharacters);
  out.text(0x006a0003, "UI", dicom_uid("dicom group\n" + run.instance_seed + '\n' + std::to_string(number)));
  out.text(0x006a0005, "LO", label.empty() ? "unnamed" : label);
  out.text(0x006a0007, "CS", "AUTOMATIC");
  out.sequence(0x006a0008, algorithm_item());
  out.sequence(0x006a0009, code_item(kAnatomicalStructure));
  out.sequence(0x006a000a, code_item(kNucleus));
  out.ul(0x006a000c, count);
  out.text(0x006a000d, "CS", "YES");
  out.text(0x006a000f, "CS", "YES");
  out.text(0x00700023, "CS", "POLYGON");
}

}  // namespace histojet::writers
