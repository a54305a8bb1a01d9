#include "simulator/devices/timer.h"

#include "bench.h"
#include "simulator/devices/watchdog.h"

namespace pico_llama::simulator {
namespace {

struct TimerTest : testing::Test {
  Bench bench;
  Timer timer{"TIMER0", 0, Ticks::kTimer0, bench.ticks, bench.timebase, bench.events, bench.interrupts};
  TimerTest() {
    timer.reset();
    bench.start_clocks();
  }
  bool irq(unsigned number) { return (bench.interrupts.levels(0) >> number & 1U) != 0; }
};

TEST_F(TimerTest, CountsMicrosecondsAndLatchesTheHighWord) {
  const std::uint32_t before = bench.read(timer, 0x28);
  bench.pass(1'234 * kPicosecondsPerMicrosecond);
  EXPECT_EQ(bench.read(timer, 0x28) - before, 1'234U);
  bench.write(timer, 0x04, 0xffffffff);
  bench.write(timer, 0x00, 5);
  EXPECT_EQ(bench.read(timer, 0x0c), 0xffffffffU);  // TIMELR latches
  bench.pass(3 * kPicosecondsPerMicrosecond);
  EXPECT_EQ(bench.read(timer, 0x08), 5U);  // TIMEHR as latched
  EXPECT_EQ(bench.read(timer, 0x24), 6U);  // TIMERAWH as it is
}

TEST_F(TimerTest, AlarmFiresInItsMicrosecond) {
  bench.write(timer, 0x40, 0xf);
  const std::uint32_t target = bench.read(timer, 0x28) + 100;
  bench.write(timer, 0x10 + 4 * 2, target);
  EXPECT_EQ(bench.read(timer, 0x20), 4U);  // ARMED
  bench.pass(98 * kPicosecondsPerMicrosecond);
  EXPECT_FALSE(irq(2));
  bench.pass(2 * kPicosecondsPerMicrosecond);
  EXPECT_TRUE(irq(2));
  EXPECT_EQ(bench.read(timer, 0x20), 0U);
  EXPECT_EQ(bench.read(timer, 0x48), 4U);
  bench.write(timer, 0x3c, 4);
  EXPECT_FALSE(irq(2));
}

TEST_F(TimerTest, DisarmedAlarmDoesNotFireAndForcedOneDoes) {
  bench.write(timer, 0x40, 1);
  bench.write(timer, 0x10, bench.read(timer, 0x28) + 10);
  bench.write(timer, 0x20, 1);
  bench.pass(50 * kPicosecondsPerMicrosecond);
  EXPECT_FALSE(irq(0));
  bench.write(timer, 0x44, 2);
  EXPECT_TRUE(irq(1));
}

TEST_F(TimerTest, PauseHoldsTheCount) {
  bench.write(timer, 0x30, 1);
  const std::uint32_t held = bench.read(timer, 0x28);
  bench.pass(100 * kPicosecondsPerMicrosecond);
  EXPECT_EQ(bench.read(timer, 0x28), held);
  bench.write(timer, 0x30, 0);
  bench.pass(10 * kPicosecondsPerMicrosecond);
  EXPECT_EQ(bench.read(timer, 0x28), held + 10);
}

TEST_F(TimerTest, ClkSysAsSourceIsNotModelled) { EXPECT_THROW(bench.write(timer, 0x38, 1), Stop); }

struct WatchdogTest : testing::Test {
  Bench bench;
  Watchdog watchdog{bench.ticks, bench.timebase, bench.events};
  std::vector<Watchdog::Reason> strikes;
  WatchdogTest() {
    watchdog.set_strike([this](Watchdog::Reason reason) { strikes.push_back(reason); });
    bench.start_clocks();
  }
};

TEST_F(WatchdogTest, FiresUnlessItIsReloaded) {
  bench.write(watchdog, 0x4, 1000);
  bench.write(watchdog, 0x0, 1U << 30, AtomicOp::kSet);
  bench.pass(900 * kPicosecondsPerMicrosecond);
  EXPECT_EQ(bench.read(watchdog, 0x0) & 0xffffff, 100U);
  bench.write(watchdog, 0x4, 1000);
  bench.pass(900 * kPicosecondsPerMicrosecond);
  EXPECT_TRUE(strikes.empty());
  bench.pass(101 * kPicosecondsPerMicrosecond);
  ASSERT_EQ(strikes.size(), 1U);
  EXPECT_EQ(strikes[0], Watchdog::kTimer);
}

TEST_F(WatchdogTest, TriggerFiresAtOnceAndScratchSurvives) {
  bench.write(watchdog, 0xc + 4 * 3, 0x12345678);
  bench.write(watchdog, 0x0, 1U << 31, AtomicOp::kSet);
  bench.pass(kPicosecondsPerMicrosecond);
  ASSERT_EQ(strikes.size(), 1U);
  watchdog.reset_by_watchdog(strikes[0]);
  EXPECT_EQ(bench.read(watchdog, 0x8), 2U);
  EXPECT_EQ(watchdog.scratch(3), 0x12345678U);
  watchdog.reset();
  EXPECT_EQ(watchdog.scratch(3), 0U);
  EXPECT_EQ(bench.read(watchdog, 0x8), 0U);
}

}  // namespace
}  // namespace pico_llama::simulator
