#include "simulator/devices/powman.h"

#include "bench.h"

namespace pico_llama::simulator {
namespace {

struct PowmanTest : testing::Test {
  static constexpr std::uint32_t kPassword = 0x5afe0000;
  Bench bench;
  Powman powman{bench.timebase, bench.events, bench.interrupts};
  PowmanTest() { powman.reset(); }
};

TEST_F(PowmanTest, VoltageNeedsPasswordAndUnlock) {
  EXPECT_EQ(powman.core_millivolts(), 1100U);
  bench.write(powman, 0x0c, 0x0f << 4);  // no password
  EXPECT_EQ(powman.core_millivolts(), 1100U);
  EXPECT_EQ(bench.read(powman, 0x00), 1U);
  bench.write(powman, 0x0c, kPassword | 0x0f << 4);  // locked
  EXPECT_EQ(powman.core_millivolts(), 1100U);
  bench.write(powman, 0x04, kPassword | 1U << 13, AtomicOp::kSet);
  bench.write(powman, 0x0c, kPassword | 0x0f << 4);
  EXPECT_EQ(powman.core_millivolts(), 1300U);
  bench.write(powman, 0x0c, kPassword | 0x11 << 4);  // above the limit
  EXPECT_EQ(powman.core_millivolts(), 1300U);
  bench.write(powman, 0x04, kPassword | 1U << 8, AtomicOp::kSet);
  bench.write(powman, 0x0c, kPassword | 0x11 << 4);
  EXPECT_EQ(powman.core_millivolts(), 1400U);
}

TEST_F(PowmanTest, TimerCountsMillisecondsAndAlarms) {
  bench.write(powman, 0x6c, kPassword | 500);  // SET_TIME_15TO0
  bench.write(powman, 0x88, kPassword | 2, AtomicOp::kSet);
  EXPECT_EQ(bench.read(powman, 0x74), 500U);
  bench.pass(20 * kPicosecondsPerSecond / 1000);
  EXPECT_EQ(bench.read(powman, 0x74), 520U);
  bench.write(powman, 0xe4, kPassword | 2);
  bench.write(powman, 0x84, kPassword | 530);
  bench.write(powman, 0x88, kPassword | 1U << 4, AtomicOp::kSet);
  bench.pass(9 * kPicosecondsPerSecond / 1000);
  EXPECT_EQ(bench.interrupts.levels(0) >> 45 & 1, 0U);
  bench.pass(2 * kPicosecondsPerSecond / 1000);
  EXPECT_EQ(bench.interrupts.levels(0) >> 45 & 1, 1U);
  bench.write(powman, 0x88, kPassword | 1U << 6, AtomicOp::kClear);
  EXPECT_EQ(bench.interrupts.levels(0) >> 45 & 1, 0U);
}

TEST_F(PowmanTest, PowerStatesAreNotModelled) {
  EXPECT_THROW(bench.write(powman, 0x8c, kPassword | 0x40), Stop);
}

}  // namespace
}  // namespace pico_llama::simulator
