// The boot ROM of a chip on both cores, from reset. Needs an image: PICO_LLAMA_BOOT_ROM names one.
#include <gtest/gtest.h>

#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>

#include "simulator/board.h"

namespace pico_llama::simulator {
namespace {

class BootRom : public testing::Test {
 protected:
  void SetUp() override {
    const char* path = std::getenv("PICO_LLAMA_BOOT_ROM");
    if (path == nullptr) GTEST_SKIP() << "PICO_LLAMA_BOOT_ROM names no boot ROM image";
    std::ifstream file(path, std::ios::binary);
    options.boot_rom.assign(std::istreambuf_iterator<char>(file), {});
    ASSERT_EQ(options.boot_rom.size(), Bus::kRomSize) << path;
  }
  BoardOptions options;
};

/// A page with a block loop of one IMAGE_DEF, a vector table before it, and `code` at its entry point, 40h.
formats::MemoryImage program(std::uint32_t address, std::initializer_list<std::uint16_t> code) {
  const std::uint32_t words[] = {
      0x20001000, address + 0x41, 0, 0, 0xffffded3, 0x1021U << 16 | 0x0142, 0xff | 1U << 8, 0, 0xab123579};
  formats::MemoryImage image;
  image.path = "program";
  std::vector<std::uint8_t> bytes(256, 0);
  std::memcpy(bytes.data(), words, sizeof words);
  std::memcpy(bytes.data() + 0x40, code.begin(), 2 * code.size());
  image.segments.push_back({address, std::move(bytes)});
  return image;
}

TEST_F(BootRom, StartsAProgramFromFlashAsTheModelDoes) {
  std::uint32_t states[2][4] = {};
  for (const bool real : {true, false}) {
    BoardOptions chosen = options;
    if (!real) chosen.boot_rom.clear();
    Board board(chosen);
    board.load(program(0x10000000, {0xe7fe}));  // b to itself
    board.reset();
    const RunResult result = board.run({.time = kPicosecondsPerSecond / 10});
    ASSERT_EQ(result.end, RunEnd::kLimit) << result.message;
    EXPECT_EQ(board.cores[0].reg(15), 0x10000040U);
    if (real) {
      EXPECT_LT(board.cores[1].reg(15), Bus::kRomSize);  // it waits
    }
    std::uint32_t* state = states[real ? 1 : 0];
    state[0] = board.cores[0].reg(13);
    state[1] = board.cores[0].scs.vtor;
    state[2] = board.cores[0].scs.cpacr;
    state[3] = board.cores[0].special(SpecialReg::kMsplim);
  }
  for (unsigned i = 0; i < 4; ++i) EXPECT_EQ(states[0][i], states[1][i]) << i;
}

TEST_F(BootRom, CollectsRandomBitsInTheTimeThatItsSourceSays) {
  // Datasheet section 12.12.4: 50 samples, approximately 235 cycles each, and one that is not used.
  Board board(options);
  board.load(program(0x10000000, {0xe7fe}));
  board.reset();
  Cycle begin = 0, end = 0;
  while (end == 0) {
    ASSERT_EQ(board.run({.cycle = board.now() + 16}).end, RunEnd::kLimit);
    const auto stored = [&board](std::uint32_t offset) {
      return board.bus.read(0x400f0000 + offset, {.master = Master::kDebugger}).value;
    };
    if (begin == 0 && stored(0x12c) != 0) begin = board.cores[0].now();
    if (begin != 0 && stored(0x12c) == 0) end = board.cores[0].now();
    ASSERT_LT(board.time(), kPicosecondsPerSecond / 100);
  }
  EXPECT_NEAR(static_cast<double>(end - begin) / 51, 235.0, 10.0);
}

TEST_F(BootRom, WithoutAProgramItServesUsbInNonSecureState) {
  Board board(options);
  board.reset();  // blank flash
  const RunResult result = board.run({.time = kPicosecondsPerSecond});
  ASSERT_EQ(result.end, RunEnd::kBootsel) << result.message;
  EXPECT_TRUE(board.in_bootsel());
  EXPECT_FALSE(board.cores[0].secure);
}

}  // namespace
}  // namespace pico_llama::simulator
