// Board::load(): images that the board accepts and refuses, and the boot ROM's answer to one without
// IMAGE_DEF.
#include <gtest/gtest.h>

#include <cstring>

#include "formats/failure.h"
#include "simulator/board.h"
#include "simulator/bus/flash_chip.h"

namespace pico_llama::simulator {
namespace {

/// One flash page of `fill` at `address`.
formats::MemoryImage page(std::uint32_t address, std::uint8_t fill) {
  formats::MemoryImage image;
  image.path = "page";
  image.segments.push_back({address, std::vector<std::uint8_t>(256, fill)});
  return image;
}

TEST(BoardLoad, RefusesOverlapAndDataBeyondTheFlash) {
  BoardOptions options;
  options.kind = BoardKind::kPico2;
  Board board(options);
  board.load(page(0x10000000, 1));
  EXPECT_THROW(board.load(page(0x10000000, 2)), Failure);
  EXPECT_THROW(board.load(page(0x10400000, 3)), Failure);
  board.load(page(0x10300000, 9));
  EXPECT_EQ(board.flash.data()[0x300000], 9);
}

TEST(BoardLoad, WritesTheBlockAgainstErratumE10First) {
  formats::MemoryImage image = page(0x103ff000, 1);
  image.e10_page = {{0x10ffff00, std::vector<std::uint8_t>(256, 0xef)}};
  Board board;
  board.load(image);
  EXPECT_EQ(board.flash.data()[0xfffeff], 0xff);
  EXPECT_EQ(board.flash.data()[0xffff00], 0xef);
  // 4 MB: the chip ignores the address bits above.
  BoardOptions options;
  options.kind = BoardKind::kPico2;
  Board small(options);
  small.load(image);
  EXPECT_EQ(small.flash.data()[0x3fff00], 0xef);
  EXPECT_EQ(small.flash.data()[0x3ff000], 1);
  // A file before it would lose that sector.
  Board filled;
  filled.load(page(0x10fff000, 2));
  EXPECT_THROW(filled.load(image), Failure);
}

/// A page of flash with a block loop of one IMAGE_DEF, and a vector table before it.
formats::MemoryImage bootable_page(std::uint32_t address) {
  const std::uint32_t words[] = {
      0x20001000, address + 0x41, 0, 0, 0xffffded3, 0x1021U << 16 | 0x0142, 0xff | 1U << 8, 0, 0xab123579};
  formats::MemoryImage image;
  image.path = "bootable";
  std::vector<std::uint8_t> bytes(256, 0);
  std::memcpy(bytes.data(), words, sizeof words);
  bytes[0x40] = 0xfe;  // b to itself
  bytes[0x41] = 0xe7;
  image.segments.push_back({address, std::move(bytes)});
  return image;
}

TEST(BoardCounters, CountALoopThatRunsFromFlash) {
  // A hundred loads of one word of SRAM, each with a branch back; then a branch to itself.
  formats::MemoryImage image = bootable_page(0x10000000);
  const std::uint16_t code[] = {0x2064, 0x2101, 0x0749, 0x680a, 0x3801, 0xd1fc, 0xe7fe};
  std::memcpy(image.segments[0].bytes.data() + 0x40, code, sizeof code);
  Board board;
  board.load(image);
  board.reset();
  constexpr std::uint32_t kBusctrl = 0x40068000;
  const auto write = [&](std::uint32_t offset, std::uint32_t value) {
    EXPECT_EQ(board.bus.write(kBusctrl + offset, value, {.now = board.now()}).fault, BusFault::kNone);
  };
  const auto read = [&](std::uint32_t offset) {
    return board.bus.read(kBusctrl + offset, {.now = board.now()}).value;
  };
  write(0x10, 0x37);  // SRAM0_ACCESS
  write(0x18, 0x3f);  // XIP_MAIN0_ACCESS
  write(0x20, 0x3d);  // XIP_MAIN0_STALL_DOWNSTREAM
  write(0x28, 0x36);  // SRAM0_ACCESS_CONTESTED
  const std::uint64_t before = board.xip_cache.counters().stall_cycles;
  write(0x08, 1);
  ASSERT_EQ(board.run({.cycle = board.now() + 200}).end, RunEnd::kLimit);
  EXPECT_GT(read(0x0c), 0U);
  EXPECT_LT(read(0x0c), 100U);
  ASSERT_EQ(board.run({.cycle = board.now() + 5000}).end, RunEnd::kLimit);
  EXPECT_EQ(read(0x0c), 100U);
  EXPECT_GT(read(0x14), 100U) << "fetches of the loop";
  // The first fetch of each of the two lines misses; only the even line is on this port.
  const std::uint64_t stalls = board.xip_cache.counters().stall_cycles - before;
  EXPECT_GT(read(0x1c), 0U);
  EXPECT_LT(read(0x1c), stalls);
  EXPECT_EQ(read(0x24), 0U);
  write(0x08, 0);
  const std::uint32_t fetches = read(0x14);
  ASSERT_EQ(board.run({.cycle = board.now() + 1000}).end, RunEnd::kLimit);
  EXPECT_EQ(read(0x14), fetches);
}

TEST(BoardLoad, Slot1IsSearchedWhereSlot0HoldsNothing) {
  Board board;
  board.load(bootable_page(0x10001000));
  board.reset();
  EXPECT_FALSE(board.in_bootsel());
  EXPECT_EQ(board.cores[0].reg(15), 0x10001040U);
}

TEST(BoardLoad, ARamImageBootsWithTheButtonHeld) {
  Board board;
  board.load(bootable_page(0x20000000));
  board.set_button(true);
  board.reset();
  EXPECT_FALSE(board.in_bootsel());
}

TEST(BoardLoad, WithoutImageDefTheBoardStaysInBootsel) {
  Board board;
  board.load(page(0x10000000, 0xa5));
  board.reset();
  const RunResult result = board.run({});
  EXPECT_EQ(result.end, RunEnd::kBootsel);
  EXPECT_NE(result.message.find("no IMAGE_DEF"), std::string::npos) << result.message;
}

}  // namespace
}  // namespace pico_llama::simulator
