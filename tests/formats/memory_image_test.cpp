#include "formats/memory_image.h"

#include <gtest/gtest.h>

#include <unistd.h>
#include <algorithm>
#include <array>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>
#include <string>
#include <vector>

#include "formats/failure.h"
#include "formats/uf2.h"

namespace pico_llama::formats {
namespace {

constexpr std::uint32_t kArm = 0xe48bff59, kRp2040 = 0xe48bff56;

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

class MemoryImageFile : public testing::Test {
 protected:
  MemoryImageFile() {
    path_ = std::filesystem::temp_directory_path() /
            ("pico_llama_image_" + std::to_string(::getpid()) + "_" +
             testing::UnitTest::GetInstance()->current_test_info()->name());
  }
  ~MemoryImageFile() override { std::filesystem::remove(path_); }
  std::string file(const std::vector<std::uint8_t>& bytes) {
    std::ofstream(path_, std::ios::binary)
        .write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
    return path_.string();
  }
  /// The error's text; empty if the file is good.
  std::string problem(const std::vector<std::uint8_t>& bytes) {
    try {
      read_memory_image(file(bytes));
    } catch (const Failure& error) {
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

TEST_F(MemoryImageFile, Uf2WithGapsInAnyOrder) {
  const MemoryImage image = read_memory_image(
      file(encode({{0x10001000, 1, 2, kArm, 256, 0x2000, 2}, {0x10000000, 0, 2, kArm, 256, 0x2000, 1}})));
  ASSERT_EQ(image.segments.size(), 2U);
  EXPECT_EQ(image.segments[0].address, 0x10000000U);
  EXPECT_EQ(image.segments[0].bytes, std::vector<std::uint8_t>(256, 1));
  EXPECT_EQ(image.segments[1].address, 0x10001000U);
}

TEST_F(MemoryImageFile, Uf2KeepsTheBlockAgainstErratumE10Apart) {
  const MemoryImage image = read_memory_image(
      file(encode({{0x10ffff00, 0, 2, 0xe48bff57, 256, 0x2000, 0xef}, {0x10000000, 0, 1}})));
  ASSERT_EQ(image.segments.size(), 1U);
  EXPECT_EQ(image.segments[0].address, 0x10000000U);
  ASSERT_TRUE(image.e10_page);
  EXPECT_EQ(image.e10_page->address, 0x10ffff00U);
  EXPECT_EQ(image.e10_page->bytes, std::vector<std::uint8_t>(256, 0xef));
  EXPECT_FALSE(read_memory_image(file(encode({{0x10000000, 0, 1}}))).e10_page);
}

TEST_F(MemoryImageFile, Uf2ForAnotherChip) {
  expect_problem(encode({{0x10000000, 0, 1, kRp2040}}), "RP2040");
  expect_problem(encode({{0x10000000, 0, 1, 0xe48bff5a}}), "RISC-V");
  expect_problem(encode({{0x10000000, 0, 1, 0x12345678}}), "0x12345678");
}

TEST_F(MemoryImageFile, Uf2PassesOverBlocksForOtherChips) {
  const MemoryImage image = read_memory_image(file(encode({{0x10000000, 0, 1, kRp2040},
                                                           {0x10002000, 0, 2},
                                                           {0x20000000, 0, 1, 0x12345678},
                                                           {0x10002100, 1, 2}})));
  ASSERT_EQ(image.segments.size(), 1U);
  EXPECT_EQ(image.segments[0].address, 0x10002000U);
}

TEST_F(MemoryImageFile, TwoUf2FilesInOne) {
  constexpr std::uint32_t kData = 0xe48bff58;
  for (const auto& second : {std::vector<Uf2Block>{{0x10080000, 0, 1, kData}},
                             {{0x10080000, 0, 3}},
                             {{0x10080000, 0, 2}, {0x10080100, 1, 2}}}) {
    std::vector<Uf2Block> blocks = {{0x10000000, 0, 2}, {0x10000100, 1, 2}};
    blocks.insert(blocks.end(), second.begin(), second.end());
    expect_problem(encode(blocks), "two UF2 files in one");
  }
}

TEST_F(MemoryImageFile, Uf2Damaged) {
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

TEST_F(MemoryImageFile, Uf2OutsideMemory) {
  expect_problem(encode({{0x11000000, 0, 1}}), "beyond the 16 MB");
  expect_problem(encode({{0x30000000, 0, 1}}), "neither flash nor RAM");
  expect_problem(encode({{0x10000080, 0, 1}}), "multiple of 256");
}

TEST_F(MemoryImageFile, NeitherUf2NorElf) {
  expect_problem({'h', 'e', 'l', 'l', 'o'}, "neither a UF2 nor an ELF");
  expect_problem({}, "empty");
  EXPECT_THROW(read_memory_image("/nowhere/at/all.uf2"), Failure);
}

TEST_F(MemoryImageFile, ElfForAnotherMachine) {
  try {
    read_memory_image("/proc/self/exe");  // this test: an ELF for this computer
    FAIL();
  } catch (const Failure& error) {
    EXPECT_NE(std::string(error.what()).find("another machine"), std::string::npos) << error.what();
  }
}

TEST_F(MemoryImageFile, WrittenUf2ReadsBackAsOneSegmentARun) {
  std::array<std::uint8_t, kUf2PayloadBytes> first{}, second{}, apart{};
  first.fill(1);
  second.fill(2);
  apart.fill(3);
  const std::vector<Uf2Page> pages = {{0x10000000, first}, {0x10000100, second}, {0x10080000, apart}};
  const MemoryImage image = read_memory_image(file(write_uf2(pages, kUf2FamilyData)));
  ASSERT_EQ(image.segments.size(), 2U);
  std::vector<std::uint8_t> joined(2 * kUf2PayloadBytes, 1);
  std::fill(joined.begin() + kUf2PayloadBytes, joined.end(), 2);
  EXPECT_EQ(image.segments[0].address, 0x10000000U);
  EXPECT_EQ(image.segments[0].bytes, joined);
  EXPECT_EQ(image.segments[1].address, 0x10080000U);
  EXPECT_EQ(image.segments[1].bytes, std::vector<std::uint8_t>(apart.begin(), apart.end()));
}

TEST(MemoryImageRegion, BordersOfFlashAndSram) {
  EXPECT_EQ(region_of(0x10fff000, 0x1000), Region::kFlash);
  EXPECT_EQ(region_of(0x10fff000, 0x1001), Region::kBeyondFlash);
  EXPECT_EQ(region_of(0x11000000, 1), Region::kBeyondFlash);
  EXPECT_EQ(region_of(0x0fffffff, 2), Region::kElsewhere);
  EXPECT_EQ(region_of(0x12000000, 1), Region::kElsewhere);
  EXPECT_EQ(region_of(0x20081fff, 1), Region::kSram);
  EXPECT_EQ(region_of(0x20081fff, 2), Region::kElsewhere);
  EXPECT_EQ(region_of(0x20000000, ~std::uint64_t{0}), Region::kElsewhere);
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
}  // namespace pico_llama::formats
