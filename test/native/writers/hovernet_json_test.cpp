#include <gtest/gtest.h>

#include "writers/json_value.hpp"
#include "writers/nucleus_writer.hpp"
#include "writers/writing.hpp"

using namespace histojet;
using namespace histojet::test;
using nuclei::NucleusList;
using writers::NucleusWriter;

TEST(HoverNetJson, PixelCentresAtTheProcessingResolution) {
  const Scratch file("centres.json");
  NucleusList list;
  // Pixel centres (10, 20) … (14, 26) of the processing grid, which is twice as coarse as level 0.
  add_nucleus(list, {21, 41, 21, 53, 29, 53, 29, 41}, 25, 47, 30);
  list.types = {3};
  list.type_probabilities = {0.5f};
  const auto writer = NucleusWriter::create({.path = file.path(), .mpp = 0.125, .processing_mpp = 0.25});
  writer->write(list);
  writer->close();
  const std::string text = read_text(file.path());
  EXPECT_EQ(text,
            "{\"mag\":40,\"nuc\":{\n"
            "\"1\":{\"bbox\":[[20,10],[27,15]],\"centroid\":[12,23],\"contour\":[[10,20],[10,26],[14,26],[14,20]],"
            "\"type_prob\":0.5,\"type\":3}\n}}\n");
  Json::parse(text);
}

TEST(HoverNetJson, EdgesGoToThePixelInside) {
  const Scratch file("edges.json");
  NucleusList list;
  add_nucleus(list, {10, 20, 10, 30, 20, 30, 20, 20}, 15, 25, 100);  // pixels 10…19 and 20…29
  const auto writer = NucleusWriter::create({.path = file.path()});
  writer->write(list);
  writer->close();
  const Json nucleus = Json::parse(read_text(file.path()))["nuc"]["1"];
  EXPECT_EQ(nucleus["contour"][0][0].literal, "10");
  EXPECT_EQ(nucleus["contour"][2][0].literal, "19");
  EXPECT_EQ(nucleus["contour"][2][1].literal, "29");
  EXPECT_EQ(nucleus["bbox"][1][0].literal, "30");
  EXPECT_TRUE(nucleus["type"].null());
  EXPECT_TRUE(nucleus["type_prob"].null());
  EXPECT_TRUE(Json::parse(read_text(file.path()))["mag"].null());
}

TEST(HoverNetJson, ThePartIsWholeAndThinRingsAreLeftOut) {
  const Scratch file("part.json");
  const auto writer = NucleusWriter::create({.path = file.path(), .mpp = 0.5, .provenance = "{\"a\":1}"});
  for (int batch = 0; batch < 5; ++batch) {
    NucleusList list;
    add_circle(list, 40.0 * batch, 30, 8);
    add_nucleus(list, {3, 3, 3.2f, 3, 3, 3.2f}, 3.1f, 3.1f, 1);
    writer->write(list);
    const Json json = Json::parse(read_text(file.part()));
    EXPECT_TRUE(json["nuc"].has(std::to_string(batch + 1)));
    EXPECT_FALSE(json["nuc"].has(std::to_string(batch + 2)));
    EXPECT_EQ(json["histojet"]["origin"].text(), "level0");
    EXPECT_EQ(json["mag"].number(), 20);
  }
  EXPECT_EQ(writer->count(), 5);
}
