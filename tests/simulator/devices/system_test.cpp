#include "simulator/devices/system.h"

#include "bench.h"
#include "simulator/devices/psm.h"
#include "simulator/devices/trng.h"
#include "simulator/stop.h"

namespace pico_llama::simulator {
namespace {

TEST(System, IdentifiesTheChip) {
  Bench bench;
  Sysinfo b_part(false), a_part(true);
  EXPECT_EQ(bench.read(b_part, 0x0) >> 28, 2U);           // revision A2
  EXPECT_EQ(bench.read(b_part, 0x0) >> 12 & 0xffff, 4U);  // RP2350
  EXPECT_EQ(bench.read(b_part, 0x4), 0U);
  EXPECT_EQ(bench.read(a_part, 0x4), 1U);  // QFN60
}

TEST(Bootram, LocksAndWriteOnceWords) {
  Bench bench;
  Bootram bootram;
  EXPECT_EQ(bench.read(bootram, 0x80c + 4 * 2), 4U);
  EXPECT_EQ(bench.read(bootram, 0x80c + 4 * 2), 0U);
  EXPECT_EQ(bench.read(bootram, 0x808), 0xfbU);
  bench.write(bootram, 0x80c + 4 * 2, 0);
  EXPECT_EQ(bench.read(bootram, 0x808), 0xffU);
  bench.write(bootram, 0x800, 1);
  bench.write(bootram, 0x800, 4);
  EXPECT_EQ(bench.read(bootram, 0x800), 5U);
  bootram.write(0x3f0, 0x1234, {.size = 2});
  bootram.write(0x3f0, 0x0034, {.size = 2, .op = AtomicOp::kXor});
  EXPECT_EQ(bench.read(bootram, 0x3f0), 0x1200U);
}

TEST(Psm, AWatchdogResetKeepsItsSelection) {
  Bench bench;
  Psm psm;
  bench.write(psm, 0x8, 0x1fffff0);
  psm.reset_by_watchdog();
  EXPECT_EQ(bench.read(psm, 0x8), 0x1fffff0U);
  psm.reset();
  EXPECT_EQ(bench.read(psm, 0x8), 0U);
}

TEST(Accessctrl, SaysWhoReachesAPeripheral) {
  constexpr std::uint32_t kUsbctrl = 0x48, kUsbBase = 0x50110000, kDpram = 0x50100000, kUart0 = 0x40070000;
  constexpr Access kNonSecure{.secure = false}, kUser{.secure = false, .privileged = false};
  Bench bench;
  Accessctrl control;
  EXPECT_FALSE(control.admits(kUsbBase, kNonSecure));
  EXPECT_EQ(control.write(kUsbctrl, 0xfe, {}).fault, BusFault::kDenied);  // no password
  EXPECT_EQ(control.write(kUsbctrl, 0xacce00fe, {}).fault, BusFault::kNone);
  EXPECT_TRUE(control.admits(kUsbBase, kNonSecure));
  EXPECT_TRUE(control.admits(kDpram, kNonSecure));
  EXPECT_FALSE(control.admits(kUsbBase, kUser));
  EXPECT_FALSE(control.admits(kUart0, kNonSecure));
  EXPECT_FALSE(control.restricts_secure);
  bench.write(control, kUsbctrl, 0xacce009a);  // as A2's boot ROM: core 0 and the debugger
  EXPECT_TRUE(control.restricts_secure);
  EXPECT_TRUE(control.admits(kUsbBase, {}));
  EXPECT_FALSE(control.admits(kUsbBase, {.master = Master::kCore1}));
  EXPECT_FALSE(control.admits(kUsbBase, {.master = Master::kDma}));
  EXPECT_TRUE(control.admits(kUsbBase, {.master = Master::kDebugger}));
  bench.write(control, 0x08, 0xacce0001);  // CFGRESET
  EXPECT_FALSE(control.restricts_secure);
  EXPECT_EQ(bench.read(control, kUsbctrl), 0xfcU);
  EXPECT_THROW(control.write(kUsbctrl, 0xacce00fe, kNonSecure), Stop);
  EXPECT_THROW(control.write(0x18, 0xacce00f0, {}), Stop);  // XIP
}

TEST(IoQspi, Sd1CanBeReadAsLow) {
  Bench bench;
  IoQspi pins;
  int low = -1;
  pins.watch_sd1_override([&low](bool on) { low = on ? 1 : 0; });
  bench.write(pins, 0x2c, 0x2001f);
  EXPECT_EQ(low, 1);
  bench.write(pins, 0x2c, 0x1f);
  EXPECT_EQ(low, 0);
  bench.write(pins, 0x2c, 0x2001f);
  pins.reset();
  EXPECT_EQ(low, 0);
  EXPECT_THROW(bench.write(pins, 0x2c, 0x3001f), Stop);
}

TEST(Trng, GivesTheSameBitsForTheSameSeed) {
  const auto sample = [](std::uint64_t seed) {
    Bench bench;
    Trng trng(seed);
    bench.write(trng, 0x130, 0);
    bench.write(trng, 0x138, ~0U);
    bench.write(trng, 0x12c, ~0U);
    bench.write(trng, 0x108, ~0U);
    EXPECT_EQ(bench.read(trng, 0x1b8), 1U);
    bench.now += 200;
    EXPECT_EQ(bench.read(trng, 0x1b8), 0U);
    std::vector<std::uint32_t> words;
    for (std::uint32_t i = 0; i < 6; ++i) words.push_back(bench.read(trng, 0x114 + 4 * i));
    EXPECT_EQ(bench.read(trng, 0x1b8), 1U);  // sampling again
    return words;
  };
  EXPECT_EQ(sample(1), sample(1));
  EXPECT_NE(sample(1), sample(2));
}

TEST(Trng, ChecksTakeTimeAndSometimesFail) {
  Bench bench;
  Trng trng(3);
  bench.write(trng, 0x12c, 1);  // no bypass
  constexpr int kResults = 200;
  int failed = 0;
  for (int i = 0; i < kResults + failed; ++i) {
    bench.write(trng, 0x130, 22);
    bench.now += 192 * 23 + 1;
    EXPECT_EQ(bench.read(trng, 0x104), 0U);  // raw samples would be there
    while (bench.read(trng, 0x1b8) != 0) bench.now += 100;
    const bool error = bench.read(trng, 0x104) == 2U;
    EXPECT_EQ(bench.read(trng, 0x114) == 0U, error);
    failed += error;
  }
  EXPECT_GT(failed, 0);
  // Datasheet section 12.12.2: about 2 ms for a result, with periods of 20 to 25.
  EXPECT_NEAR(static_cast<double>(bench.now) / kResults / 150e6, 2e-3, 0.2e-3);
}

TEST(Trng, ACompleteCollectionStaysWhenTheSourceIsSwitchedOff) {
  Bench bench;
  Trng trng(1);
  bench.write(trng, 0x130, 0);
  bench.write(trng, 0x138, ~0U);
  bench.write(trng, 0x12c, 1);
  bench.now += 100;
  bench.write(trng, 0x12c, 0);
  bench.now += 1000;
  EXPECT_EQ(bench.read(trng, 0x110), 0U);  // it was not complete
  bench.write(trng, 0x12c, 1);
  bench.now += 200;
  EXPECT_EQ(bench.read(trng, 0x110), 1U);
  bench.write(trng, 0x12c, 0);
  EXPECT_EQ(bench.read(trng, 0x110), 1U);
  EXPECT_EQ(bench.read(trng, 0x1b8), 0U);
  EXPECT_NE(bench.read(trng, 0x114), 0U);
  bench.read(trng, 0x128);  // the last word: used up
  bench.now += 1000;
  EXPECT_EQ(bench.read(trng, 0x110), 0U);
}

TEST(IoQspi, StatusShowsWhatIsDriven) {
  Bench bench;
  IoQspi io;
  io.reset();
  constexpr std::uint32_t kOut = 1U << 9, kEnable = 1U << 13, kIn = 1U << 17;
  bool low = false;
  io.watch_select([&low](Cycle) { return low; });
  EXPECT_EQ(bench.read(io, 0x18), kIn);  // no function: pulled up
  io.set_csn(false);
  EXPECT_EQ(bench.read(io, 0x18), 0U);  // the button
  bench.write(io, 0x1c, 0);
  bench.write(io, 0x14, 0);
  EXPECT_EQ(bench.read(io, 0x18), kOut | kEnable | kIn);  // the QMI is stronger than the button
  low = true;
  EXPECT_EQ(bench.read(io, 0x18), kEnable);
  EXPECT_EQ(bench.read(io, 0x10), kEnable);  // the clock, low
  bench.write(io, 0x1c, 2U << 14);           // OEOVER: disable
  EXPECT_EQ(bench.read(io, 0x18), 0U);
  io.set_csn(true);
  EXPECT_EQ(bench.read(io, 0x18), kIn);
  bench.write(io, 0x1c, 3U << 12);  // OUTOVER: high
  EXPECT_EQ(bench.read(io, 0x18), kOut | kEnable | kIn);
  for (const std::uint32_t offset : {0x00U, 0x08U, 0x20U, 0x28U, 0x30U, 0x38U})
    EXPECT_THROW(bench.read(io, offset), Stop) << offset;
}

TEST(ResetGate, PadsTakeNoWritesInResetAndDoNotFault) {
  Bench bench;
  Resets resets;
  resets.reset();
  PadsQspi inner;
  inner.reset();
  ResetGate faults(resets, Resets::kPadsQspi, inner),
      ignores(resets, Resets::kPadsBank0, inner, BusFault::kNone);
  EXPECT_EQ(faults.write(4, 0x56, {}).fault, BusFault::kDenied);
  EXPECT_EQ(faults.read(4, {}).fault, BusFault::kDenied);
  bench.write(ignores, 4, 0x56);
  EXPECT_EQ(bench.read(ignores, 4), 0x156U);
  resets.set_held(0);
  bench.write(ignores, 4, 0x56);
  EXPECT_EQ(bench.read(ignores, 4), 0x56U);
}

TEST(Psm, ResetsCore1AndNothingElse) {
  Bench bench;
  Psm psm;
  std::vector<bool> calls;
  psm.set_core1_reset([&](bool held) { calls.push_back(held); });
  bench.write(psm, 0x4, 1U << 24, AtomicOp::kSet);
  EXPECT_EQ(bench.read(psm, 0xc) >> 24, 0U);
  bench.write(psm, 0x4, 1U << 24, AtomicOp::kClear);
  EXPECT_EQ(calls, (std::vector<bool>{true, false}));
  EXPECT_THROW(bench.write(psm, 0x4, 1U << 10), Stop);
}

TEST(Busctrl, CountersCountTheirEventWhileTheyAreOn) {
  Bench bench;
  BusEvents events;
  std::vector<bool> switched;
  Busctrl busctrl(events, [&switched](bool on) { switched.push_back(on); });
  constexpr std::uint32_t kSram3Access = 0x2b, kSram3Contested = 0x2a, kSram3Stall = 0x28;
  constexpr unsigned kSram3 = BusEvents::kSram0 - 3;
  bench.write(busctrl, 0x10, kSram3Access);
  bench.write(busctrl, 0x18, kSram3Contested);
  bench.write(busctrl, 0x20, kSram3Stall);
  bench.write(busctrl, 0x28, kSram3Stall + 1);
  events.add(kSram3, 0, 0);  // before
  bench.write(busctrl, 0x08, 1);
  events.add(kSram3, 0, 0);
  events.add(kSram3, 2, 0);
  events.add(kSram3, 1, 5);
  events.add(kSram3 - 1, 7, 7);  // another bank
  const auto counters = [&] {
    std::vector<std::uint32_t> values;
    for (std::uint32_t i = 0; i < 4; ++i) values.push_back(bench.read(busctrl, 0x0c + 8 * i));
    return values;
  };
  EXPECT_EQ(counters(), (std::vector<std::uint32_t>{3, 2, 8, 5}));
  bench.write(busctrl, 0x14, 0x1234);  // any value clears
  events.add(kSram3, 1, 0);
  EXPECT_EQ(counters(), (std::vector<std::uint32_t>{4, 1, 9, 5}));
  bench.write(busctrl, 0x10, kSram3Contested);  // another event: on from the same value
  events.add(kSram3, 1, 0);
  bench.write(busctrl, 0x08, 0);
  events.add(kSram3, 1, 1);
  EXPECT_EQ(counters(), (std::vector<std::uint32_t>{5, 2, 10, 5}));
  bench.write(busctrl, 0x08, 1);
  events.counts[kSram3Contested] += 0x2000000;
  EXPECT_EQ(bench.read(busctrl, 0x0c), 0xffffffU) << "saturated";
  EXPECT_EQ(switched, (std::vector<bool>{true, false, true}));
  busctrl.reset();
  EXPECT_EQ(counters(), (std::vector<std::uint32_t>{0, 0, 0, 0}));
  EXPECT_EQ(switched.back(), false);
}

TEST(Busctrl, EventsThatAreNotModelledStopByName) {
  Bench bench;
  BusEvents events;
  for (const std::uint32_t event : {0x0aU, 0x0eU, 0x40U, 0x43U, 0x44U, 0x7fU}) {
    Busctrl busctrl(events, [](bool) {});
    bench.write(busctrl, 0x18, event);
    EXPECT_THROW(bench.write(busctrl, 0x08, 1), Stop) << event;
    Busctrl running(events, [](bool) {});
    bench.write(running, 0x08, 1);
    EXPECT_THROW(bench.write(running, 0x18, event), Stop) << event;
  }
}

}  // namespace
}  // namespace pico_llama::simulator
