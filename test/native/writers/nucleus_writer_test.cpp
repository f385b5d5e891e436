#include "writers/nucleus_writer.hpp"

#include <gtest/gtest.h>

#include "base/error.hpp"
#include "writers/json_value.hpp"
#include "writers/writing.hpp"

using namespace histojet;
using namespace histojet::test;
using writers::NucleusWriter;
using writers::WriterOptions;

TEST(NucleusWriter, ChoosesByExtensionOrName) {
  const Scratch upper("A.GeoJSON");
  const auto writer = NucleusWriter::create({.path = upper.path()});
  writer->close();
  EXPECT_TRUE(Json::parse(read_text(upper.path())).has("features"));
  const Scratch named("named.txt");
  NucleusWriter::create({.path = named.path(), .format = "hovernet-json"})->close();
  EXPECT_TRUE(Json::parse(read_text(named.path())).has("nuc"));
}

TEST(NucleusWriter, UnknownFormatsNameTheKnownOnes) {
  EXPECT_EQ(refusal({.path = "/tmp/x.xyz"}, "geojson.gz (.geojson.gz)"), ErrorCode::kInvalidArgument);
  EXPECT_EQ(refusal({.path = "/tmp/x.json", .format = "shape"}, "hovernet-json"), ErrorCode::kInvalidArgument);
  EXPECT_EQ(refusal({.path = ""}), ErrorCode::kInvalidArgument);
  EXPECT_EQ(writers::writer_formats().size(), 6u);
}

TEST(NucleusWriter, UnwritablePathsFailAtOnce) {
  EXPECT_EQ(refusal({.path = "/nonexistent-folder/x.geojson"}, "/nonexistent-folder"), ErrorCode::kIo);
  const Scratch folder("folder.geojson");
  std::filesystem::create_directory(folder.path());
  EXPECT_EQ(refusal({.path = folder.path()}), ErrorCode::kIo);
}

TEST(NucleusWriter, ProvenanceMustBeAnObject) {
  const Scratch file("provenance.geojson");
  EXPECT_EQ(refusal({.path = file.path(), .provenance = "[1]"}), ErrorCode::kInvalidArgument);
  NucleusWriter::create({.path = file.path(), .provenance = R"({"origin":"level0","offset":[0,0]})"})->close();
  EXPECT_EQ(Json::parse(read_text(file.path()))["histojet"]["origin"].text(), "level0") << "given ones are kept";
  NucleusWriter::create({.path = file.path(), .provenance = " {} "})->close();
  EXPECT_EQ(Json::parse(read_text(file.path()))["histojet"]["origin"].text(), "bounds");
}

TEST(NucleusWriter, ClosingTwiceIsFineWritingAfterIsNot) {
  for (const std::string& format : writers::writer_formats()) {
    SCOPED_TRACE(format);
    const Scratch file("closed." + format);
    const auto writer = NucleusWriter::create({.path = file.path(), .format = format});
    writer->close();
    writer->close();
    try {
      writer->write(circles(1, 0));
      FAIL();
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kDisposed);
    }
  }
}
