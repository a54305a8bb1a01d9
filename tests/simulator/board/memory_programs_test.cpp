// The memory programs of tests/target/sdk on the virtual board: external chips, stream, DMA, and the
// published measurements with the loop itself.
#include "sdk_program.h"
#include "simulator/bus/psram_chip.h"
#include "simulator/bus/xip_cache.h"

namespace pico_llama::simulator {
namespace {

#define START_OR_SKIP(...) \
  if (!start(__VA_ARGS__)) GTEST_SKIP() << skip_reason

class MemoryProgram : public SdkProgram {
 protected:
  double number_after(const std::string& words) const {
    const auto at = printed.find(words);
    return at == std::string::npos ? -1 : std::strtod(printed.c_str() + at + words.size(), nullptr);
  }
  void begin_again() { printed.clear(); }
};

TEST_F(MemoryProgram, PsramPatternPasses) {
  START_OR_SKIP("psram_pattern");
  run_until_printed("words wrong\n");
  EXPECT_NE(printed.find("known good die 5d at 75000 kHz"), std::string::npos) << printed;
  EXPECT_NE(printed.find("psram: PASS"), std::string::npos) << printed;
}

TEST_F(MemoryProgram, PsramPatternFailsWithAWrongDummyCount) {
  START_OR_SKIP("psram_wrong_dummy");
  run_until_printed("words wrong\n");
  EXPECT_NE(printed.find("psram: FAIL"), std::string::npos) << printed;
}

TEST_F(MemoryProgram, PsramPatternFailsWithoutQpi) {
  START_OR_SKIP("psram_not_qpi");
  run_until_printed("words wrong\n");
  EXPECT_NE(printed.find("psram: FAIL"), std::string::npos) << printed;
}

TEST_F(MemoryProgram, PsramAt109MHzLinearStopsTheRun) {
  START_OR_SKIP("psram_109mhz");
  const RunResult result = run(1.0);
  EXPECT_EQ(result.end, RunEnd::kStop) << printed;
  EXPECT_NE(result.message.find("109.0 MHz is beyond the 84.0 MHz"), std::string::npos) << result.message;
}

TEST_F(MemoryProgram, PsramAt109MHzLinearReadsWrongDataWhereTheBoardOnlyWarns) {
  START_OR_SKIP("psram_109mhz");
  std::string warning;
  board->psram.set_policy({.stop = false, .warn = [&](std::string_view text) { warning = text; }});
  run_until_printed("words wrong\n");
  EXPECT_NE(printed.find("psram: FAIL"), std::string::npos) << printed;
  EXPECT_NE(warning.find("109.0 MHz"), std::string::npos);
}

TEST_F(MemoryProgram, PsramAt109MHzWorksOnALenientBoardThatWarnsOnce) {
  BoardOptions options;
  options.lenient = true;
  START_OR_SKIP("psram_109mhz", options);
  std::vector<std::string> warnings;
  board->warn = [&](std::string_view text) { warnings.emplace_back(text); };
  run_until_printed("words wrong\n");
  EXPECT_NE(printed.find("psram: PASS"), std::string::npos) << printed;
  unsigned of_the_clock = 0;
  for (const std::string& text : warnings)
    of_the_clock += text.find("109.0 MHz is beyond the 84.0 MHz of command EBh") != std::string::npos;
  EXPECT_EQ(of_the_clock, 1u) << testing::PrintToString(warnings);
}

TEST_F(MemoryProgram, AbsentPsramAndAStuckBitAreDetected) {
  BoardOptions options;
  options.faults.psram_absent = true;
  START_OR_SKIP("psram_pattern", options);
  run_until_printed("words wrong\n");
  EXPECT_NE(printed.find("known good die ff"), std::string::npos) << printed;
  EXPECT_NE(printed.find("psram: FAIL"), std::string::npos) << printed;
  begin_again();
  options.faults = {};
  options.faults.psram_stuck_bit = true;
  START_OR_SKIP("psram_pattern", options);
  run_until_printed("words wrong\n");
  EXPECT_NE(printed.find("psram: FAIL"), std::string::npos) << printed;
}

TEST_F(MemoryProgram, DmaCopyWithTheSnifferAndAChain) {
  START_OR_SKIP("dma_sniff");
  run_until_printed("interrupts 1\n");
  EXPECT_NE(printed.find("dma: PASS"), std::string::npos) << printed;
}

TEST_F(MemoryProgram, XipStreamByDma) {
  START_OR_SKIP("xip_stream");
  run_until_printed(" us\n");
  EXPECT_NE(printed.find("xip stream: PASS"), std::string::npos) << printed;
  // 4096 words of 26 cycles at 150 MHz: the polling loop sits in the cache and does not get in the way.
  EXPECT_NEAR(number_after("PASS, "), 4096 * 26 / 150.0, 30) << printed;
}

TEST_F(MemoryProgram, FlashBySdkKeepsPsramAndARomFlushLosesIt) {
  START_OR_SKIP("flash_program");
  run_until_printed("boot ROM ");
  run_until_printed("\n");
  run(0.001);
  EXPECT_NE(printed.find("flash: PASS"), std::string::npos) << printed;
  EXPECT_GT(number_after("erase and program "), 45'000) << "a sector takes 45 ms";
  EXPECT_EQ(number_after("words lost "), 0) << printed;
  EXPECT_GT(number_after("boot ROM "), 1000) << printed;
}

// X65 blog, MEMTEST post of 2025-08-05: code in SRAM, 336 MHz, both dividers 3, QMI settings of its source
// (see tests/target/sdk/memtest.c). The tolerance is the model's error plus 0.5 points: the loop's
// placement moves single rows.
TEST_F(MemoryProgram, PublishedMemtestRowByRow) {
  // PSRAM at 112 MHz, selected for 8.0 us; stores to the flash window: silicon survives and ignores them.
  BoardOptions options;
  options.lenient = true;
  START_OR_SKIP("memtest", options);
  std::string warnings;
  board->warn = [&](std::string_view text) { warnings += std::string(text) + "\n"; };
  run_until_printed("memtest: DONE\n");
  ASSERT_NE(printed.find("clk_sys 336000 kHz set"), std::string::npos) << printed;
  const struct {
    const char* name;
    double published_us, tolerance_percent;
  } loops[] = {{"sram-sram", 401, 4.0},
               {"psram-cached-sram", 1674, 0.9},
               {"psram-uncached-sram", 1757, 1.0},
               {"sram-psram-uncached", 1547, 4.1},
               {"sram-psram-cached", 4550, 0.7},
               {"sram-flash-cached", 1631, 0.6},
               {"sram-flash-uncached", 1681, 0.6}};
  for (const auto& loop : loops) {
    const double us = number_after(std::string("memtest: ") + loop.name + " ");
    EXPECT_NEAR(us, loop.published_us, loop.tolerance_percent / 100 * loop.published_us) << loop.name;
    std::printf("%-22s %6.0f us, published %5.0f us: %+.1f %%\n", loop.name, us, loop.published_us,
                100 * (us / loop.published_us - 1));
  }
  for (const char* kind : {"112.0 MHz is beyond the 84.0 MHz of command EBh", "chip select has been low for",
                           "a read-only XIP window"}) {
    EXPECT_NE(warnings.find(kind), std::string::npos) << kind;
    EXPECT_EQ(warnings.find(kind), warnings.rfind(kind)) << warnings;
  }
}

}  // namespace
}  // namespace pico_llama::simulator
