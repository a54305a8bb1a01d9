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

TEST(Uf2, BlocksAreAsTheSpecificationSays) {
  FlashImage image;
  Bytes bytes(300);
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::uint8_t>(i);
  image.add(kFlash + 0x100, bytes, "test");
  EXPECT_FALSE(image.has_program());
  const Bytes file = image.to_uf2(kFamilyData);
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
  program.add(kFlash, Bytes(1000, 1), "program");
  model.add(chips::Cartridge::kAddress, Bytes(500, 2), "model");
  test_support::write_file(folder.file("p.uf2"), program.to_uf2(kFamilyRp2350ArmS));
  test_support::write_file(folder.file("m.uf2"), model.to_uf2(kFamilyData));
  FlashImage joined;
  joined.add_file(folder.file("p.uf2"));
  joined.add_file(folder.file("m.uf2"));
  EXPECT_TRUE(joined.has_program());
  EXPECT_EQ(joined.page_count(), 4u + 2u);
  const Bytes file = joined.to_uf2(kFamilyRp2350ArmS);
  EXPECT_EQ(word(file, 4 * 512 + 12), 0x10000000u + chips::Cartridge::kFlashOffset);
  EXPECT_EQ(word(file, 5 * 512 + 24), 6u);
  EXPECT_EQ(file[5 * 512 + 32 + 100], 2);
}

TEST(Uf2, ModelsLieOneBehindTheOther) {
  const test_support::TemporaryFolder folder;
  // All that matters here of an image: magic, version, length.
  const auto image = [](std::uint32_t bytes) {
    Bytes file(bytes, 7);
    const std::uint32_t head[] = {0x314d4c50, 1, bytes};
    std::memcpy(file.data(), head, sizeof(head));
    return file;
  };
  test_support::write_file(folder.file("a.plm"), image(5000));
  test_support::write_file(folder.file("b.plm"), image(4096));
  test_support::write_file(folder.file("c.plm"), image(300));
  FlashImage two, three;
  two.add_file(folder.file("a.plm"));
  two.add_file(folder.file("b.plm"));
  test_support::write_file(folder.file("two.uf2"), two.to_uf2(kFamilyData));
  three.add_file(folder.file("two.uf2"));  // one more behind those of a UF2
  three.add_file(folder.file("c.plm"));
  const Bytes file = three.to_uf2(kFamilyData);
  std::vector<std::uint32_t> starts;
  for (std::size_t at = 0; at < file.size(); at += 512)
    if (word(file, at + 32) == 0x314d4c50) starts.push_back(word(file, at + 12));
  EXPECT_EQ(starts, (std::vector<std::uint32_t>{0x10080000, 0x10082000, 0x10083000}));
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
  const auto command = [](std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), PICO_LLAMA_COMMAND);
    const auto result = test_support::run_command(arguments);
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
  EXPECT_NE(broken.err.find("whole number of UF2 blocks"), std::string::npos) << broken.err;
  const auto overlapping =
      test_support::run_command({PICO_LLAMA_COMMAND, "uf2", folder.file("packed.uf2"),
                                 folder.file("packed.uf2"), "-o", folder.file("out.uf2")});
  EXPECT_EQ(overlapping.exit_code, 1);
  EXPECT_NE(overlapping.err.find("that another file gave already"), std::string::npos) << overlapping.err;
}

}  // namespace
}  // namespace pico_llama::uf2
