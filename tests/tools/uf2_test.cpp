// UF2 files as the boot ROM will read them.
#include <gtest/gtest.h>

#include <cstring>
#include <string>
#include <vector>

#include "firmware/chips/rp2350.h"
#include "tests/support/command.h"
#include "tests/support/models.h"
#include "tests/support/synthetic_model.h"
#include "tools/support/failure.h"
#include "tools/uf2/flash_image.h"

namespace pico_llama::uf2 {
namespace {

using Bytes = std::vector<std::uint8_t>;

constexpr std::uint32_t kFlash = chips::Rp2350::kXipCachedBase;

std::uint32_t word(const Bytes& file, std::size_t at) {
  std::uint32_t value;
  std::memcpy(&value, file.data() + at, sizeof(value));
  return value;
}

/// A program as the boot ROM wants one: an IMAGE_DEF block (datasheet 5.9.5.1) in its first 4 kB.
Bytes program_bytes() {
  Bytes program(1000, 1);
  const std::uint32_t block[] = {0xffffded3, 0x10210142, 0x000001ff, 0, 0xab123579};
  std::memcpy(program.data() + 256, block, sizeof(block));
  return program;
}

TEST(Uf2, BlocksAreAsTheSpecificationSays) {
  FlashImage image;
  Bytes bytes(300);
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::uint8_t>(i);
  image.add(kFlash + 0x100, bytes, "test");
  EXPECT_FALSE(image.has_program());
  const Bytes file = image.to_uf2(formats::kUf2FamilyData);
  ASSERT_EQ(file.size(), 2u * 512);
  for (std::uint32_t block = 0; block < 2; ++block) {
    const std::size_t at = block * 512;
    // Numbers from the UF2 specification, not from our header.
    EXPECT_EQ(word(file, at), 0x0A324655u);
    EXPECT_EQ(word(file, at + 4), 0x9E5D5157u);
    EXPECT_EQ(word(file, at + 8), 0x2000u);
    EXPECT_EQ(word(file, at + 12), 0x10000100u + block * 256);
    EXPECT_EQ(word(file, at + 16), 256u);
    EXPECT_EQ(word(file, at + 20), block);
    EXPECT_EQ(word(file, at + 24), 2u);
    EXPECT_EQ(word(file, at + 28), 0xe48bff58u);
    EXPECT_EQ(word(file, at + 508), 0x0AB16F30u);
    for (std::size_t i = 0; i < 256; ++i) {
      const std::size_t place = block * 256 + i;
      EXPECT_EQ(file[at + 32 + i], place < bytes.size() ? bytes[place] : 0);
    }
  }
}

TEST(Uf2, ReadsItsOwnFilesAndJoinsThem) {
  const test_support::TemporaryFolder folder;
  FlashImage program, model;
  program.add(kFlash, program_bytes(), "program");
  model.add(chips::Cartridge::kAddress, Bytes(500, 2), "model");
  test_support::write_file(folder.file("p.uf2"), program.to_uf2(formats::kUf2FamilyRp2350ArmS));
  test_support::write_file(folder.file("m.uf2"), model.to_uf2(formats::kUf2FamilyData));
  FlashImage joined;
  joined.add_file(folder.file("p.uf2"));
  joined.add_file(folder.file("m.uf2"));
  EXPECT_TRUE(joined.has_program());
  EXPECT_EQ(joined.page_count(), 4u + 2u);
  const Bytes file = joined.to_uf2(formats::kUf2FamilyRp2350ArmS);
  EXPECT_EQ(word(file, 4 * 512 + 12), 0x10000000u + chips::Cartridge::kFlashOffset);
  EXPECT_EQ(word(file, 5 * 512 + 24), 6u);
  EXPECT_EQ(file[5 * 512 + 32 + 100], 2);
}

/// Model images as `pack` writes them, of a few sizes.
class Uf2Models : public testing::Test {
 protected:
  std::string image(const std::string& name, const std::string& profile) const {
    const test_support::SyntheticModel tiny{.config = test_support::kShapeTiny};
    const std::string model = folder_.file("m.bin"), tokenizer = folder_.file("t.bin"),
                      image = folder_.file(name);
    test_support::write_file(model, test_support::make_checkpoint(tiny));
    test_support::write_file(tokenizer, test_support::make_tokenizer(tiny.config.vocab_size));
    const auto packed = test_support::run_command(
        {PICO_LLAMA_COMMAND, "pack", model, "-z", tokenizer, "--profile", profile, "-o", image});
    EXPECT_EQ(packed.exit_code, 0) << packed.err;
    return image;
  }
  /// What refusing this file says.
  std::string problem(const std::string& name, const Bytes& bytes) const {
    test_support::write_file(folder_.file(name), bytes);
    try {
      FlashImage().add_file(folder_.file(name));
    } catch (const Failure& failure) {
      return failure.what();
    }
    return "";
  }
  const test_support::TemporaryFolder folder_;
};

TEST_F(Uf2Models, AreStoredConsecutively) {
  const std::string a = image("a.plm", "f32"), b = image("b.plm", "q8"), c = image("c.plm", "q4");
  FlashImage two, three;
  two.add_file(a);
  two.add_file(b);
  test_support::write_file(folder_.file("two.uf2"), two.to_uf2(formats::kUf2FamilyData));
  three.add_file(folder_.file("two.uf2"));  // one more behind those of a UF2
  three.add_file(c);
  const Bytes file = three.to_uf2(formats::kUf2FamilyData);
  std::vector<std::uint32_t> starts;
  for (std::size_t at = 0; at < file.size(); at += 512)
    if (word(file, at + 32) == 0x314d4c50) starts.push_back(word(file, at + 12));
  const auto behind = [](std::uint32_t start, const std::string& path) {
    const auto bytes = static_cast<std::uint32_t>(test_support::read_file(path).size());
    return start + (bytes + 4095) / 4096 * 4096;
  };
  const std::uint32_t second = behind(0x10080000, a);
  EXPECT_EQ(starts, (std::vector<std::uint32_t>{0x10080000, second, behind(second, b)}));
}

TEST_F(Uf2Models, RejectsANinthBecauseTheBoardFindsEight) {
  const std::string one = image("a.plm", "q8"), output = folder_.file("out.uf2");
  std::vector<std::string> line = {PICO_LLAMA_COMMAND, "uf2"};
  line.insert(line.end(), 8, one);
  line.insert(line.end(), {"-o", output});
  EXPECT_EQ(test_support::run_command(line).exit_code, 0);
  const std::string eight = test_support::read_file(output);

  const auto refused = [&](const std::vector<std::string>& files) {
    std::vector<std::string> more = {PICO_LLAMA_COMMAND, "uf2"};
    more.insert(more.end(), files.begin(), files.end());
    more.insert(more.end(), {"-o", output});
    const auto result = test_support::run_command(more);
    EXPECT_EQ(result.exit_code, 1);
    EXPECT_EQ(result.err,
              "pico-llama: " + one + ": is model 9; the board looks for the first 8 only: leave one out\n");
    EXPECT_EQ(test_support::read_file(output), eight) << "the earlier file is unchanged";
  };
  refused(std::vector<std::string>(9, one));
  test_support::write_file(folder_.file("eight.uf2"), Bytes(eight.begin(), eight.end()));
  refused({folder_.file("eight.uf2"), one});
}

TEST_F(Uf2Models, RejectsImagesTheFirmwareRejects) {
  const std::string good = test_support::read_file(image("a.plm", "q8"));
  Bytes bytes(good.begin(), good.end());
  bytes.back() ^= 1;
  EXPECT_NE(problem("flipped.plm", bytes).find("get or pack the file again"), std::string::npos);
  bytes.assign(good.begin(), good.end() - 1);
  EXPECT_NE(problem("cut.plm", bytes).find("pack the checkpoint again"), std::string::npos);
}

TEST_F(Uf2Models, ImpossibleLengthEndsTheList) {
  // In a UF2 nobody has parsed it: neither 0 nor more than the flash may send the search in circles.
  for (const std::uint32_t length : {0u, 0xffffffffu, 0x01000000u}) {
    Bytes head(16);
    const std::uint32_t words[] = {0x314d4c50, 1, length, 0};
    std::memcpy(head.data(), words, sizeof(words));
    FlashImage odd;
    odd.add(chips::Cartridge::kAddress, head, "odd");
    test_support::write_file(folder_.file("odd.uf2"), odd.to_uf2(formats::kUf2FamilyData));
    FlashImage joined;
    joined.add_file(folder_.file("odd.uf2"));
    EXPECT_THROW(joined.add_file(image("a.plm", "q8")), Failure) << "its place is taken";
  }
}

TEST_F(Uf2Models, RejectsUnbootablePrograms) {
  EXPECT_NE(problem("notes.md", Bytes(5000, 'x')).find("no IMAGE_DEF"), std::string::npos);
  EXPECT_EQ(problem("program.bin", program_bytes()), "");

  FlashImage program;
  program.add(kFlash, program_bytes(), "program");
  const Bytes file = program.to_uf2(formats::kUf2FamilyRp2350ArmS);
  EXPECT_EQ(problem("good.uf2", file), "");
  EXPECT_NE(problem("short.uf2", Bytes(file.begin(), file.end() - 512)).find("incomplete: 3 of 4"),
            std::string::npos);
  EXPECT_NE(problem("rp2040.uf2", program.to_uf2(0xe48bff56)).find("for an RP2040"), std::string::npos);
  FlashImage text;
  text.add(kFlash, Bytes(1000, 'x'), "text");
  EXPECT_NE(problem("text.uf2", text.to_uf2(formats::kUf2FamilyRp2350ArmS)).find("no IMAGE_DEF"),
            std::string::npos);
}

TEST(Uf2, RefusesWhatDoesNotFitOrOverlaps) {
  FlashImage image;
  image.add(kFlash, Bytes(100), "first");
  EXPECT_THROW(image.add(kFlash + 99, Bytes(1), "second"), Failure);
  EXPECT_NO_THROW(image.add(kFlash + 100, Bytes(1), "second"));
  EXPECT_THROW(image.add(chips::Rp2350::kSramBase, Bytes(1), "third"), Failure);
  EXPECT_THROW(image.add(kFlash - 1, Bytes(2), "fourth"), Failure);
  EXPECT_THROW(image.add(kFlash + 16 * 1024 * 1024 - 1, Bytes(2), "fifth"), Failure);
  EXPECT_NO_THROW(image.add(kFlash + 16 * 1024 * 1024 - 1, Bytes(1), "last byte"));
}

TEST(Uf2, TheCommandPutsAModelInItsPlace) {
  const test_support::TemporaryFolder folder;
  const test_support::SyntheticModel tiny{.config = test_support::kShapeTiny};
  const std::string model = folder.file("m.bin"), tokenizer = folder.file("t.bin");
  test_support::write_file(model, test_support::make_checkpoint(tiny));
  test_support::write_file(tokenizer, test_support::make_tokenizer(tiny.config.vocab_size));
  const auto command = [](const std::vector<std::string>& arguments) {
    std::vector<std::string> line = {PICO_LLAMA_COMMAND};
    line.insert(line.end(), arguments.begin(), arguments.end());
    const auto result = test_support::run_command(line);
    EXPECT_EQ(result.exit_code, 0) << result.err;
  };
  command({"pack", model, "-z", tokenizer, "-o", folder.file("m.plm")});
  command({"pack", model, "-z", tokenizer, "-o", folder.file("packed.uf2")});
  command({"uf2", folder.file("m.plm"), "-o", folder.file("joined.uf2")});
  const std::string packed = test_support::read_file(folder.file("packed.uf2"));
  EXPECT_EQ(packed, test_support::read_file(folder.file("joined.uf2"))) << "two ways to the same file";
  const std::string image = test_support::read_file(folder.file("m.plm"));
  EXPECT_EQ(packed.size(), (image.size() + 255) / 256 * 512);
  EXPECT_EQ(packed.substr(32, 256), image.substr(0, 256));

  test_support::write_file(folder.file("broken.uf2"), Bytes(packed.begin(), packed.end() - 1));
  const auto broken = test_support::run_command(
      {PICO_LLAMA_COMMAND, "uf2", folder.file("broken.uf2"), "-o", folder.file("out.uf2")});
  EXPECT_EQ(broken.exit_code, 1);
  EXPECT_NE(broken.err.find("not a whole number of 512-byte blocks"), std::string::npos) << broken.err;
  const auto overlapping =
      test_support::run_command({PICO_LLAMA_COMMAND, "uf2", folder.file("packed.uf2"),
                                 folder.file("packed.uf2"), "-o", folder.file("out.uf2")});
  EXPECT_EQ(overlapping.exit_code, 1);
  EXPECT_NE(overlapping.err.find("that another file gave already"), std::string::npos) << overlapping.err;
}

}  // namespace
}  // namespace pico_llama::uf2
