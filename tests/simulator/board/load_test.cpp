// Board::load(): images that the board accepts and refuses, and the boot ROM's answer to one without
// IMAGE_DEF.
#include <gtest/gtest.h>

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
  EXPECT_THROW(board.load(page(0x10000000, 2)), formats::FileError);
  EXPECT_THROW(board.load(page(0x10400000, 3)), formats::FileError);
  board.load(page(0x10300000, 9));
  EXPECT_EQ(board.flash.data()[0x300000], 9);
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
