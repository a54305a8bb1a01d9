/// LDREX and STREX of two cores on one word: every increment counts, whatever the interleaving, and a plain
/// store in between breaks a reservation.
#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "tests/simulator/cpu/machine.h"

namespace pico_llama::simulator {
namespace {

constexpr std::uint32_t kWord = 0x2004'0000;
constexpr std::uint32_t kCode1 = 0x2000'4000, kStack1 = Machine::kStack - 0x1000;

/// Two cores with a program each, which alternate every `slice` cycles.
struct TwoCores : Machine {
  void start(const std::string& first, const std::string& second) {
    load(first + "\n wfi\n");
    const auto bytes = assemble(second + "\n wfi\n", kCode1);
    bus.poke(kCode1, bytes.data(), static_cast<std::uint32_t>(bytes.size()));
    core1.start(kVectors, kStack1, kCode1 | 1);
  }
  /// Until both sleep.
  void run_both(Cycle slice) {
    for (int turns = 0; !core.sleeping() || !core1.sleeping(); ++turns) {
      ASSERT_LT(turns, 1'000'000) << "pc " << std::hex << core.reg(15) << ", " << core1.reg(15);
      const bool first = core1.sleeping() || (!core.sleeping() && core.now() <= core1.now());
      Core& behind = first ? core : core1;
      const Core& ahead = first ? core1 : core;
      behind.run_until(std::max(behind.now(), ahead.now()) + slice);
    }
  }
};

/// Adds one to the word 1000 times; r6 counts the STREX that failed. `between` stands between the two.
std::string increments(const std::string& between, const std::string& after) {
  return "movw r0, #0\n movt r0, #0x2004\n movw r5, #1000\n movs r6, #0\n"
         "again: ldrex r1, [r0]\n adds r1, #1\n" +
         between +
         "strex r2, r1, [r0]\n cbz r2, stored\n adds r6, #1\n b again\n"
         "stored: " +
         after + "subs r5, #1\n bne again\n";
}

class Exclusive : public testing::TestWithParam<Cycle> {};

TEST_P(Exclusive, EveryIncrementOfBothCoresCounts) {
  TwoCores m;
  m.set_word(kWord, 5);
  m.start(increments("", ""), increments("nop\n nop\n nop.w\n", ""));
  m.run_both(GetParam());
  EXPECT_EQ(m.word(kWord), 5u + 2000u);
  EXPECT_GT(m.core.reg(6) + m.core1.reg(6), 0u) << "they never met: this run tests nothing";
}

TEST_P(Exclusive, HalfwordsAndBytesToo) {
  const std::string code =
      "movw r0, #0\n movt r0, #0x2004\n movw r5, #1000\n movs r6, #0\n"
      "again: ldrexh r1, [r0]\n adds r1, #1\n strexh r2, r1, [r0]\n cbz r2, byte\n adds r6, #1\n b again\n"
      "byte: adds r3, r0, #2\n ldrexb r1, [r3]\n adds r1, #1\n strexb r2, r1, [r3]\n cmp r2, #0\n bne byte\n"
      "subs r5, #1\n bne again\n";
  TwoCores m;
  m.start(code, code);
  m.run_both(GetParam());
  EXPECT_EQ(m.word(kWord), 2000u | (2000u & 0xff) << 16);
}

TEST_P(Exclusive, PlainStoresToTheWordAreNotLost) {
  // Core 0 increments by one. Core 1 stores a mark over the word, plainly, and then increments on: a STREX of
  // core 0 that began before the mark must not bring the old count back.
  const std::string marks =
      "movw r0, #0\n movt r0, #0x2004\n movs r7, #100\n movs r6, #0\n mov.w r4, #0x100000\n"
      "mark: mov r3, r4\n str r3, [r0]\n movs r5, #20\n"
      "look: ldr r1, [r0]\n cmp r1, r3\n it lo\n addlo r6, #1\n subs r5, #1\n bne look\n"
      "add.w r4, r4, #0x100000\n subs r7, #1\n bne mark\n";
  TwoCores m;
  m.start(increments("nop\n nop\n nop\n", ""), marks);
  m.run_both(GetParam());
  EXPECT_EQ(m.core1.reg(6), 0u) << "the word fell below a mark that had been stored";
  EXPECT_GE(m.word(kWord), 100u * 0x100000u);
  EXPECT_LE(m.word(kWord), 100u * 0x100000u + 1000u);
}

TEST_P(Exclusive, PlainStoresToNeighboursDoNotAffectTheWord) {
  // The neighbour's byte, half-word and word are written all the time, in the same granule of the code map.
  const std::string neighbour =
      "movw r0, #0\n movt r0, #0x2004\n movw r5, #3000\n"
      "again: str r5, [r0, #4]\n strh r5, [r0, #10]\n strb r5, [r0, #13]\n subs r5, #1\n bne again\n";
  TwoCores m;
  m.start(increments("", "str r5, [r0, #16]\n"), neighbour);
  m.run_both(GetParam());
  EXPECT_EQ(m.word(kWord), 1000u);
  EXPECT_EQ(m.word(kWord + 4), 1u);
  EXPECT_EQ(m.word(kWord + 16), 1u);
}

TEST_P(Exclusive, ALockOfTwoCoresGuardsPlainAccesses) {
  // A lock by LDREXB and STREXB, released by STLB, around a load, an addition and a store that are not
  // atomic.
  const std::string code =
      "movw r0, #0\n movt r0, #0x2004\n movw r5, #500\n movs r3, #1\n movs r6, #0\n"
      "again: ldaexb r1, [r0]\n cbz r1, open\n adds r6, #1\n b again\n"
      "open: strexb r2, r3, [r0]\n cmp r2, #0\n bne again\n"
      "ldr r1, [r0, #64]\n adds r1, #1\n nop\n nop\n str r1, [r0, #64]\n"
      "movs r1, #0\n stlb r1, [r0]\n subs r5, #1\n bne again\n";
  TwoCores m;
  m.start(code, code);
  m.run_both(GetParam());
  EXPECT_EQ(m.word(kWord + 64), 1000u);
  EXPECT_GT(m.core.reg(6) + m.core1.reg(6), 0u) << "nobody ever waited: this run tests nothing";
}

// Slices from one instruction to the length that the board uses, and odd lengths that drift through the
// loops.
INSTANTIATE_TEST_SUITE_P(Slices, Exclusive, testing::Values(Cycle{1}, Cycle{3}, Cycle{7}, Cycle{32}),
                         [](const auto& slice) { return "Of" + std::to_string(slice.param); });

}  // namespace
}  // namespace pico_llama::simulator
