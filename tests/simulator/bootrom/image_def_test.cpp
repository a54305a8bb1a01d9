#include "simulator/bootrom/image_def.h"

#include <gtest/gtest.h>

namespace pico_llama::simulator {
namespace {

constexpr std::uint32_t kBase = 0x10000000;
constexpr std::uint32_t kHeader = 0xffffded3, kFooter = 0xab123579;
// IMAGE_TYPE item: an executable for an RP2350, Arm, Secure.
constexpr std::uint32_t kArmSecureExe = 0x1021U << 16 | 0x0142;

struct Region {
  std::vector<std::uint32_t> words = std::vector<std::uint32_t>(4096, 0);
  /// A block at word `at` with these items and a link of `next` bytes.
  void put(std::size_t at, const std::vector<std::uint32_t>& items, std::uint32_t next = 0) {
    words[at++] = kHeader;
    for (const std::uint32_t item : items) words[at++] = item;
    words[at++] = 0xff | static_cast<std::uint32_t>(items.size()) << 8;
    words[at++] = next;
    words[at] = kFooter;
  }
  ImageSearch search() const {
    const auto bytes = static_cast<std::uint32_t>(words.size() * 4);
    return find_image(kBase, bytes, [this](std::uint32_t address) -> std::optional<std::uint32_t> {
      const std::size_t word = (address - kBase) / 4;
      if (word >= words.size()) return std::nullopt;
      return words[word];
    });
  }
};

TEST(ImageDef, MinimalImageStartsAtItsVectorTable) {
  Region region;
  region.put(0x50, {kArmSecureExe});
  const ImageSearch search = region.search();
  ASSERT_TRUE(search.found) << search.problem;
  EXPECT_EQ(search.found->vector_table, kBase);
  EXPECT_FALSE(search.found->entry.has_value());
}

TEST(ImageDef, ItemsDefineItsEntryPoint) {
  Region region;
  region.put(0x50, {kArmSecureExe, 0x0203, kBase + 0x400, 0x0444, kBase + 0x501, 0x20001000, 0x20000800});
  const ImageSearch search = region.search();
  ASSERT_TRUE(search.found) << search.problem;
  EXPECT_EQ(search.found->vector_table, kBase + 0x400);
  EXPECT_EQ(search.found->entry, kBase + 0x501);
  EXPECT_EQ(search.found->stack, 0x20001000U);
  EXPECT_EQ(search.found->stack_limit, 0x20000800U);
}

TEST(ImageDef, LoadMapAbsoluteAndRelative) {
  Region region;
  region.put(0x50,
             {kArmSecureExe, 0x82000706, kBase + 0x100, 0x20000000, 0x20000080, 0, 0x20001000, 0x20001040});
  ImageSearch search = region.search();
  ASSERT_TRUE(search.found) << search.problem;
  ASSERT_EQ(search.found->load.size(), 2U);
  EXPECT_EQ(search.found->load[0].bytes, 0x80U);
  EXPECT_EQ(search.found->load[1].from, 0U);
  EXPECT_EQ(search.found->load[1].bytes, 64U);
  region.put(0x50, {kArmSecureExe, 0x01000406, 0x1000, 0x20000000, 32});
  search = region.search();
  ASSERT_TRUE(search.found) << search.problem;
  EXPECT_EQ(search.found->load[0].from, kBase + 4 * 0x52 + 0x1000);
}

TEST(ImageDef, HashIsThatOfTheLoadMapAndTheBlock) {
  Region region;
  region.put(0x50, {kArmSecureExe, 0x01000247, 3, 0x034b, 0x11111111, 0x22222222});
  ImageSearch search = region.search();
  ASSERT_TRUE(search.found) << search.problem;
  ASSERT_TRUE(search.found->hash);
  EXPECT_EQ(search.found->hash->block, (std::vector<std::uint32_t>{kHeader, kArmSecureExe, 0x01000247}));
  EXPECT_EQ(search.found->hash->expected, (std::vector<std::uint32_t>{0x11111111, 0x22222222}));
  // A HASH_DEF alone, or one of another kind, seals nothing.
  region.put(0x50, {kArmSecureExe, 0x01000247, 3});
  EXPECT_FALSE(region.search().found->hash);
  region.put(0x50, {kArmSecureExe, 0x02000247, 3, 0x024b, 0x11111111});
  EXPECT_NE(region.search().problem.find("no HASH_DEF"), std::string::npos);
  region.put(0x50, {kArmSecureExe, 0x01000247, 7, 0x024b, 0x11111111});
  EXPECT_NE(region.search().problem.find("longer than its block"), std::string::npos);
  region.put(0x50, {kArmSecureExe, 0x01000347, 3, 0, 0x024b, 0x11111111});
  EXPECT_NE(region.search().problem.find("wrong size"), std::string::npos);
  region.put(0x50, {kArmSecureExe, 0x01000247, 3, 0x0a4b, 1, 2, 3, 4, 5, 6, 7, 8, 9});
  EXPECT_NE(region.search().problem.find("wrong size"), std::string::npos);
}

TEST(ImageDef, LoopMustClose) {
  Region region;
  region.put(0x50, {kArmSecureExe}, 0x400);
  EXPECT_NE(region.search().problem.find("damaged"), std::string::npos);
  region.put(0x150, {0x000001fe},
             static_cast<std::uint32_t>(-0x400));  // an ignored item, as the SDK's last block
  const ImageSearch search = region.search();
  EXPECT_TRUE(search.found) << search.problem;
  region.put(0x50, {kArmSecureExe}, 0x4000000);
  EXPECT_NE(region.search().problem.find("does not close"), std::string::npos);
}

TEST(ImageDef, ABrokenLoopEndsTheSearch) {
  Region region;
  region.put(0x50, {kArmSecureExe}, 0x400);  // leads to nothing
  region.put(0x90, {kArmSecureExe});         // bootable, and not reached
  ImageSearch search = region.search();
  EXPECT_FALSE(search.found);
  EXPECT_TRUE(search.saw_block);
  EXPECT_NE(search.problem.find("damaged"), std::string::npos);
  // Data that looks like a header begins no loop.
  Region data;
  data.words[0x40] = kHeader;
  data.put(0x90, {kArmSecureExe});
  search = data.search();
  EXPECT_TRUE(search.found) << search.problem;
  EXPECT_FALSE(Region{}.search().saw_block);
}

TEST(ImageDef, LastOneInTheLoopCounts) {
  Region region;
  region.put(0x50, {kArmSecureExe}, 0x400);
  region.put(0x150, {kArmSecureExe, 0x0203, kBase + 0x1000}, static_cast<std::uint32_t>(-0x400));
  const ImageSearch search = region.search();
  ASSERT_TRUE(search.found) << search.problem;
  EXPECT_EQ(search.found->vector_table, kBase + 0x1000);
}

TEST(ImageDef, ReportsWhyAnImageCannotBoot) {
  Region region;
  EXPECT_NE(region.search().problem.find("no IMAGE_DEF"), std::string::npos);
  region.put(0x50, {0x1121U << 16 | 0x0142});
  EXPECT_NE(region.search().problem.find("RISC-V"), std::string::npos);
  region.put(0x50, {0x0021U << 16 | 0x0142});
  EXPECT_NE(region.search().problem.find("RP2040"), std::string::npos);
  region.put(0x50, {0x1011U << 16 | 0x0142});
  EXPECT_NE(region.search().problem.find("Non-secure"), std::string::npos);
  region.put(0x50, {0x1022U << 16 | 0x0142});
  EXPECT_NE(region.search().problem.find("not an executable"), std::string::npos);
  Region far;
  far.put(1024, {kArmSecureExe});  // beyond the first 4 kB
  EXPECT_FALSE(far.search().found);
}

}  // namespace
}  // namespace pico_llama::simulator
