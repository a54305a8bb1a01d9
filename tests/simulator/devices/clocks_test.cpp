#include "bench.h"

namespace pico_llama::simulator {
namespace {

TEST(Clocks, WakeUpOnTheRingOscillator) {
  Bench bench;
  EXPECT_EQ(bench.clocks.clk_sys_hz(), Rosc::kNominalHz);
  EXPECT_EQ(bench.read(bench.clocks, 0x44), 1U);  // CLK_SYS_SELECTED
  EXPECT_EQ(bench.clocks.clk_peri_hz(), 0U);
}

TEST(Clocks, FollowThePllAndSoDoesTime) {
  Bench bench;
  bench.start_clocks();
  EXPECT_EQ(bench.clocks.clk_sys_hz(), 150'000'000U);
  EXPECT_EQ(bench.clocks.clk_ref_hz(), 12'000'000U);
  EXPECT_EQ(bench.clocks.clk_usb_hz(), 48'000'000U);
  EXPECT_EQ(bench.clocks.clk_peri_hz(), 150'000'000U);
  EXPECT_EQ(bench.read(bench.clocks, 0x44), 2U);
  const Picoseconds before = bench.time();
  bench.now += 150'000;
  EXPECT_EQ(bench.time() - before, kPicosecondsPerSecond / 1000);
  bench.write(bench.clocks, 0x40, 3U << 16);  // divide by 3
  const Picoseconds slow = bench.time();
  bench.now += 50'000;
  EXPECT_NEAR(static_cast<double>(bench.time() - slow), 1e9, 20'000.0);
}

TEST(Clocks, FrequencyCounterMeasures) {
  Bench bench;
  bench.start_clocks();
  bench.write(bench.clocks, 0x9c, 10);                // interval: about 1 ms
  bench.write(bench.clocks, 0xa0, 1);                 // PLL_SYS
  EXPECT_EQ(bench.read(bench.clocks, 0xa4), 0x100U);  // running
  bench.pass(2 * kPicosecondsPerSecond / 1000);
  EXPECT_EQ(bench.read(bench.clocks, 0xa4), 0x10U);  // done
  EXPECT_EQ(bench.read(bench.clocks, 0xa8) >> 5, 150'000U);
}

TEST(Clocks, StoppingTheSourceOfClkSysStopsTheRun) {
  Bench bench;
  bench.start_clocks();
  EXPECT_THROW(bench.write(bench.pll_sys, 0x04, 0x2d), Stop);
}

TEST(Clocks, ResuscitationFallsBackToClkRef) {
  Bench bench;
  bench.start_clocks();
  bench.write(bench.clocks, 0x84, 0x106);  // RESUS enable
  bench.write(bench.clocks, 0xc8, 1);      // INTE
  bench.write(bench.pll_sys, 0x04, 0x2d);
  EXPECT_EQ(bench.clocks.clk_sys_hz(), 12'000'000U);
  EXPECT_EQ(bench.read(bench.clocks, 0x88), 1U);
  EXPECT_NE(bench.interrupts.levels(0) >> 30 & 1, 0U);
  bench.write(bench.clocks, 0x3c, 0);        // clk_sys from clk_ref by choice
  bench.write(bench.clocks, 0x84, 0x10106);  // CLEAR
  EXPECT_EQ(bench.read(bench.clocks, 0x88), 0U);
}

TEST(Pll, LocksAfterAWhileAndChecksItsLimits) {
  Bench bench;
  EXPECT_THROW(bench.write(bench.pll_sys, 0x04, 0x0c), Stop);  // no crystal yet
  bench.pll_sys.reset();
  bench.write(bench.xosc, 0x0c, 47);
  bench.write(bench.xosc, 0x00, 0xfabaa0);
  EXPECT_EQ(bench.read(bench.xosc, 0x04) >> 31, 0U);
  bench.pass(1'100 * kPicosecondsPerMicrosecond);  // 47 * 256 / 12 MHz = 1002.7 us
  EXPECT_EQ(bench.read(bench.xosc, 0x04) >> 31, 1U);
  bench.write(bench.pll_sys, 0x08, 200);  // VCO at 2400 MHz
  EXPECT_THROW(bench.write(bench.pll_sys, 0x04, 0x0c), Stop);
  bench.pll_sys.reset();
  bench.write(bench.pll_sys, 0x08, 125);
  bench.write(bench.pll_sys, 0x04, 0x0c);
  EXPECT_EQ(bench.read(bench.pll_sys, 0x00) >> 31, 0U);
  bench.pass(kPicosecondsPerSecond / 1000);
  EXPECT_EQ(bench.read(bench.pll_sys, 0x00) >> 31, 1U);
  EXPECT_EQ(bench.pll_sys.hz(), 0U);  // post dividers are still off
}

TEST(Pll, BypassGivesTheDividedReference) {
  Bench bench;
  bench.write(bench.xosc, 0x0c, 47);
  bench.write(bench.xosc, 0x00, 0xfabaa0);
  bench.pass(2 * kPicosecondsPerSecond / 1000);
  bench.write(bench.pll_sys, 0x00, 1U << 8 | 2);
  EXPECT_EQ(bench.pll_sys.hz(), 6'000'000U);
  bench.write(bench.pll_sys, 0x00, 1U << 8);  // a divider of 0 gives nothing
  EXPECT_EQ(bench.pll_sys.hz(), 0U);
}

TEST(Ticks, CountMicrosecondsAcrossAChangeOfClock) {
  Bench bench;
  bench.start_clocks();
  const std::uint64_t before = bench.ticks.count_at(Ticks::kTimer0, bench.time());
  bench.pass(1000 * kPicosecondsPerMicrosecond);
  EXPECT_EQ(bench.ticks.count_at(Ticks::kTimer0, bench.time()) - before, 1000U);
  const Picoseconds due = bench.ticks.time_of(Ticks::kTimer0, before + 1500);
  EXPECT_EQ(bench.ticks.count_at(Ticks::kTimer0, due), before + 1500);
  EXPECT_EQ(bench.ticks.count_at(Ticks::kTimer0, due - 1), before + 1499);
  bench.write(bench.clocks, 0x40, 2U << 16);  // clk_sys halves, the ticks do not notice
  bench.pass(1000 * kPicosecondsPerMicrosecond);
  EXPECT_NEAR(static_cast<double>(bench.ticks.count_at(Ticks::kTimer0, bench.time()) - before), 2000.0, 1.0);
  bench.write(bench.ticks, 12 * Ticks::kTimer0, 0);
  EXPECT_EQ(bench.read(bench.ticks, 12 * Ticks::kTimer0), 0U);
  EXPECT_EQ(bench.ticks.time_of(Ticks::kTimer0, before + 1'000'000), ~Picoseconds{0});
}

}  // namespace
}  // namespace pico_llama::simulator
