#include <gtest/gtest.h>

#include "simulator/stop.h"
#include "tests/simulator/cpu/machine.h"

namespace pico_llama::simulator {
namespace {

TEST(Core, RunsALoop) {
  Machine m;
  m.load("movs r0, #0\n movs r1, #10\n loop: adds r0, r0, r1\n subs r1, #1\n bne loop\n");
  m.run();
  EXPECT_EQ(m.core.reg(0), 55u);
}

TEST(Core, CallsAndStack) {
  Machine m;
  m.load(
      "mov r0, #5\n bl factorial\n b done\n"
      "factorial: push {r4, lr}\n mov r4, r0\n cmp r0, #1\n ble base\n"
      "subs r0, #1\n bl factorial\n mul r0, r4, r0\n pop {r4, pc}\n base: movs r0, #1\n pop {r4, pc}\n");
  m.run();
  EXPECT_EQ(m.core.reg(0), 120u);
  EXPECT_EQ(m.core.reg(13), Machine::kStack);
}

TEST(Core, CodeWrittenByTheProgramIsSeen) {
  Machine m;
  m.load(
      "movs r2, #0\n again: movs r0, #1\n adr r1, again\n movw r3, #0x2007\n strh r3, [r1]\n dsb\n isb\n"
      "adds r2, #1\n cmp r2, #2\n bne again\n");
  m.run();
  EXPECT_EQ(m.core.reg(0), 7u);
}

TEST(Core, SupervisorCallAndReturn) {
  Machine m;
  m.load(
      "b start\n .balign 4\n handler: ldr r0, [sp, #24]\n ldrb r0, [r0, #-2]\n str r0, [sp]\n mrs r7, ipsr\n"
      "bx lr\n start: movs r0, #1\n svc #42\n");
  m.set_word(Machine::kVectors + 4 * 11, (Machine::kCode + 4) | 1);
  m.run();
  EXPECT_EQ(m.core.reg(0), 42u);
  EXPECT_EQ(m.core.reg(7), 11u);
  EXPECT_EQ(m.core.reg(13), Machine::kStack);
}

TEST(Core, InterruptWakesWfi) {
  Machine m;
  m.load(
      "b start\n .balign 4\n handler: adds r6, #1\n bx lr\n"
      "start: movs r6, #0\n ldr r0, =0xe000e100\n movs r1, #8\n str r1, [r0]\n wfi\n movs r5, #9\n b done\n "
      ".ltorg\n");
  m.set_word(Machine::kVectors + 4 * (16 + 3), (Machine::kCode + 4) | 1);
  m.events.at_cycle(1000, [&] {
    m.core.set_irq_lines(8);
    m.core.set_irq_lines(0);
  });
  m.run();
  EXPECT_EQ(m.core.reg(6), 1u);
  EXPECT_EQ(m.core.reg(5), 9u);
  EXPECT_GT(m.core.stats().sleep_cycles, 900u);
}

TEST(Core, SysTickCounts) {
  Machine m;
  m.load(
      "b start\n .balign 4\n handler: adds r6, #1\n bx lr\n"
      "start: movs r6, #0\n ldr r0, =0xe000e010\n ldr r1, =999\n str r1, [r0, #4]\n str r1, [r0, #8]\n"
      "movs r1, #7\n str r1, [r0]\n wait: cmp r6, #5\n bne wait\n b done\n .ltorg\n");
  m.set_word(Machine::kVectors + 4 * 15, (Machine::kCode + 4) | 1);
  m.run();
  EXPECT_EQ(m.core.reg(6), 5u);
  EXPECT_NEAR(static_cast<double>(m.cycles()), 5000, 60);
}

TEST(Core, FaultsSetTheirStatusBits) {
  Machine m;
  m.load(
      "b start\n .balign 4\n handler: ldr r0, =0xe000ed28\n ldr r1, [r0]\n ldr r2, [r0, #4]\n ldr r3, [r0, "
      "#16]\n"
      "b done\n start: ldr r4, =0x70000000\n ldr r5, [r4, #4]\n nop\n .ltorg\n");
  m.set_word(Machine::kVectors + 4 * 3, (Machine::kCode + 4) | 1);
  m.run();
  EXPECT_EQ(m.core.reg(1), 0x8200u);  // PRECISERR, BFARVALID
  EXPECT_EQ(m.core.reg(2), 0x4000'0000u);
  EXPECT_EQ(m.core.reg(3), 0x7000'0004u);
}

TEST(Core, ExclusivesAcrossCores) {
  Machine m;
  m.load(
      "ldr r0, =0x20040000\n ldrex r1, [r0]\n adds r1, #1\n nop\n strex r2, r1, [r0]\n"
      "ldrex r1, [r0]\n strex r3, r1, [r0]\n strex r4, r1, [r0]\n b done\n .ltorg\n");
  for (int i = 0; i < 3; ++i) m.core.run_until(m.core.now() + 1);
  ASSERT_EQ(m.core.reg(1), 1u) << "between LDREX and STREX";
  // The other core's store into the reserved word.
  m.bus.write(Machine::kData, 77, {.master = Master::kCore1, .now = m.core.now()});
  m.run();
  EXPECT_EQ(m.core.reg(2), 1u) << "lost to the other core";
  EXPECT_EQ(m.core.reg(3), 0u);
  EXPECT_EQ(m.core.reg(4), 1u) << "a reservation serves once";
  EXPECT_EQ(m.word(Machine::kData), 77u);
}

TEST(Core, StackLimitIsCaught) {
  Machine m;
  m.load(
      "b start\n .balign 4\n handler: ldr r0, =0xe000ed28\n ldr r1, [r0]\n b done\n"
      "start: ldr r0, =0x2007fff0\n msr msplim, r0\n ldr r0, =0xe000ed24\n mov r1, #0x40000\n str r1, [r0]\n"
      "push {r0-r3}\n push {r0}\n nop\n .ltorg\n");
  m.set_word(Machine::kVectors + 4 * 6, (Machine::kCode + 4) | 1);
  m.run();
  EXPECT_EQ(m.core.reg(1) & (1u << 20), 1u << 20);
}

TEST(Core, LockupAndSemihostingEndTheRun) {
  {
    Machine m;
    m.load("bkpt 0xab\n");
    EXPECT_THROW(m.core.run_until(100), Stop);
  }
  Machine m;
  m.set_word(Machine::kVectors + 12, (Machine::kCode) | 1);
  m.load("udf #0\n");
  EXPECT_THROW(m.core.run_until(1000), Stop);
}

// Cases outside the comparison with Unicorn, each with the section of the manual that decides it.

TEST(Core,
     FixedPointToFloatRoundsToNearestInEveryMode) {  // Armv8-M ARM, VCVT (floating-point and fixed-point)
  Machine m;
  m.load(
      "mov.w r0, #0x00c00000\n vmsr fpscr, r0\n ldr r1, =0x01000003\n vmov s0, r1\n vcvt.f32.s32 s0, s0, #1\n"
      "vmov r2, s0\n b done\n .ltorg\n");
  m.run();
  EXPECT_EQ(m.core.reg(2), 0x4b00'0002u);  // 8388609.5 is a tie: to even, not down
}

TEST(Core, TableBranchAndLoadsToPc) {
  Machine m;
  m.load(
      "movs r0, #1\n tbb [pc, r0]\n t: .byte (a - t)/2\n .byte (c - t)/2\n a: movs r1, #1\n b done\n"
      "c: movs r1, #2\n adr.w r2, d\n orr r2, #1\n push {r2}\n pop {pc}\n nop\n .balign 4\n d: movs r3, #3\n "
      "b "
      "done\n .ltorg\n");
  m.run();
  EXPECT_EQ(m.core.reg(1), 2u);
  EXPECT_EQ(m.core.reg(3), 3u);
  EXPECT_EQ(m.core.reg(13), Machine::kStack);
}

TEST(Core, TestTargetReportsSecureAndAccessible) {
  Machine m;
  m.load("movw r0, #0\n movt r0, #0x2004\n tt r1, r0\n");
  m.run();
  EXPECT_EQ(m.core.reg(1), 1u << 22 | 1u << 19 | 1u << 18);
}

TEST(Core, MisalignedFloatLoadFaults) {
  Machine m;
  m.load(
      "b start\n .balign 4\n handler: ldr r0, =0xe000ed28\n ldr r1, [r0]\n b done\n"
      "start: movw r4, #2\n movt r4, #0x2004\n ldr r2, [r4]\n vldr s0, [r4]\n nop\n .ltorg\n");
  m.set_word(Machine::kVectors + 4 * 3, (Machine::kCode + 4) | 1);
  m.run();
  EXPECT_EQ(m.core.reg(1), 1u << 24);
}

TEST(Core, RedundancyCoprocessor) {
  Machine good;
  good.load("mrc2 p7, #0, r0, c4, c2, #1\n mcr2 p7, #0, r0, c4, c2, #1\n mcrr2 p7, #7, r0, r0, c0\n");
  good.run();
  Machine bad;
  bad.load("mrc2 p7, #0, r0, c4, c2, #1\n adds r0, #0\n mcr2 p7, #0, r1, c4, c2, #1\n");
  EXPECT_THROW(bad.core.run_until(100), Stop);
}

TEST(Core, CycleCounterCountsCycles) {
  Machine m;
  m.load(
      "ldr r0, =0xe000edfc\n mov.w r1, #0x01000000\n str r1, [r0]\n ldr r0, =0xe0001000\n movs r1, #1\n"
      "str r1, [r0]\n ldr r2, [r0, #4]\n ldr r3, [r0, #4]\n subs r3, r2\n b done\n .ltorg\n");
  m.run();
  EXPECT_EQ(m.core.reg(3), 1u);
}

TEST(Core, LastInstructionsAreKept) {
  Machine m;
  m.load("movs r0, #100\n 1: subs r0, #1\n bne 1b\n");
  m.run();
  const auto trace = m.core.trace();
  ASSERT_EQ(trace.size(), 32u);
  EXPECT_EQ(trace.back().opcode, 0xd1fdu);
  EXPECT_EQ(trace[30].opcode, 0x3801u);
}

}  // namespace
}  // namespace pico_llama::simulator
