#include "simulator/devices/sio.h"

#include "bench.h"

namespace pico_llama::simulator {
namespace {

struct SioTest : testing::Test {
  Bench bench;
  Gpio gpio;
  Sio sio{gpio, bench.ticks, bench.timebase, bench.events, bench.interrupts};
  std::uint32_t read(std::uint32_t offset, Master master = Master::kCore0) {
    return bench.read(sio, offset, master);
  }
  void write(std::uint32_t offset, std::uint32_t value, Master master = Master::kCore0) {
    bench.write(sio, offset, value, AtomicOp::kWrite, master);
  }
  bool irq(unsigned core, unsigned number) { return (bench.interrupts.levels(core) >> number & 1U) != 0; }
};

TEST_F(SioTest, CpuidIdentifiesTheCore) {
  EXPECT_EQ(read(0x000), 0U);
  EXPECT_EQ(read(0x000, Master::kCore1), 1U);
}

TEST_F(SioTest, MailboxHoldsFourWordsEachWay) {
  for (std::uint32_t i = 1; i <= 4; ++i) {
    EXPECT_EQ(read(0x050) & 2, 2U);
    write(0x054, i);
  }
  EXPECT_EQ(read(0x050) & 2, 0U);
  EXPECT_TRUE(irq(1, 25));
  EXPECT_FALSE(irq(0, 25));
  write(0x054, 5);  // lost
  EXPECT_EQ(read(0x050) & 4, 4U);
  EXPECT_TRUE(irq(0, 25));
  write(0x050, 0xf);
  EXPECT_FALSE(irq(0, 25));
  for (std::uint32_t i = 1; i <= 4; ++i) EXPECT_EQ(read(0x058, Master::kCore1), i);
  EXPECT_EQ(read(0x050, Master::kCore1) & 1, 0U);
  read(0x058, Master::kCore1);
  EXPECT_EQ(read(0x050, Master::kCore1) & 8, 8U);
}

TEST_F(SioTest, SpinlocksAreClaimedByReading) {
  EXPECT_EQ(read(0x100 + 4 * 7), 1U << 7);
  EXPECT_EQ(read(0x100 + 4 * 7, Master::kCore1), 0U);
  EXPECT_EQ(read(0x05c), 1U << 7);
  write(0x100 + 4 * 7, 0, Master::kCore1);
  EXPECT_EQ(read(0x100 + 4 * 7, Master::kCore1), 1U << 7);
}

TEST_F(SioTest, ErratumE2WritesAboveReleaseSpinlocks) {
  read(0x100);
  write(0x180, 0);  // DOORBELL_OUT_SET aliases SPINLOCK0
  EXPECT_EQ(read(0x05c), 0U);
}

TEST_F(SioTest, DoorbellsInterruptTheOtherCore) {
  write(0x180, 0x81);
  EXPECT_TRUE(irq(1, 26));
  EXPECT_FALSE(irq(0, 26));
  EXPECT_EQ(read(0x188, Master::kCore1), 0x81U);
  write(0x18c, 0x81, Master::kCore1);
  EXPECT_FALSE(irq(1, 26));
}

TEST_F(SioTest, InterpolatorAddsMasksAndPops) {
  // A table walk: lane 0 takes bits 8..15 of the accumulator as an offset of words from BASE0.
  write(0x0ac, 6U | 2U << 5 | 9U << 10);
  write(0x080, 0x00001200);
  write(0x088, 0x20000000);
  EXPECT_EQ(read(0x0a0), 0x20000000U + (0x12U << 2));
  write(0x0b4, 0x100);  // ACCUM0_ADD
  EXPECT_EQ(read(0x094), 0x20000000U + (0x13U << 2));
  EXPECT_EQ(read(0x080), 0x20000000U + (0x13U << 2));  // popped into the accumulator
  EXPECT_EQ(read(0x080, Master::kCore1), 0U);          // each core has its own
}

TEST_F(SioTest, InterpolatorBlends) {
  write(0x0ac, 1U << 21 | 31U << 10);
  write(0x0b0, 31U << 10);
  write(0x088, 500);
  write(0x08c, 1000);
  write(0x084, 128);
  EXPECT_EQ(read(0x0a4), 750U);
  write(0x0b0, 31U << 10 | 1U << 15);  // signed
  write(0x0bc, 0xff9c0064);            // BASE_1AND0: 100 and -100
  EXPECT_EQ(static_cast<std::int32_t>(read(0x0a4)), 0);
}

TEST_F(SioTest, InterpolatorClamps) {
  write(0x0ec, 1U << 22 | 31U << 10 | 1U << 15);
  write(0x0c8, static_cast<std::uint32_t>(-50));
  write(0x0cc, 50);
  for (const auto& [in, out] : {std::pair{-99, -50}, std::pair{7, 7}, std::pair{99, 50}}) {
    write(0x0c0, static_cast<std::uint32_t>(in));
    EXPECT_EQ(static_cast<std::int32_t>(read(0x0e0)), out);
  }
}

TEST_F(SioTest, PlatformTimerInterrupts) {
  bench.start_clocks();
  const std::uint32_t start = read(0x1b0);
  write(0x1bc, 0);
  write(0x1b8, start + 100);
  EXPECT_FALSE(irq(0, 29));
  bench.pass(101 * kPicosecondsPerMicrosecond);
  EXPECT_TRUE(irq(0, 29));
  EXPECT_FALSE(irq(1, 29));
}

TEST_F(SioTest, TmdsIsNotModelled) { EXPECT_THROW(read(0x1c8), Stop); }

}  // namespace
}  // namespace pico_llama::simulator
