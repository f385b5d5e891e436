#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "base/error.hpp"
#include "base/version.hpp"
#include "writers/dicom_elements.hpp"
#include "writers/dicom_value.hpp"
#include "writers/json_value.hpp"
#include "writers/nucleus_writer.hpp"
#include "writers/writing.hpp"

using namespace histojet;
using namespace histojet::test;
using nuclei::NucleusList;
using writers::NucleusWriter;
using writers::WriterOptions;
using Dataset = DicomValue::Dataset;

namespace {

constexpr std::uint32_t kGroups = 0x006a0002;
constexpr std::uint32_t kPoints = 0x00660016;
constexpr std::uint32_t kIndex = 0x00660040;
constexpr std::uint32_t kMeasurements = 0x00660121;
constexpr std::uint32_t kLabel = 0x006a0005;

std::string code(const DicomValue& sequence) {
  const Dataset& item = sequence.items.at(0);
  return item.at(0x00080100).text() + " " + item.at(0x00080102).text();
}

/// Two triangles of type 2 around one of type 1.
NucleusList triangles() {
  NucleusList list;
  add_nucleus(list, {10, 10, 20, 10, 15, 20}, 15, 13, 3.5f);
  add_nucleus(list, {1, 1, 9, 1, 9, 4}, 6, 2, 1.5f);
  add_nucleus(list, {40, 40, 50, 40, 45, 50, 40, 40}, 45, 43, 4.5f);
  list.types = {2, 1, 2};
  return list;
}

std::vector<std::string> neighbours(const std::string& path) {
  std::vector<std::string> names;
  const std::filesystem::path file(path);
  for (const auto& entry : std::filesystem::directory_iterator(file.parent_path())) {
    const std::string name = entry.path().filename().string();
    if (name.starts_with(file.filename().string())) names.push_back(name);
  }
  return names;
}

}  // namespace

TEST(DicomAnn, OneGroupOfPolygonsPerClass) {
  const Scratch file("groups.dcm");
  const Dataset data = DicomParser::file(write_all(
      {.path = file.path(), .mpp = 0.5, .classes = {{"None", {}}, {"A", {255, 255, 255}}, {"B\\b", {200, 0, 0}}}},
      {triangles()}));
  EXPECT_EQ(data.at(0x006a0001).text(), "2D");
  EXPECT_EQ(data.at(0x00480301).text(), "VOLUME");
  const auto& groups = data.at(kGroups).items;
  ASSERT_EQ(groups.size(), 2u);
  const Dataset& second = groups[1];
  EXPECT_EQ(groups[0].at(kLabel).text(), "A");
  EXPECT_EQ(second.at(kLabel).text(), "B/b") << "a backslash would make two labels";
  EXPECT_EQ(second.at(0x0040a180).numbers<std::uint16_t>(), std::vector<std::uint16_t>{2});
  EXPECT_EQ(second.at(kPoints).vr, "OF");
  EXPECT_EQ(second.at(kPoints).numbers<float>(), (std::vector<float>{10, 10, 20, 10, 15, 20, 40, 40, 50, 40, 45, 50}))
      << "rings stay open";
  EXPECT_EQ(second.at(kIndex).vr, "OL");
  EXPECT_EQ(second.at(kIndex).numbers<std::uint32_t>(), (std::vector<std::uint32_t>{1, 7}));
  EXPECT_EQ(second.at(0x006a000c).numbers<std::uint32_t>(), std::vector<std::uint32_t>{2});
  EXPECT_EQ(second.at(0x00700023).text(), "POLYGON");
  EXPECT_EQ(second.at(0x006a0007).text(), "AUTOMATIC");
  EXPECT_EQ(code(second.at(0x006a000a)), "84640000 SCT");
  EXPECT_EQ(code(second.at(0x006a0009)), "91723000 SCT");
  const Dataset& algorithm = second.at(0x006a0008).items.at(0);
  EXPECT_EQ(algorithm.at(0x00660036).text(), "histojet");
  EXPECT_EQ(algorithm.at(0x00660031).text(), kVersion);
  const Dataset& area = second.at(kMeasurements).items.at(0);
  EXPECT_EQ(code(area.at(0x0040a043)), "42798000 SCT");
  EXPECT_EQ(code(area.at(0x004008ea)), "um2 UCUM");
  EXPECT_EQ(area.at(0x00660132).items.at(0).at(0x00660125).numbers<float>(), (std::vector<float>{3.5f, 4.5f}));
  EXPECT_EQ(groups[0].at(0x0062000d).numbers<std::uint16_t>()[0], 65535) << "white";
  EXPECT_NE(groups[0].at(0x006a0003).text(), second.at(0x006a0003).text());
}

TEST(DicomAnn, HeaderNamesTheClassAndLeavesUnknownsEmpty) {
  const Scratch file("header.dcm");
  const std::string text = write_all({.path = file.path(), .fingerprint = "sha256:a"}, {circles(1, 50)});
  const Dataset data = DicomParser::file(text);
  EXPECT_EQ(data.at(0x00020010).text(), "1.2.840.10008.1.2.1");
  EXPECT_EQ(data.at(0x00020002).text(), "1.2.840.10008.5.1.4.1.1.91.1");
  EXPECT_EQ(data.at(0x00080016).text(), data.at(0x00020002).text());
  EXPECT_EQ(data.at(0x00080018).text(), data.at(0x00020003).text());
  EXPECT_EQ(data.at(0x00080060).text(), "ANN");
  EXPECT_EQ(data.at(0x00020001).bytes, std::string("\0\1", 2));
  std::size_t meta_bytes = 0;
  for (const auto& [tag, value] : data) {
    if (tag > 0x00020000 && tag < 0x00030000) meta_bytes += (value.vr == "OB" ? 12 : 8) + value.bytes.size();
  }
  EXPECT_EQ(data.at(0x00020000).numbers<std::uint32_t>()[0], meta_bytes);
  for (const std::uint32_t tag : {0x00080020u, 0x00080030u, 0x00080050u, 0x00080090u, 0x00100010u, 0x00100020u,
                                  0x00100030u, 0x00100040u, 0x00200010u, 0x00700084u}) {
    EXPECT_EQ(data.at(tag).bytes, "") << std::hex << tag;
  }
  for (const std::uint32_t tag : {0x00080018u, 0x0020000du, 0x0020000eu, 0x00020012u}) {
    const std::string uid = data.at(tag).text();
    EXPECT_TRUE(uid.starts_with("2.25.") && uid.size() <= 44 && uid[5] != '0') << uid;
    EXPECT_EQ(uid.find_first_not_of("0123456789", 5), std::string::npos) << uid;
  }
  EXPECT_FALSE(data.at(kGroups).items.at(0).contains(kMeasurements)) << "no square micrometres without mpp";
  EXPECT_EQ(data.at(kGroups).items.at(0).at(kLabel).text(), "Nucleus");
}

TEST(DicomAnn, ProvenanceFitsWhereverItIsLong) {
  const Scratch file("provenance.dcm");
  WriterOptions options{.path = file.path(), .provenance = R"({"software":"histojet"})"};
  Dataset data = DicomParser::file(write_all(options, {}));
  const auto description = [&] { return data.at(0x0018a001).items.at(0).at(0x0018a003).text(); };
  EXPECT_EQ(Json::parse(description())["software"].text(), "histojet");
  EXPECT_EQ(Json::parse(description())["origin"].text(), "level0");
  EXPECT_FALSE(data.contains(0x00751001));
  options.provenance = R"({"long":")" + std::string(100'000, 'x') + "\"}";
  data = DicomParser::file(write_all(options, {}));
  EXPECT_EQ(Json::parse(data.at(0x00751001).text())["long"].text().size(), 100'000u);
  EXPECT_EQ(data.at(0x00750010).text(), "HISTOJET");
  EXPECT_LE(description().size(), 1024u);
}

TEST(DicomAnn, EmptyResultHasNoGroups) {
  const Scratch file("empty.dcm");
  EXPECT_TRUE(DicomParser::file(write_all({.path = file.path()}, {NucleusList{}})).at(kGroups).items.empty());
}

TEST(DicomAnn, OriginMovesCoordinates) {
  const Scratch a("level0.dcm");
  const Scratch b("bounds.dcm");
  WriterOptions options{.path = a.path(), .bounds_x = 900, .bounds_y = 100};
  const auto points = [&](const WriterOptions& given) {
    return DicomParser::file(write_all(given, {circles(3, 1000)})).at(kGroups).items.at(0).at(kPoints).numbers<float>();
  };
  const auto level0 = points(options);
  options.path = b.path();
  options.origin = writers::Origin::kBounds;
  const auto bounds = points(options);
  ASSERT_EQ(level0.size(), 3u * 36);
  ASSERT_EQ(bounds.size(), level0.size());
  for (std::size_t i = 0; i < bounds.size(); i += 2) {
    EXPECT_NEAR(level0[i] - bounds[i], 900, 0.011);
    EXPECT_NEAR(level0[i + 1] - bounds[i + 1], 100, 0.011);
  }
}

TEST(DicomAnn, ManyNucleiPassThroughTheDisk) {
  const Scratch file("many.dcm");
  std::vector<NucleusList> batches;
  for (int i = 0; i < 8; ++i) {
    NucleusList& batch = batches.emplace_back(circles(2500, 40.0 * i));
    for (int k = 0; k < 2500; ++k) batch.types.push_back(static_cast<std::uint8_t>(k % 3));
  }
  const Dataset data = DicomParser::file(
      write_all({.path = file.path(), .mpp = 0.25, .classes = {{"a", {}}, {"b", {}}, {"c", {}}}}, batches));
  std::size_t total = 0;
  for (const Dataset& group : data.at(kGroups).items) {
    const auto index = group.at(kIndex).numbers<std::uint32_t>();
    const auto points = group.at(kPoints).numbers<float>();
    const Dataset& values = group.at(kMeasurements).items.at(0).at(0x00660132).items.at(0);
    EXPECT_EQ(values.at(0x00660125).numbers<float>().size(), index.size());
    ASSERT_EQ(points.size(), 36 * index.size());
    for (std::size_t i = 0; i < index.size(); ++i) ASSERT_EQ(index[i], 1 + 36 * i);
    total += index.size();
  }
  EXPECT_EQ(total, 20'000u);
}

TEST(DicomAnn, EqualRunsGiveEqualBytesOtherNucleiOtherUids) {
  const Scratch a("one.dcm");
  const Scratch b("two.dcm");
  const auto run = [](const Scratch& file, int count) {
    return write_all({.path = file.path(), .fingerprint = "f"}, {circles(count, 10)});
  };
  const std::string first = run(a, 50);
  EXPECT_EQ(first, run(b, 50));
  const Dataset one = DicomParser::file(first);
  const Dataset other = DicomParser::file(run(b, 49));
  EXPECT_NE(one.at(0x00080018).text(), other.at(0x00080018).text());
  EXPECT_EQ(one.at(0x0020000d).text(), other.at(0x0020000d).text()) << "one slide, one study";
}

TEST(DicomAnn, NothingIsLeftBesideTheFile) {
  const Scratch file("beside.dcm");
  {
    const auto writer = NucleusWriter::create({.path = file.path()});
    writer->write(circles(3000, 0));
    EXPECT_EQ(neighbours(file.path()).size(), 1u) << "spooled points have no name";
    writer->write(circles(20, 0));
  }
  EXPECT_EQ(neighbours(file.path()).size(), 1u);
  const Dataset data = DicomParser::file(read_text(file.part()));
  EXPECT_EQ(data.at(kGroups).items.at(0).at(kIndex).numbers<std::uint32_t>().size(), 3020u)
      << "a writer that is dropped leaves a whole part";
}

TEST(DicomAnn, AFullDiskIsReportedAndLeavesNothing) {
  if (!std::filesystem::exists("/dev/full")) GTEST_SKIP() << "no /dev/full";
  const Scratch file("full.dcm");
  std::filesystem::create_symlink("/dev/full", file.part() + ".points-0");
  {
    const auto writer = NucleusWriter::create({.path = file.path()});
    for (const bool again : {false, true}) {
      try {
        writer->write(circles(3000, 0));
        ADD_FAILURE() << again;
      } catch (const Error& error) {
        EXPECT_EQ(error.code(), ErrorCode::kIo);
      }
    }
    EXPECT_THROW(writer->close(), Error);
    EXPECT_EQ(writer->count(), 0);
  }
  EXPECT_TRUE(neighbours(file.path()).empty());
}

TEST(DicomAnn, RefusesWhatCannotBeWritten) {
  EXPECT_EQ(refusal({.path = "/nonexistent-folder/x.dcm"}), ErrorCode::kIo);
  const Scratch folder("folder.dcm");
  std::filesystem::create_directory(folder.path());
  EXPECT_EQ(refusal({.path = folder.path()}), ErrorCode::kIo);
  writers::check_dicom_length(0xfffffffe, "the points");
  for (const std::uint64_t bytes : {0xffffffffull, 0x100000000ull}) {
    try {
      writers::check_dicom_length(bytes, "the points");
      ADD_FAILURE() << bytes;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kUnsupportedFormat);
      EXPECT_NE(std::string(error.what()).find("the points"), std::string::npos);
    }
  }
  writers::DicomElements elements;
  EXPECT_THROW(elements.text(0x00100010, "PN", std::string(70'000, 'x')), Error);
  EXPECT_THROW(elements.begin_value(kPoints, "OF", 0x100000000), Error);
}

TEST(DicomElements, ColoursUidsAndLines) {
  const auto red = writers::dicom_cielab({255, 0, 0});  // L* 54.29, a* 80.81, b* 69.89 with the white of D50
  EXPECT_NEAR(red[0] / 655.35, 54.29, 0.02);
  EXPECT_NEAR(red[1] / 257.0 - 128, 80.81, 0.05);
  EXPECT_NEAR(red[2] / 257.0 - 128, 69.89, 0.05);
  EXPECT_EQ(writers::dicom_cielab({0, 0, 0}), (std::array<std::uint16_t, 3>{0, 32896, 32896}));
  EXPECT_EQ(writers::dicom_uid("a"), writers::dicom_uid("a"));
  EXPECT_NE(writers::dicom_uid("a"), writers::dicom_uid("b"));
  EXPECT_EQ(writers::dicom_line("µµµ\n\\x", 5), "µµµ /");
}
