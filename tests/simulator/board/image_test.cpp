#include "simulator/image.h"

#include <gtest/gtest.h>

#include <unistd.h>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>
#include <string>
#include <vector>

#include "simulator/board.h"
#include "simulator/bus/flash_chip.h"

namespace pico_llama::simulator {
namespace {

constexpr std::uint32_t kArm = 0xe48bff59, kData = 0xe48bff58, kRp2040 = 0xe48bff56;

struct Uf2Block {
  std::uint32_t address, number, count, family = kArm, payload = 256, flags = 0x2000;
  std::uint8_t fill = 0xa5;
};

std::vector<std::uint8_t> encode(const std::vector<Uf2Block>& blocks) {
  std::vector<std::uint8_t> file;
  for (const Uf2Block& b : blocks) {
    std::vector<std::uint8_t> bytes(512, 0);
    const std::uint32_t words[8] = {0x0a324655, 0x9e5d5157, b.flags, b.address,
                                    b.payload,  b.number,   b.count, b.family};
    std::memcpy(bytes.data(), words, sizeof words);
    std::memset(bytes.data() + 32, b.fill, 256);
    const std::uint32_t end = 0x0ab16f30;
    std::memcpy(bytes.data() + 508, &end, 4);
    file.insert(file.end(), bytes.begin(), bytes.end());
  }
  return file;
}

class ImageFile : public testing::Test {
 protected:
  ImageFile() {
    path_ = std::filesystem::temp_directory_path() /
            ("pico_llama_image_" + std::to_string(::getpid()) + "_" +
             testing::UnitTest::GetInstance()->current_test_info()->name());
  }
  ~ImageFile() override { std::filesystem::remove(path_); }
  std::string file(const std::vector<std::uint8_t>& bytes) {
    std::ofstream(path_, std::ios::binary)
        .write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
    return path_.string();
  }
  /// What the error says; empty if the file is good.
  std::string problem(const std::vector<std::uint8_t>& bytes) {
    try {
      read_image(file(bytes));
    } catch (const ImageError& error) {
      const std::string text = error.what();
      EXPECT_EQ(text.find('\n'), std::string::npos);
      EXPECT_EQ(text.rfind(path_.string(), 0), 0U) << text;
      return text;
    }
    return {};
  }
  void expect_problem(const std::vector<std::uint8_t>& bytes, const std::string& words) {
    const std::string text = problem(bytes);
    EXPECT_NE(text.find(words), std::string::npos) << "\"" << text << "\"";
  }
  std::filesystem::path path_;
};

TEST_F(ImageFile, Uf2WithGapsInAnyOrder) {
  const Image image = read_image(
      file(encode({{0x10001000, 1, 2, kArm, 256, 0x2000, 2}, {0x10000000, 0, 2, kArm, 256, 0x2000, 1}})));
  ASSERT_EQ(image.segments.size(), 2U);
  EXPECT_EQ(image.segments[0].address, 0x10000000U);
  EXPECT_EQ(image.segments[0].bytes, std::vector<std::uint8_t>(256, 1));
  EXPECT_EQ(image.segments[1].address, 0x10001000U);
}

TEST_F(ImageFile, Uf2SkipsTheBlockAgainstErratumE10) {
  const Image image = read_image(file(encode({{0x10ffff00, 0, 2, 0xe48bff57}, {0x10000000, 0, 1}})));
  ASSERT_EQ(image.segments.size(), 1U);
  EXPECT_EQ(image.segments[0].address, 0x10000000U);
}

TEST_F(ImageFile, Uf2ForAnotherChip) {
  expect_problem(encode({{0x10000000, 0, 1, kRp2040}}), "RP2040");
  expect_problem(encode({{0x10000000, 0, 1, 0xe48bff5a}}), "RISC-V");
  expect_problem(encode({{0x10000000, 0, 1, 0x12345678}}), "0x12345678");
}

TEST_F(ImageFile, Uf2Damaged) {
  auto bytes = encode({{0x10000000, 0, 1}});
  bytes[508] ^= 1;
  expect_problem(bytes, "damaged");
  bytes = encode({{0x10000000, 0, 1}});
  bytes.resize(500);
  expect_problem(bytes, "cut off");
  expect_problem(encode({{0x10000000, 0, 3}, {0x10000100, 1, 3}}), "incomplete: 2 of 3");
  expect_problem(encode({{0x10000000, 0, 2}, {0x10000000, 1, 2}}), "overlaps");
  expect_problem(encode({{0x10000000, 0, 1, kArm, 128}}), "128 bytes");
}

TEST_F(ImageFile, Uf2OutsideMemory) {
  expect_problem(encode({{0x11000000, 0, 1}}), "beyond the 16 MB");
  expect_problem(encode({{0x30000000, 0, 1}}), "neither flash nor RAM");
  expect_problem(encode({{0x10000080, 0, 1}}), "multiple of 256");
}

TEST_F(ImageFile, NeitherUf2NorElf) {
  expect_problem({'h', 'e', 'l', 'l', 'o'}, "neither a UF2 nor an ELF");
  expect_problem({}, "empty");
  EXPECT_THROW(read_image("/nowhere/at/all.uf2"), ImageError);
}

TEST_F(ImageFile, ElfForAnotherMachine) {
  try {
    read_image("/proc/self/exe");  // this test: an ELF for this computer
    FAIL();
  } catch (const ImageError& error) {
    EXPECT_NE(std::string(error.what()).find("another machine"), std::string::npos) << error.what();
  }
}

TEST_F(ImageFile, BoardRefusesOverlapAndWhatDoesNotFit) {
  BoardOptions options;
  options.kind = BoardKind::kPico2;
  Board board(options);
  board.load(read_image(file(encode({{0x10000000, 0, 1}}))));
  EXPECT_THROW(board.load(read_image(file(encode({{0x10000000, 0, 1, kData}})))), ImageError);
  EXPECT_THROW(board.load(read_image(file(encode({{0x10400000, 0, 1, kData}})))), ImageError);
  board.load(read_image(file(encode({{0x10300000, 0, 1, kData, 256, 0x2000, 9}}))));
  EXPECT_EQ(board.flash().data()[0x300000], 9);
}

TEST_F(ImageFile, WithoutImageDefTheBoardSitsInBootsel) {
  Board board;
  board.load(read_image(file(encode({{0x10000000, 0, 1}}))));
  board.reset();
  const RunResult result = board.run({});
  EXPECT_EQ(result.end, RunEnd::kBootsel);
  EXPECT_NE(result.message.find("no IMAGE_DEF"), std::string::npos) << result.message;
}

TEST(SymbolTable, FindsFunctionsByAddress) {
  SymbolTable table;
  table.add({0x1000, 0x20, "first"});
  table.add({0x1020, 0, "label"});
  EXPECT_EQ(table.describe(0x1000), "first");
  EXPECT_EQ(table.describe(0x1011), "first+0x10");
  EXPECT_EQ(table.describe(0x1024), "label+0x4");
  EXPECT_EQ(table.describe(0x10), "0x00000010");
  EXPECT_EQ(table.address_of("label"), 0x1020U);
}

}  // namespace
}  // namespace pico_llama::simulator
