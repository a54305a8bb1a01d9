/// Fetches of code in SRAM: which of them meet a data access in a bank, and which the prefetch buffer hides.
#include <gtest/gtest.h>

#include <string>

#include "tests/simulator/cpu/machine.h"

namespace pico_llama::simulator {
namespace {

std::string repeated(const std::string& text, int times) {
  std::string all;
  for (int i = 0; i < times; ++i) all += text;
  return all;
}

struct Outcome {
  Cycle cycles;
  CoreStats stats;
};

/// Runs `code` at Machine::kCode, which lies in banks 0 to 3, with r4 = `data`.
Outcome run(const std::string& code, std::uint32_t data) {
  Machine m;
  m.load(code);
  m.core.set_reg(4, data);
  m.run();
  return {m.cycles(), m.core.stats()};
}

constexpr std::uint32_t kSameBanks = 0x2000'2000, kOtherBanks = Machine::kData, kScratch = 0x2008'1000;

TEST(Fetch, DataInOtherBanksCostsNothing) {
  const std::string loads = repeated("ldr.w r1, [r4]\n", 40);
  EXPECT_EQ(run(loads, kOtherBanks).cycles, 40u);
  EXPECT_EQ(run(loads, kScratch).cycles, 40u);
  EXPECT_EQ(run(loads, kOtherBanks).stats.fetch_stalls, 0u);
}

TEST(Fetch, DataInTheBanksOfTheCodeCostsAtMostACycleAWord) {
  // A word of code a cycle, and a load a cycle from bank 0: every fourth word wants it, too.
  const Outcome r = run(repeated("ldr.w r1, [r4]\n", 40), kSameBanks);
  EXPECT_EQ(r.cycles, 40u + 10u);
  EXPECT_EQ(r.stats.fetch_stalls + r.stats.data_stalls, 10u);
}

TEST(Fetch, CodeInBothHalvesOfAWordLeavesTimeToFetchAhead) {
  // Half a word of code a cycle: a fetch that loses its cycle has another before it is needed. Only what
  // follows the branch closely can lose.
  const Outcome r = run(repeated("ldr r1, [r4]\n adds r2, #1\n", 40), kSameBanks);
  EXPECT_LE(r.cycles, 80u + 1u);
}

TEST(Fetch, PrefetchCannotHideASaturatedBank) {
  // A load from bank 0 every cycle, and ten words of code lie there, too: 90 accesses of one port.
  EXPECT_EQ(run(repeated("ldr r1, [r4]\n", 80), kSameBanks).cycles, 80u + 10u);
}

TEST(Fetch, AStallLeavesTimeToFetchAhead) {
  // LDM takes 4 cycles a word of code, so the buffer fills.
  EXPECT_LE(run(repeated("ldmia.w r4, {r0-r3}\n", 20), kSameBanks).cycles, 80u + 1u);
}

TEST(Fetch, ABranchDiscardsPrefetchedWords) {
  // The same work, with a branch to the next word after each load: the fetch behind it has no lead.
  const std::string body = "ldmia.w r4, {r0-r3}\n b.w 1f\n 1: ldr.w r0, [r4]\n nop.w\n ldr.w r0, [r4, #4]\n";
  const Outcome apart = run(repeated(body, 20), kOtherBanks), together = run(repeated(body, 20), kSameBanks);
  EXPECT_EQ(apart.cycles, 20u * (4 + 2 + 3));
  EXPECT_GT(together.cycles, apart.cycles);
  EXPECT_LE(together.cycles, apart.cycles + 20u * 3);
}

TEST(Fetch, AWideTargetAcrossTwoWordsWaitsForTheSecond) {
  const char* aligned = "b.w 1f\n .balign 4\n 1: add.w r0, r0, r1\n nop\n";
  const char* across = "b.w 1f\n .balign 4\n nop\n 1: add.w r0, r0, r1\n";
  EXPECT_EQ(run(aligned, kOtherBanks).cycles, 2u + 1u + 1u);
  EXPECT_EQ(run(across, kOtherBanks).cycles, 2u + 1u + 1u);
  EXPECT_EQ(run(across, kOtherBanks).stats.fetch_stalls, 1u);
}

/// Both cores, interleaved as the board does it. The cycles of core 0 for its code, while core 1 loops.
Cycle beside(const std::string& code, const std::string& other, std::uint32_t other_at) {
  Machine m;
  m.load(code);
  const auto bytes = assemble(other, other_at);
  m.bus.poke(other_at, bytes.data(), static_cast<std::uint32_t>(bytes.size()));
  m.core1.start(Machine::kVectors, Machine::kStack - 0x1000, other_at | 1);
  const Cycle end = 2000;
  for (Cycle limit = 32; limit <= end; limit += 32) {
    m.core.run_until(limit);
    m.core1.run_until(limit);
  }
  return m.core.stats().fetch_stalls + m.core1.stats().fetch_stalls;
}

TEST(Fetch, TwoCoresMeetInTheBanksOfTheirCode) {
  // 32-bit code without a pause. Loops of different lengths drift against each other, so they meet.
  const std::string five = "1: nop.w\n nop.w\n nop.w\n nop.w\n nop.w\n b.w 1b\n";
  const std::string six = "1: nop.w\n nop.w\n nop.w\n nop.w\n nop.w\n nop.w\n b.w 1b\n";
  EXPECT_GT(beside(five, six, 0x2000'3000), 20u);
  EXPECT_EQ(beside(five, six, 0x2004'0000), 0u);
  EXPECT_EQ(beside(five, six, 0x2008'0000), 0u);
}

TEST(Fetch, TwoRunsAgree) {
  const std::string code = repeated("ldr.w r1, [r4]\n adds r2, #1\n str r2, [r4, #4]\n", 30);
  EXPECT_EQ(run(code, kSameBanks).cycles, run(code, kSameBanks).cycles);
}

}  // namespace
}  // namespace pico_llama::simulator
