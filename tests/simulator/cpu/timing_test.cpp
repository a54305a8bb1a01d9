/// The measured Cortex-M33 table (jnk0le/random, cortex_m33.md), row by row, as instruction sequences.
/// r10 and r11 point to SRAM; code and data are in different groups of banks.
#include <gtest/gtest.h>

#include <string>

#include "tests/simulator/cpu/machine.h"

namespace pico_llama::simulator {
namespace {

struct Row {
  const char* what;
  const char* code;
  unsigned cycles;
};

class TimingTable : public testing::TestWithParam<Row> {};

Cycle cycles_of(const std::string& code) {
  Machine m;
  m.load(code);
  for (unsigned i = 0; i < 13; ++i) m.core.set_reg(i, 1);
  m.core.set_reg(10, Machine::kData);
  m.core.set_reg(11, Machine::kData + 64);
  m.core.set_reg(6, Machine::kData + 128);
  const Cycle before = m.core.now();
  m.run();
  return m.core.now() - before;
}

TEST_P(TimingTable, TakesTheMeasuredCycles) { EXPECT_EQ(cycles_of(GetParam().code), GetParam().cycles); }

#define ADDRESS_OF_1 "adr.w r0, 1f\n orr.w r0, r0, #1\n"
#define TARGET_1 "nop\n .balign 4\n 1:\n"

constexpr Row kRows[] = {
    {"simple ALU: 1, result at once", "add.w r0, r0, r1\n add.w r0, r0, r1\n eor.w r0, r0, r2\n", 3},
    {"BFI is single-stage", "bfi r0, r1, #3, #4\n add.w r2, r0, r1\n", 2},
    {"operand 2 with shift: result after 2", "add.w r0, r1, r2, lsl #3\n add.w r3, r0, r1\n", 3},
    {"operand 2 with shift, independent", "add.w r0, r1, r2, lsl #3\n add.w r3, r4, r1\n add.w r5, r0, r1\n",
     3},
    {"shifted constant: result after 2", "eor.w r0, r1, #0x1fc0\n add.w r2, r0, r1\n", 3},
    {"12-bit constant (addw): result at once", "addw r0, r1, #0xff9\n add.w r2, r0, r1\n", 2},
    {"constant pattern: result at once", "eor.w r0, r1, #0x1b1b1b1b\n add.w r2, r0, r1\n", 2},
    {"shifted constant that sets flags: 2 cycles", "adds.w r0, r1, #0x1fc0\n", 2},
    {"MOVS.W of a shifted constant: 1", "movs.w r0, #0x1fc0\n", 1},
    {"flags of a shifted operand come a cycle late", "adds.w r0, r1, r2, lsl #3\n beq.w 1f\n 1:\n", 3},
    {"LDR: use after 2", "ldr.w r0, [r10]\n add.w r1, r0, r2\n", 3},
    {"LDR: independent next", "ldr.w r0, [r10]\n add.w r1, r2, r3\n add.w r4, r0, r0\n", 3},
    {"LDR into a MAC accumulator: 1", "ldr.w r0, [r10]\n mla r0, r1, r2, r0\n", 2},
    {"LDR into a MAC factor: 2", "ldr.w r0, [r10]\n mla r3, r0, r2, r3\n", 3},
    {"LDR into *XTA*'s addend: 2", "ldr.w r0, [r10]\n sxtab16 r1, r0, r2\n", 3},
    {"load to store: 1", "ldr.w r0, [r10]\n str.w r0, [r11]\n", 2},
    {"MAC to store: 1", "mla r0, r1, r2, r3\n str.w r0, [r11]\n", 2},
    {"LDRD: 2", "ldrd r0, r1, [r10]\n", 2},
    {"STRD: 2", "strd r0, r1, [r10]\n", 2},
    {"LDM of 4: 4", "ldmia.w r10, {r0-r3}\n", 4},
    {"STM of 6: 6", "stmia.w r10, {r0-r5}\n", 6},
    {"MUL: result after 2", "mul r0, r1, r2\n add.w r3, r0, r1\n", 3},
    {"MLA accumulators chain at 1", "mla r0, r1, r2, r0\n mla r0, r3, r2, r0\n mla r0, r4, r5, r0\n", 3},
    {"SMLAD accumulators chain at 1", "smlad r0, r1, r2, r0\n smlad r0, r3, r2, r0\n", 2},
    {"SMLALD accumulators chain at 1", "smlald r0, r1, r2, r3\n smlald r0, r1, r2, r3\n", 2},
    {"shifted operand into an accumulator: 1", "add.w r0, r1, r2, lsl #3\n mla r0, r3, r4, r0\n", 2},
    {"MULS.n: 2", "muls r0, r1, r0\n", 2},
    {"SXTAB16: the added operand chains", "sxtab16 r0, r0, r1\n sxtab16 r0, r0, r2\n", 2},
    {"SXTAB16: the extended operand does not", "sxtab16 r0, r1, r2\n sxtab16 r3, r1, r0\n", 3},
    {"SXTAB16 into an accumulator: 1", "sxtab16 r0, r1, r2\n mla r0, r3, r4, r0\n", 2},
    {"SXTB16: result after 2", "sxtb16 r0, r1\n add.w r2, r0, r1\n", 3},
    {"PKHBT: result after 2", "pkhbt r0, r1, r2, lsl #16\n add.w r3, r0, r1\n", 3},
    {"QSUB: result after 2", "qsub r0, r1, r2\n add.w r3, r0, r1\n", 3},
    {"UADD8: result after 2", "uadd8 r0, r1, r2\n add.w r3, r0, r1\n", 3},
    {"branch taken: 2", "add.w r0, r1, r2\n b 1f\n nop\n 1:\n", 3},
    {"branch taken after a 16-bit op: 1", "mov r0, r1\n b 1f\n nop\n 1:\n", 2},
    {"branch taken after one that sets flags: 2", "movs r0, #1\n bne 1f\n nop\n 1:\n", 3},
    {"branch not taken, 16-bit before: 0", "movs r0, #1\n beq 1f\n 1: add.w r1, r1, r2\n", 2},
    {"branch not taken, 32-bit before: 1", "adds.w r0, r1, r2\n beq 1f\n 1: add.w r1, r1, r2\n", 3},
    {"subs, add, bne: 3 cycles taken", "movs r7, #10\n 1: subs r7, #1\n add r0, r1\n bne 1b\n",
     1 + 9 * 3 + 2},
    {"subs, bne: 3 cycles taken", "movs r7, #10\n 1: subs r7, #1\n bne 1b\n", 1 + 9 * 3 + 1},
    {"subs, ldmia, bne: 6 cycles taken", "movs r7, #2\n 1: subs r7, #1\n ldmia r6!, {r0-r3}\n bne 1b\n",
     1 + 6 + 5},
    // Code from `adr` on: the target's address (with bit 0) in r0. The assembler's label 1 is aligned to a
    // word.
    {"BX taken: 2", ADDRESS_OF_1 "add.w r2, r3, r4\n bx r0\n" TARGET_1, 2 + 1 + 2},
    {"BX after a 16-bit op: 1", ADDRESS_OF_1 "mov r2, r3\n bx r0\n" TARGET_1, 2 + 1 + 1},
    {"BX after one that sets flags: 2", ADDRESS_OF_1 "movs r2, #1\n bx r0\n" TARGET_1, 2 + 1 + 2},
    {"BLX after a 16-bit op: 1", ADDRESS_OF_1 "mov r2, r3\n blx r0\n" TARGET_1, 2 + 1 + 1},
    {"a load into BX: two cycles between",
     ADDRESS_OF_1 "str.w r0, [r10]\n ldr.w r1, [r10]\n bx r1\n" TARGET_1, 2 + 1 + 1 + 2 + 2},
    {"a load into BX with two cycles between",
     ADDRESS_OF_1
     "str.w r0, [r10]\n ldr.w r1, [r10]\n add.w r2, r3, r4\n add.w r2, r3, r4\n bx r1\n" TARGET_1,
     2 + 1 + 1 + 2 + 2},
    {"POP {pc}: 4", ADDRESS_OF_1 "push {r0}\n pop {pc}\n" TARGET_1, 2 + 1 + 4},
    {"POP {r1, r2, pc}: 6", ADDRESS_OF_1 "mov.w r5, r0\n push {r3, r4, r5}\n pop {r1, r2, pc}\n" TARGET_1,
     2 + 1 + 3 + 6},
    {"POP {lr}, BX: 2 less than POP {pc} where BX pairs",
     ADDRESS_OF_1 "push {r0}\n pop.w {lr}\n add.w r2, r3, r4\n mov r2, r3\n bx lr\n" TARGET_1,
     2 + 1 + 1 + 2 + 1},
    {"POP {lr}, BX: 1 less than POP {pc} where it does not",
     ADDRESS_OF_1 "push {r0}\n pop.w {lr}\n add.w r2, r3, r4\n add.w r2, r3, r4\n bx lr\n" TARGET_1,
     2 + 1 + 1 + 2 + 2},
    {"LDR pc: 4", ADDRESS_OF_1 "str.w r0, [r10]\n ldr.w pc, [r10]\n" TARGET_1, 2 + 1 + 4},
    {"NOP pairs after arithmetic", "mov r0, r1\n nop\n mov r0, r1\n nop\n", 2},
    {"arithmetic does not pair", "mov r0, r1\n mov r2, r3\n", 2},
    {"arithmetic does not pair after NOP", "add.w r0, r1, r2\n nop\n mov r0, r1\n", 3},
    {"IT pairs after a 16-bit op", "mov r0, r1\n it eq\n addeq r0, r1\n", 2},
    {"predicated out: shifted constant with flags", "movs r0, #1\n it eq\n addseq.w r0, r0, #0x1fc0\n", 2},
    {"predicated in: shifted constant with flags", "movs r0, #0\n it eq\n addseq.w r0, r0, #0x1fc0\n", 3},
    {"predicated in: result after 2", "movs r3, #0\n it eq\n addeq.w r0, r1, r2, ror #23\n add r0, r3\n", 4},
    {"predicated out: no result to wait for",
     "movs r3, #1\n it eq\n addeq.w r0, r1, r2, ror #23\n add r0, r3\n", 3},
    {"VLDR: use after 1", "vldr s0, [r10]\n vadd.f32 s1, s0, s0\n", 2},
    {"VLDM of 4: 4", "vldmia r10, {s0-s3}\n", 4},
    {"VFMA blocks the FPU for 2 more", "vfma.f32 s0, s1, s2\n vfma.f32 s0, s1, s0\n", 4},
    {"VFMA with core work under the block",
     "vfma.f32 s0, s1, s2\n mov r0, r1\n mov r2, r3\n vfma.f32 s0, s1, s0\n", 4},
    {"VMLA: 3 per MAC", "vmla.f32 s0, s1, s2\n vmla.f32 s3, s4, s5\n vmla.f32 s6, s7, s8\n", 7},
    {"VMUL: result after 2", "vmul.f32 s0, s1, s2\n vadd.f32 s3, s0, s4\n", 3},
    {"VADD: result after 2", "vadd.f32 s0, s1, s2\n vadd.f32 s3, s0, s4\n", 3},
    {"VMUL and VADD interleaved: 2 per MAC",
     "vmul.f32 s0, s1, s2\n vmul.f32 s3, s4, s5\n vadd.f32 s6, s6, s0\n vadd.f32 s7, s7, s3\n", 4},
};

INSTANTIATE_TEST_SUITE_P(M33, TimingTable, testing::ValuesIn(kRows),
                         [](const auto& row) { return "Row" + std::to_string(row.index); });

TEST(Timing, DivisionTakesTwoToElevenCycles) {
  EXPECT_EQ(cycles_of("movs r0, #0\n udiv r2, r0, r1\n"), 1u + 2u);  // a quotient of 0
  EXPECT_EQ(cycles_of("mvn.w r0, #0\n udiv r2, r0, r1\n"), 1u + 10u);
}

TEST(Timing, AnObserverChangesNoCycle) {
  const char* code =
      "1: ldr.w r0, [r10]\n adds r0, #1\n nop\n beq 2f\n 2: str.w r0, [r10]\n mla r3, r0, r0, r3\n"
      "vfma.f32 s0, s1, s2\n vmul.f32 s1, s0, s2\n it ne\n addne r4, r3\n b 1b\n";
  struct Watches final : CoreObserver {
    bool before(std::uint32_t) override { return true; }
    void after(std::uint32_t, std::uint32_t cost) override { cycles += cost; }
    std::uint64_t cycles = 0;
  } watches;
  Machine plain, observed;
  for (Machine* m : {&plain, &observed}) {
    m->load(code);
    m->core.set_reg(10, Machine::kData);
  }
  observed.core.set_observer(&watches);
  plain.core.run_until(100'000);
  observed.core.run_until(100'000);
  EXPECT_EQ(plain.core.now(), observed.core.now());
  EXPECT_EQ(plain.core.stats().instructions, observed.core.stats().instructions);
  EXPECT_EQ(watches.cycles, observed.core.stats().cycles);
}

// Core::run_sequence() runs what was linked; under an observer each instruction is stepped.
TEST(Timing, OverlappingCodeTakesTheCyclesOfSingleSteps) {
  const char* code =
      "movs r7, #21\n 1: tst.w r7, #1\n bne 3f\n 2: .hword 0xf04f\n 3: .hword 0x3001\n"  // or ADDS r0, #1
      "nop\n add r1, r0\n subs r7, #1\n bne 1b\n add.w r2, r3, r4\n";
  Machine stepped, free;
  stepped.load(code);
  stepped.run();
  free.load(code);
  free.core.run_until(stepped.cycles());
  EXPECT_EQ(free.cycles(), stepped.cycles());
  EXPECT_EQ(free.core.reg(1), stepped.core.reg(1));
  EXPECT_EQ(free.core.reg(7), 0u);
  EXPECT_EQ(free.core.stats().paired, stepped.core.stats().paired);
  EXPECT_EQ(free.core.stats().result_stalls, stepped.core.stats().result_stalls);
}

TEST(Timing, LinkedCodeThatIsOverwrittenIsReadAgain) {
  Machine m;
  m.load(
      "adr.w r6, 2f\n movw r5, #0x3105\n movs r7, #20\n 1: adds r0, #1\n 2: adds r1, #1\n subs r7, #1\n"
      "cmp r7, #10\n it eq\n strheq r5, [r6]\n cmp r7, #0\n bne 1b\n");  // from there on ADDS r1, #5
  m.core.run_until(m.core.now() + 1000);
  EXPECT_EQ(m.core.reg(0), 20u);
  EXPECT_EQ(m.core.reg(1), 10u + 10 * 5);
}

TEST(Timing, TwoRunsAgreeToTheCycle) {
  const char* code =
      "movs r7, #50\n 1: ldr.w r0, [r10]\n adds r0, #1\n str.w r0, [r10]\n subs r7, #1\n bne 1b\n";
  EXPECT_EQ(cycles_of(code), cycles_of(code));
}

}  // namespace
}  // namespace pico_llama::simulator
