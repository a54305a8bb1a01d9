#include <gtest/gtest.h>

#include <algorithm>

#include "firmware/chips/clk_sys.h"
#include "firmware/chips/qmi_timing.h"

namespace pico_llama::chips {
namespace {

struct Row {
  uint32_t clk_sys_hz;
  QmiTiming psram;
  QmiTiming flash;
};

// Worked by hand from the chips' limits; the code must arrive at the same. Fields in the order of QmiTiming.
// PSRAM at 150 MHz: 8 us = 1200 cycles, less 30 clocks of 2 cycles, hold 1, 8 and one cooldown of 64 = 1067 =
// 16 units. Its sample point at 266 MHz, divider 4: valid from 10 ns (6 of the chip, 4 of the pads at most)
// to 19.04 (15.04 of a clock, 1.5 of hold, 2.5 of the pads at least), middle 14.5; the rising edge is at 7.52
// and half a cycle 1.88: 4 of them. Flash at 133 MHz, divider 1: valid from 10 to 11.52 ns, the third half
// cycle is at 11.28. At 120 MHz it would be at 12.5, after 12.33, and the second is at 8.33: divider 2. Odd
// dividers: at 200 MHz, divider 3, SCK rises 7.5 ns after it fell, not 10.
constexpr Row kRows[] = {
    {100'000'000, {1, 2, 0, 10, 1, 1, 2}, {1, 0, 0, 0, 1, 1, 1}},
    {120'000'000, {1, 2, 1, 12, 2, 2, 2}, {1, 0, 0, 0, 2, 2, 2}},
    {125'000'000, {1, 2, 1, 13, 2, 2, 2}, {1, 0, 0, 0, 2, 2, 2}},
    {133'000'000, {1, 2, 1, 14, 2, 2, 2}, {1, 0, 0, 0, 2, 2, 1, 1}},
    {150'000'000, {1, 2, 1, 16, 2, 2, 2}, {1, 0, 0, 0, 2, 2, 2}},
    {200'000'000, {1, 2, 2, 22, 2, 3, 3}, {1, 0, 0, 0, 3, 3, 2}},
    {250'000'000, {1, 2, 3, 28, 3, 4, 3}, {1, 0, 0, 0, 3, 4, 3}},
    {266'000'000, {1, 2, 3, 30, 3, 4, 4}, {1, 0, 0, 0, 5, 4, 2, 1}},
    {300'000'000, {1, 2, 3, 34, 4, 4, 4}, {1, 0, 0, 0, 4, 4, 3}},
};

TEST(QmiTiming, MatchesTheHandWorkedTable) {
  for (const Row& row : kRows) {
    SCOPED_TRACE(row.clk_sys_hz);
    const QmiTiming psram = psram_timing(row.clk_sys_hz);
    EXPECT_EQ(psram.divider, row.psram.divider);
    EXPECT_EQ(psram.select_hold, row.psram.select_hold);
    EXPECT_EQ(psram.max_select, row.psram.max_select);
    EXPECT_EQ(psram.min_deselect, row.psram.min_deselect);
    EXPECT_EQ(psram.rxdelay, row.psram.rxdelay);
    EXPECT_EQ(psram, row.psram);
    const QmiTiming flash = flash_timing(row.clk_sys_hz);
    EXPECT_EQ(flash.divider, row.flash.divider);
    EXPECT_EQ(flash.min_deselect, row.flash.min_deselect);
    EXPECT_EQ(flash.rxdelay, row.flash.rxdelay);
    EXPECT_EQ(flash, row.flash);
  }
}

TEST(QmiTiming, EveryClockFrom48To400MhzKeepsTheLimits) {
  for (uint32_t mhz = 48; mhz <= 400; ++mhz) {
    SCOPED_TRACE(mhz);
    const uint32_t hz = mhz * 1'000'000;
    const QmiTiming psram = psram_timing(hz);
    EXPECT_TRUE(within_psram_limits(psram, hz));
    EXPECT_LE(sck_hz(hz, psram.divider), 84'000'000u);
    if (psram.divider > 1) {
      EXPECT_GT(sck_hz(hz, psram.divider - 1), 84'000'000u) << "slower than it must be";
    }
    const QmiTiming flash = flash_timing(hz);
    EXPECT_LE(sck_hz(hz, flash.divider), 133'000'000u);
    EXPECT_EQ(flash.max_select, 0u);
    EXPECT_EQ(flash.page_break, 0u);
    // Every field fits its register field: the word gives the same fields back.
    EXPECT_EQ(QmiTiming::from_word(psram.word()), psram);
    EXPECT_EQ(QmiTiming::from_word(flash.word()), flash);
  }
}

TEST(QmiTiming, RefusesWhatBreaksALimit) {
  const uint32_t hz = 150'000'000;
  const auto broken = [&](auto change) {
    QmiTiming timing = psram_timing(hz);
    change(timing);
    return !within_psram_limits(timing, hz);
  };
  EXPECT_TRUE(broken([](QmiTiming& t) { t.divider = 1; }));
  EXPECT_TRUE(broken([](QmiTiming& t) { t.max_select = 0; }));
  EXPECT_TRUE(broken([](QmiTiming& t) { t.max_select = 18; }));
  EXPECT_TRUE(broken([](QmiTiming& t) { t.min_deselect = 1; }));
  EXPECT_TRUE(broken([](QmiTiming& t) { t.page_break = 0; }));
}

TEST(QmiTiming, SamplesInsideTheValidTimeAtEveryClock) {
  for (uint32_t mhz = 48; mhz <= 400; ++mhz) {
    SCOPED_TRACE(mhz);
    const double cycle_ns = 1e3 / mhz;
    for (const QmiTiming& t : {psram_timing(mhz * 1'000'000), flash_timing(mhz * 1'000'000)}) {
      const double sample = t.divider * cycle_ns / 2 + t.rxdelay * cycle_ns / 2;
      EXPECT_GE(sample, 6 + 4) << "either chip's clock-to-data time and the pads at most";
      EXPECT_LT(sample, t.divider * cycle_ns + 1.5 + 2.5)
          << "the next falling edge, hold and the pads at least";
    }
  }
}

TEST(QmiTiming, ASlowerFlashTimingKeepsTheLimitsToo) {
  for (uint32_t mhz = 48; mhz <= 400; ++mhz) {
    SCOPED_TRACE(mhz);
    const uint32_t hz = mhz * 1'000'000;
    const QmiTiming fast = flash_timing(hz);
    const QmiTiming slow = flash_timing(hz, fast.divider + 1);
    EXPECT_GT(slow.divider, fast.divider);
    EXPECT_TRUE(can_sample(hz, slow.divider, W25q128::kClockToDataNs));
  }
  EXPECT_EQ(flash_timing(133'000'000, 2), (QmiTiming{.min_deselect = 2, .rxdelay = 2, .divider = 2}));
}

TEST(QmiTiming, FlashReadsCorrectlyDuringAClockIncrease) {
  const QmiTiming bootrom = QmiTiming::from_word(0x60007203);
  for (uint32_t mhz = 133; mhz <= 400; ++mhz) {
    const QmiTiming t = flash_timing_on_the_way(bootrom, mhz * 1'000'000);
    EXPECT_EQ(t.cooldown, bootrom.cooldown);
    EXPECT_EQ(t.min_deselect, bootrom.min_deselect);
    EXPECT_GE(t.divider, bootrom.divider);
    EXPECT_LE(t.divider, bootrom.divider + 4);
    for (uint32_t on_the_way = 6; on_the_way <= mhz; ++on_the_way) {
      SCOPED_TRACE(testing::Message() << on_the_way << " of " << mhz << " MHz");
      const double cycle_ns = 1e3 / on_the_way;
      const double sample = (t.divider + t.rxdelay) * cycle_ns / 2;
      EXPECT_LE(on_the_way / t.divider, 133u);
      EXPECT_GE(sample, 2 * 6 + 4);  // even of a chip that answers late
      EXPECT_LT(sample, t.divider * cycle_ns + 1.5 + 2.5);
    }
  }
}

struct Clock {
  uint32_t mhz;
  PllSettings pll;
  uint32_t psram_khz, flash_khz, millivolts;
};

// The PLL by hand: the highest VCO of 750 to 1600 MHz that is a multiple of 12 and of the clock, by two post
// dividers of at most 7.
constexpr Clock kClocks[] = {
    {53, {1'272'000'000, 6, 4}, 53'000, 53'000, 1100},   {60, {1'500'000'000, 5, 5}, 60'000, 60'000, 1100},
    {96, {1'536'000'000, 4, 4}, 48'000, 96'000, 1100},   {100, {1'500'000'000, 5, 3}, 50'000, 100'000, 1100},
    {125, {1'500'000'000, 6, 2}, 62'500, 62'500, 1100},  {133, {1'596'000'000, 6, 2}, 66'500, 133'000, 1100},
    {150, {1'500'000'000, 5, 2}, 75'000, 75'000, 1100},  {151, {}, 0, 0, 0},  // by 12 it is 1812 MHz
    {180, {1'440'000'000, 4, 2}, 60'000, 90'000, 1100},  {200, {1'200'000'000, 6, 1}, 66'666, 100'000, 1100},
    {240, {1'440'000'000, 6, 1}, 80'000, 120'000, 1150}, {250, {1'500'000'000, 6, 1}, 83'333, 83'333, 1150},
    {266, {1'596'000'000, 6, 1}, 66'500, 133'000, 1150}, {300, {1'500'000'000, 5, 1}, 75'000, 100'000, 1200},
};

TEST(ClkSys, MatchesTheHandWorkedTable) {
  for (const Clock& row : kClocks) {
    SCOPED_TRACE(row.mhz);
    const uint32_t hz = row.mhz * 1'000'000;
    EXPECT_EQ(pll_for(hz), row.pll) << pll_for(hz).vco_hz << " / " << pll_for(hz).post_divider1 << " / "
                                    << pll_for(hz).post_divider2;
    EXPECT_EQ(clk_sys_fault(hz), row.pll.vco_hz == 0 ? ClkSysFault::kNotOfPll : ClkSysFault::kNone);
    if (row.pll.vco_hz == 0) continue;
    EXPECT_EQ(sck_hz(hz, psram_timing(hz).divider) / 1000, row.psram_khz);
    EXPECT_EQ(sck_hz(hz, flash_timing(hz).divider) / 1000, row.flash_khz);
    EXPECT_EQ(Rp2350::core_millivolts(hz), row.millivolts);
  }
}

TEST(ClkSys, EveryClockThatIsServedKeepsAllLimits) {
  constexpr uint32_t kOfCmake[] = {PICO_LLAMA_CLOCKS_OF_CMAKE};
  const QmiTiming bootrom = QmiTiming::from_word(0x60007203);
  int served = 0;
  for (uint32_t mhz = 0; mhz <= 400; ++mhz) {
    SCOPED_TRACE(mhz);
    const uint32_t hz = mhz * 1'000'000;
    const ClkSysFault fault = clk_sys_fault(hz);
    EXPECT_EQ(fault == ClkSysFault::kNone, std::ranges::count(kOfCmake, mhz) == 1) << "clk_sys.cmake differs";
    if (mhz < 53) {
      EXPECT_EQ(fault, ClkSysFault::kTooSlowForUsb);
    }
    if (mhz > 300) {
      EXPECT_EQ(fault, ClkSysFault::kTooFast);
    }
    if (fault != ClkSysFault::kNone) continue;
    ++served;
    // The PLL's own limits, and exactly this clock.
    const PllSettings pll = pll_for(hz);
    EXPECT_EQ(pll.vco_hz, hz * pll.post_divider1 * pll.post_divider2);
    EXPECT_EQ(pll.vco_hz % 12'000'000, 0u);
    EXPECT_GE(pll.vco_hz, 750'000'000u);
    EXPECT_LE(pll.vco_hz, 1'600'000'000u);
    EXPECT_LE(pll.post_divider1, 7u);
    EXPECT_GE(pll.post_divider1, pll.post_divider2);
    EXPECT_GE(pll.post_divider2, 1u);
    EXPECT_TRUE(within_psram_limits(psram_timing(hz), hz));
    EXPECT_LE(sck_hz(hz, flash_timing(hz).divider), 133'000'000u);
    // Flash is read on the way from the 150 MHz of start-up, whichever is the faster.
    const QmiTiming t = flash_timing_on_the_way(bootrom, hz);
    for (const uint32_t clock : {12'000'000u, 48'000'000u, 150'000'000u, hz}) {
      EXPECT_GE(sample_ns(clock, t.divider, t.rxdelay), valid_from_ns(W25q128::kClockToDataNs));
      EXPECT_LT(sample_ns(clock, t.divider, t.rxdelay), valid_until_ns(clock, t.divider));
      EXPECT_LE(sck_hz(clock, t.divider), 133'000'000u);
    }
  }
  EXPECT_EQ(served, static_cast<int>(std::size(kOfCmake)));
  EXPECT_GT(served, 60);
}

TEST(Chips, SizesFollowFromTheIds) {
  EXPECT_EQ(Aps6404l::bytes_of(0x4b), 8u << 20);
  EXPECT_EQ(Aps6404l::bytes_of(0x20), 4u << 20);
  EXPECT_EQ(Aps6404l::bytes_of(0xff), 0u);
  EXPECT_EQ(W25q128::bytes_of(0x18), 16u << 20);
  EXPECT_EQ(W25q128::bytes_of(0x16), 4u << 20);
  EXPECT_EQ(W25q128::bytes_of(0xff), 0u);
}

TEST(Chips, VoltageRisesWithTheClock) {
  EXPECT_EQ(Rp2350::core_millivolts(150'000'000), 1100u);
  uint32_t last = 0;
  for (uint32_t mhz = 100; mhz <= 300; mhz += 10) {
    const uint32_t now = Rp2350::core_millivolts(mhz * 1'000'000);
    EXPECT_GE(now, last);
    EXPECT_LE(now, 1300u);
    last = now;
  }
}

}  // namespace
}  // namespace pico_llama::chips
