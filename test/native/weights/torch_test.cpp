// PyTorch checkpoints assembled by the tests: training checkpoints, choice of the state dict, and hostile programs.
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <ctime>
#include <thread>

#include "base/digest.hpp"
#include "base/error.hpp"
#include "checkpoint_writer.hpp"
#include "fixtures.hpp"
#include "weights/state_dict.hpp"

using namespace histojet;
using namespace histojet::test;
using histojet::weights::OpenOptions;
using histojet::weights::StateDict;
using histojet::weights::WeightScope;

namespace {

const std::string kTwoFloats = floats({1, 2});

ErrorCode code_of(const std::string& bytes, std::string* message = nullptr, const OpenOptions& options = {}) {
  const TemporaryFile file(bytes);
  try {
    const auto dict = StateDict::open(file.path(), options);
    for (const std::string& name : dict->names()) dict->get(name);
  } catch (const Error& error) {
    if (message != nullptr) *message = error.what();
    return error.code();
  }
  ADD_FAILURE() << "the file was accepted";
  return ErrorCode::kInternal;
}

Pickle& numpy_scalar(Pickle& pickle) {
  pickle.global("numpy.core.multiarray", "scalar").mark().global("numpy", "dtype").mark().text("f8");
  return pickle.add("\x89\x88tR")
      .mark()
      .integer(3)
      .text("<")
      .add("NNNtb")
      .add(std::string("U\x08\0\0\0\0\0\0\xf8?", 10) + "tR");
}

/// What HoverFast's training script saves, with its NumPy scalar.
std::string hoverfast_checkpoint(bool with_scalar) {
  Pickle pickle;
  pickle.add("}").mark();
  pickle.text("epoch").integer(12);
  pickle.text("model_dict").ordered_dict().mark();
  pickle.text("down_path.0.block.0.weight").tensor({});
  pickle.text("last.bias").tensor({"FloatStorage", "1", 3, 1, {2}, {1}, ""}).add("u");
  pickle.text("optim_dict").add("}").mark().text("state").add("}").mark().integer(0).add("}").mark();
  pickle.text("exp_avg").tensor({}).text("step").integer(7).add("uuu");
  if (with_scalar) numpy_scalar(pickle.text("best_loss_on_test"));
  pickle.text("n_classes").integer(4).text("padding").add("\x88").text("depth").integer(3);
  pickle.text("up_mode").text("upconv").text("conv_block").text("msunet").text("lr").real(0.25).text("none").add("N");
  return torch_zip(pickle.add("u").stop(), {kTwoFloats, floats({7, 8, 9})});
}

std::string simple(const std::string& program) {
  return torch_zip(program, {kTwoFloats});
}

}  // namespace

TEST(TorchCheckpoint, HoverFastTrainingCheckpoint) {
  const TemporaryFile file(hoverfast_checkpoint(true));
  OpenOptions inert;
  inert.opaque_globals = true;
  const auto dict = StateDict::open(file.path(), inert);
  EXPECT_EQ(dict->names(), (std::vector<std::string>{"down_path.0.block.0.weight", "last.bias"}));
  EXPECT_EQ(dict->get("last.bias").values<float>()[0], 8.0f);
  EXPECT_EQ(dict->metadata().at("depth"), "3");
  EXPECT_EQ(dict->metadata().at("padding"), "true");
  EXPECT_EQ(dict->metadata().at("up_mode"), "upconv");
  EXPECT_EQ(dict->metadata().at("lr"), "0.25");
  EXPECT_EQ(dict->metadata().count("best_loss_on_test"), 0u);
  EXPECT_EQ(dict->metadata().count("none"), 0u);

  std::string message;
  EXPECT_EQ(code_of(hoverfast_checkpoint(true), &message), ErrorCode::kUnsupportedFormat);
  EXPECT_NE(message.find("numpy.core.multiarray.scalar"), std::string::npos) << message;
  const TemporaryFile plain(hoverfast_checkpoint(false));
  EXPECT_EQ(StateDict::open(plain.path())->names().size(), 2u);
}

TEST(TorchCheckpoint, InertModeStillLoadsNothingForeign) {
  OpenOptions inert;
  inert.opaque_globals = true;
  Pickle evil;
  evil.add("}").mark().text("x").tensor({}).text("evil").global("os", "system").mark().text("true").add("tR").add("u");
  const TemporaryFile file(simple(evil.stop()));
  const auto dict = StateDict::open(file.path(), inert);
  EXPECT_EQ(dict->names(), std::vector<std::string>{"x"});
  EXPECT_EQ(dict->metadata().count("evil"), 0u);

  Pickle module;
  module.global("torch.nn.modules.linear", "Linear").add(")\x81}b");
  EXPECT_EQ(code_of(simple(module.stop()), nullptr, inert), ErrorCode::kUnsupportedFormat);
}

TEST(TorchCheckpoint, ZipsWithZip64FieldsAreRead) {
  Pickle pickle;
  pickle.add("}").mark().text("x").tensor({}).add("u");
  const TemporaryFile file(torch_zip(pickle.stop(), {kTwoFloats}, true));
  EXPECT_EQ(StateDict::open(file.path())->get("x").values<float>()[1], 2.0f);
}

TEST(TorchCheckpoint, LegacyStreamWithViewOfAStorage) {
  Pickle magic, version, system, object, keys;
  magic.add(std::string("\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19", 12)).stop();
  version.integer(1001).stop();
  system.add("}").mark().text("little_endian").add("\x88u").stop();
  const std::string view =
      "(X" + raw(std::uint32_t{1}) + "vJ" + raw(std::int32_t{2}) + "J" + raw(std::int32_t{3}) + "t";
  object.add("}").mark().text("whole").tensor({"FloatStorage", "7", 6, 0, {2, 3}, {1, 2}, "N"});
  object.text("part").tensor({"FloatStorage", "7", 6, 1, {2}, {1}, view}).add("u").stop();
  keys.add("]").mark().text("7").add("e").stop();
  const std::string bytes = magic.bytes + version.bytes + system.bytes + object.bytes + keys.bytes +
                            raw(std::int64_t{6}) + floats({0, 1, 2, 3, 4, 5});
  const TemporaryFile file(bytes);
  const auto dict = StateDict::open(file.path());
  EXPECT_EQ(dict->format(), "torch-legacy");
  const Tensor whole = dict->get("whole"), part = dict->get("part");
  const std::vector<float> transposed = {0, 2, 4, 1, 3, 5};
  EXPECT_TRUE(std::equal(transposed.begin(), transposed.end(), whole.values<float>().begin()));
  EXPECT_EQ(part.values<float>()[0], 3.0f);
  EXPECT_EQ(part.values<float>()[1], 4.0f);
  EXPECT_EQ(code_of(bytes.substr(0, bytes.size() - 1)), ErrorCode::kCorruptFile);
  EXPECT_EQ(
      dict->sha256(), "sha256:" + [&] {
        Sha256 digest;
        digest.update(bytes);
        return hex(digest.finish());
      }());
}

TEST(TorchCheckpoint, StateDictIsFoundUnderTheUsualKeys) {
  for (const std::string key : {"desc", "state_dict", "model", "net", "teacher"}) {
    Pickle pickle;
    pickle.add("}").mark().text(key).add("}").mark().text("w").tensor({}).add("u");
    pickle.text("optimizer").add("}").mark().text("a").add("}").mark().text("m").tensor({}).add("uuu");
    const TemporaryFile file(simple(pickle.stop()));
    EXPECT_EQ(StateDict::open(file.path())->names(), std::vector<std::string>{"w"}) << key;
  }
}

TEST(TorchCheckpoint, OtherKeysServeIfOnlyOneDictQualifies) {
  Pickle one;
  one.add("}")
      .mark()
      .text("weights_of_mine")
      .add("}")
      .mark()
      .text("w")
      .tensor({})
      .add("u")
      .text("epoch")
      .integer(3)
      .add("u");
  const TemporaryFile file(simple(one.stop()));
  EXPECT_EQ(StateDict::open(file.path())->names(), std::vector<std::string>{"w"});
  EXPECT_EQ(StateDict::open(file.path())->metadata().at("epoch"), "3");

  Pickle two;
  two.add("}").mark().text("left").add("}").mark().text("w").tensor({}).add("u");
  two.text("right").add("}").mark().text("w").tensor({}).add("uu");
  std::string message;
  EXPECT_EQ(code_of(simple(two.stop()), &message), ErrorCode::kUnsupportedFormat);
  EXPECT_NE(message.find("'left', 'right'"), std::string::npos) << message;
}

TEST(TorchCheckpoint, NestedDictsGiveDottedNamesAndLaterKeysWin) {
  Pickle pickle;
  pickle.add("}").mark().text("model").add("}").mark().text("b").tensor({}).text("enc").add("}").mark();
  pickle.text("w").tensor({}).add("u").text("b").tensor({"FloatStorage", "0", 2, 1, {1}, {1}, ""}).add("uu");
  const TemporaryFile file(simple(pickle.stop()));
  const auto dict = StateDict::open(file.path());
  EXPECT_EQ(dict->names(), (std::vector<std::string>{"b", "enc.w"}));
  EXPECT_EQ(dict->get("b").values<float>()[0], 2.0f);
}

TEST(TorchCheckpoint, DamagedStorageIsNoticedWhenItIsRead) {
  Pickle pickle;
  pickle.add("}").mark().text("x").tensor({}).add("u");
  std::string bytes = simple(pickle.stop());
  bytes[bytes.find(kTwoFloats)] ^= 1;
  const TemporaryFile file(bytes);
  const auto dict = StateDict::open(file.path());
  try {
    dict->get("x");
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kCorruptFile);
    EXPECT_NE(std::string(error.what()).find("checksum of storage '0'"), std::string::npos) << error.what();
  }
}

TEST(TorchCheckpoint, ManyThreadsMayReadAtOnce) {
  Pickle pickle;
  std::vector<float> values(300'000);
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(i);
  pickle.add("}").mark().text("a").tensor({"FloatStorage", "0", 300'000, 150'000, {150'000}, {1}, ""});
  pickle.text("b").tensor({"FloatStorage", "0", 300'000, 1, {3, 2}, {2, 100'000}, ""}).add("u");
  const TemporaryFile file(torch_zip(pickle.stop(), {floats(values)}));
  const auto dict = StateDict::open(file.path());
  std::vector<std::thread> threads;
  std::atomic<int> wrong{0};
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      if (dict->get("a").values<float>()[7] != 150'007.0f) ++wrong;
      if (dict->get("b").values<float>()[3] != 100'003.0f) ++wrong;
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0);
}

TEST(TorchCheckpoint, ExponentialSharingEndsQuickly) {
  // Each dict holds the one below twice: 2^60 paths lead to the tensor.
  std::string code = "}(" + Pickle().text("x").tensor({}).bytes.substr(2) + "u";
  for (char level = 0; level < 60; ++level) {
    const std::string number(1, level);
    code = "}(" + Pickle().text("a").bytes.substr(2) + code + "q" + number + Pickle().text("b").bytes.substr(2) + "h" +
           number + "u";
  }
  // CPU time: a wall clock would measure what else the machine does.
  const std::clock_t start = std::clock();
  EXPECT_EQ(code_of(simple(Pickle().add("}").mark().text("model").add(code).add("u").stop())), ErrorCode::kCorruptFile);
  const TemporaryFile searched(simple(Pickle().add("}").mark().text("other").add(code).add("u").stop()));
  EXPECT_EQ(StateDict::open(searched.path())->names(), std::vector<std::string>{"x"});
  EXPECT_LT(std::clock() - start, 2 * CLOCKS_PER_SEC);
}

TEST(TorchCheckpoint, CopiesOfOneListCannotGrowWithoutBound) {
  // One list of 100 000 values, turned into a set over and over: six bytes of program for each copy.
  std::string code = "](" + std::string(100'000, 'N') + "e";
  std::string copies;
  for (int i = 0; i < 100'000; ++i) copies += std::string("h\x01h\x02R", 5);
  Pickle pickle;
  pickle.mark().global("builtins", "set").add(std::string("q\x01", 2)).mark().add(code).add("t");
  pickle.add(std::string("q\x02", 2)).add(copies).add("t");
  EXPECT_EQ(code_of(simple(pickle.stop())), ErrorCode::kCorruptFile);
}

TEST(TorchCheckpoint, ForeignTensorsAreNamed) {
  Pickle pickle;
  pickle.add("}")
      .mark()
      .text("w")
      .global("torch._utils", "_rebuild_sparse_tensor")
      .mark()
      .integer(1)
      .add("tR")
      .add("u");
  std::string message;
  EXPECT_EQ(code_of(simple(pickle.stop()), &message), ErrorCode::kUnsupportedFormat);
  EXPECT_NE(message.find("tensor 'w' is a sparse tensor"), std::string::npos) << message;
}

TEST(TorchCheckpoint, NamesInMessagesAreValidText) {
  Pickle pickle;
  pickle.add("}").mark().text("bad\x01name").tensor({"FloatStorage", "0", 2, 1, {2}, {1}, ""}).add("u");
  std::string message;
  EXPECT_EQ(code_of(simple(pickle.stop()), &message), ErrorCode::kCorruptFile);
  EXPECT_NE(message.find("'bad\\x01name' reaches beyond its storage"), std::string::npos) << message;
}

TEST(TorchCheckpoint, EveryTruncationAndEveryFlippedByteIsSurvived) {
  const std::string bytes = hoverfast_checkpoint(true);
  OpenOptions inert;
  inert.opaque_globals = true;
  const auto try_open = [&](const std::string& variant) {
    const TemporaryFile file(variant);
    try {
      const auto dict = StateDict::open(file.path(), inert);
      for (const std::string& name : dict->names()) dict->get(name);
      return true;
    } catch (const Error&) {
      return false;
    }
  };
  for (std::size_t length = 0; length < bytes.size(); length += 7) EXPECT_FALSE(try_open(bytes.substr(0, length)));
  for (std::size_t at = 0; at < bytes.size(); at += 3) {
    std::string variant = bytes;
    variant[at] = static_cast<char>(variant[at] ^ 0x41);
    try_open(variant);
  }
}

TEST(WeightScope, PrefixesShapesAndMissingNames) {
  Pickle pickle;
  pickle.add("}")
      .mark()
      .text("down_path.0.weight")
      .tensor({})
      .text("down_path.1.bias")
      .tensor({"FloatStorage", "0", 2, 1, {}, {}, ""});
  const TemporaryFile file(simple(pickle.add("u").stop()));
  const WeightScope root(StateDict::open(file.path()));
  const WeightScope block = root.scope("down_path").scope("0");
  EXPECT_EQ(block.full_name("weight"), "down_path.0.weight");
  EXPECT_TRUE(block.has("weight"));
  EXPECT_FALSE(block.has("bias"));
  EXPECT_EQ(block.f32("weight", {2}).values<float>()[1], 2.0f);
  EXPECT_EQ(root.scope("down_path.1").f32("bias", {}).values<float>()[0], 2.0f);
  const auto message_of = [&](const char* name, const Shape& shape, ErrorCode expected) {
    try {
      block.f32(name, shape);
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), expected);
      return std::string(error.what());
    }
    return std::string();
  };
  const std::string mismatch = message_of("weight", {3, 1}, ErrorCode::kShapeMismatch);
  EXPECT_NE(mismatch.find("[2]"), std::string::npos) << mismatch;
  EXPECT_NE(mismatch.find("[3, 1]"), std::string::npos) << mismatch;
  const std::string missing = message_of("wieght", {2}, ErrorCode::kMissingWeight);
  EXPECT_NE(missing.find("closest name is 'down_path.0.weight'"), std::string::npos) << missing;
  EXPECT_NE(missing.find(file.path()), std::string::npos) << missing;
}
