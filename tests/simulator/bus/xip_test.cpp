#include "simulator/bus/xip_cache.h"

#include <gtest/gtest.h>

#include "simulator/stop.h"
#include "tests/simulator/bus/xip_fixture.h"

namespace pico_llama::simulator {
namespace {

TEST(Xip, ResetConfigurationReadsFlashBySerial03h) {
  XipFixture f;
  for (std::uint32_t i = 0; i < 64; i += 4)
    ASSERT_EQ(f.read(0x10012340 + i).value, f.pattern_word(0x12340 + i));
}

TEST(Xip, BootromConfigurationReadsFlashByQuadEBh) {
  XipFixture f;
  f.bootrom_flash();
  for (std::uint32_t i = 0; i < 4096; i += 4)
    ASSERT_EQ(f.read(0x10ffc000 + i).value, f.pattern_word(0xffc000 + i));
  EXPECT_EQ(f.read(0x10ffc001, 1).value, f.pattern(0xffc001));
  EXPECT_EQ(f.read(0x14ffd002, 2).value, f.pattern_word(0xffd000) >> 16);
}

TEST(Xip, ChainedLineCosts16DivPlus2AndAHeaderEveryPage) {
  XipFixture f;
  f.bootrom_flash();
  f.read(0x10000000);
  EXPECT_EQ(f.read(0x10000004).stall, 0u);  // hit
  for (std::uint32_t line = 0x10000008; line < 0x10000400; line += 8)
    ASSERT_EQ(f.read(line).stall, 50u) << std::hex << line;
  const auto page = f.read(0x10000400).stall;
  EXPECT_GT(page, 50u + 60u);  // 20 SCK of header at divider 3, and deselect
  EXPECT_LT(page, 50u + 60u + 20u);
  EXPECT_EQ(f.read(0x14000408).stall, 26u);  // an uncached word that goes on where the line ended: 8 div + 2
}

TEST(Xip, TwoStreamsBreakEachOthersChains) {
  XipFixture f;
  f.bootrom_flash();
  f.read(0x10000000);
  f.read(0x10100000);
  for (std::uint32_t i = 8; i < 80; i += 8) {
    EXPECT_GT(f.read(0x10000000 + i).stall, 110u);
    EXPECT_GT(f.read(0x10100000 + i).stall, 110u);
  }
}

TEST(Xip, FlashWithoutQuadEnableDoesNotAnswerQuadReads) {
  XipFixture f(150'000'000, {}, false);
  f.bootrom_flash();
  EXPECT_EQ(f.read(0x10000000).value, 0xffffffffu);
  // BBh dual, as the boot ROM then falls back to: prefix serial, address, suffix and data dual, no dummies.
  f.xip.invalidate_all();
  f.write(Qmi::kBase + 0x10, 0x1000 | 0x8000 | 1 << 8 | 1 << 4 | 1 << 2);
  f.write(Qmi::kBase + 0x14, 0x00bb);
  EXPECT_EQ(f.read(0x10000010).value, f.pattern_word(0x10));
}

TEST(Xip, PsramNeedsQpiModeRightDummiesAndRightWidths) {
  XipFixture f;
  f.psram_qpi();
  f.psram_window();
  for (std::uint32_t i = 0; i < 64; i += 4) f.write(0x15000000 + i, 0x01020304 * (i + 1));
  for (std::uint32_t i = 0; i < 64; i += 4) ASSERT_EQ(f.read(0x11000000 + i).value, 0x01020304 * (i + 1));

  f.xip.set_strictness({.stop_on_undefined_read = false});
  const auto wrong = [&](auto&& configure) {
    f.xip.invalidate_all();
    configure();
    return f.read(0x15000010).value != 0x01020304u * 17;
  };
  EXPECT_TRUE(wrong([&] { f.psram_window(2, 2, 5); }));
  EXPECT_TRUE(wrong([&] { f.psram_window(2, 2, 7); }));
  EXPECT_TRUE(wrong([&] { f.psram_window(2, 0); })) << "RXDELAY 0 samples the clock before";
  EXPECT_TRUE(wrong([&] { f.psram_window(2, 5); })) << "RXDELAY 5 samples the clock after";
  EXPECT_TRUE(wrong([&] {
    f.psram_window();
    f.write(Qmi::kBase + 0x24, 0x1000 | 0x2a8 | 6 << 16);  // serial prefix to a chip in QPI
  }));
  EXPECT_FALSE(wrong([&] { f.psram_window(); }));
  f.direct_on();
  f.transfer(1, {0xf5}, 0);
  f.direct_off();
  EXPECT_TRUE(wrong([&] { f.psram_window(); })) << "QPI has been left";
}

TEST(Xip, PsramBeyondItsClockStopsTheRun) {
  XipFixture f(218'000'000);
  f.psram_qpi();
  f.psram_window(2, 2);  // 109 MHz, linear
  EXPECT_THROW(f.write(0x15000000, 1), Stop);
  XipFixture warned(218'000'000);
  warned.psram.set_policy({.stop = false, .warn = {}});
  warned.psram_qpi();
  warned.psram_window(2, 2);
  warned.xip.set_strictness({.stop_on_undefined_read = false});
  unsigned wrong = 0;
  for (std::uint32_t i = 0; i < 256; i += 4) warned.write(0x15000000 + i, i * 0x1234567);
  for (std::uint32_t i = 0; i < 256; i += 4) wrong += warned.read(0x15000000 + i).value != i * 0x1234567;
  EXPECT_GT(wrong, 10u);
}

TEST(Xip, WhereSiliconSurvivesALenientBusWarnsAndKeepsTheData) {
  XipFixture f(218'000'000);
  unsigned warnings = 0;
  f.psram.set_policy({.stop = false, .warn = [&](std::string_view) { ++warnings; }, .spoil = false});
  f.psram_qpi();
  f.psram_window(2, 2);  // 109 MHz, linear
  for (std::uint32_t i = 0; i < 256; i += 4) f.write(0x15000000 + i, i * 0x1234567);
  for (std::uint32_t i = 0; i < 256; i += 4) EXPECT_EQ(f.read(0x15000000 + i).value, i * 0x1234567);
  EXPECT_GE(warnings, 1u);

  XipFixture flash;
  std::string text;
  flash.xip.set_strictness({.stop_on_read_only_write = false,
                            .warn_of_read_only_write = [&](std::string_view said) { text += said; }});
  for (unsigned again = 0; again < 3; ++again) flash.write(0x10000100, 0);
  EXPECT_EQ(flash.read(0x10000100).value, flash.pattern_word(0x100));
  EXPECT_EQ(text.find("a read-only XIP window"), text.rfind("a read-only XIP window")) << text;
  EXPECT_NE(text.find("a read-only XIP window"), std::string::npos) << text;
}

TEST(Xip, ChipSelectLowForTooLongIsReported) {
  XipFixture f;
  f.psram_qpi();
  f.psram_window();
  for (std::uint32_t i = 0; i < 8192; i += 4) f.write(0x11000000 + i, i);
  EXPECT_NO_THROW({
    for (std::uint32_t i = 0; i < 8192; i += 8) f.read(0x11000000 + i);
  });
  f.xip.invalidate_all();
  f.write(Qmi::kBase + 0x20, 1u << 30 | 5u << 12 | 2u << 8 | 2);  // no MAX_SELECT, no PAGEBREAK
  EXPECT_THROW(
      {
        for (std::uint32_t i = 0; i < 8192; i += 4) f.read(0x15000000 + i);
      },
      Stop);
}

TEST(Xip, TimingChangesOnlyWhenIdleExceptForTheDivider) {
  XipFixture f;
  f.bootrom_flash();
  f.read(0x14000000);
  EXPECT_NO_THROW(f.write(Qmi::kBase + 0x0c, 0x6000'7204));     // CLKDIV: at any time
  EXPECT_THROW(f.write(Qmi::kBase + 0x0c, 0x6000'7304), Stop);  // RXDELAY: the select is still low
  f.read(0x14000004);
  f.now += 300;
  EXPECT_NO_THROW(f.write(Qmi::kBase + 0x0c, 0x6000'7404));
}

TEST(Xip, OtherFlashChipsLackContinuousReadOrReadStatusDifferently) {
  XipFixture f;
  f.flash.set_no_continuous_read();
  f.bootrom_flash();
  f.write(Qmi::kBase + 0x14, 0xa0eb);
  EXPECT_EQ(f.read(0x14000000).value, XipFixture::pattern_word(0));
  EXPECT_FALSE(f.flash.in_continuous_read());

  f.flash.set_foreign();
  f.now += 300;
  f.direct_on();
  EXPECT_EQ(f.transfer(0, {0x9f, 0, 0, 0})[1], 0x9d);
  EXPECT_THROW(f.transfer(0, {0x35, 0}), Stop);
}

TEST(Xip, ReadingUnwrittenPsramStopsTheRun) {
  XipFixture f;
  f.psram_qpi();
  f.psram_window();
  EXPECT_THROW(f.read(0x11000000), Stop);
  f.write(0x11000000, 0x11, 1);  // allocates a line of which one byte is defined
  EXPECT_EQ(f.read(0x11000000, 1).value, 0x11u);
  EXPECT_THROW(f.read(0x11000000, 2), Stop);
  f.write(0x18000001 | 0x3ffc000, 0);  // the line goes to the chip and keeps its holes
  f.xip.invalidate_all();
  EXPECT_EQ(f.read(0x11000000, 1).value, 0x11u);
  EXPECT_THROW(f.read(0x11000004), Stop);
}

TEST(Xip, WritesToTheFlashWindowStopTheRunOrAreIgnored) {
  XipFixture f;
  EXPECT_THROW(f.write(0x10000100, 0), Stop);
  f.xip.set_strictness({.stop_on_read_only_write = false});
  f.write(0x10000100, 0);
  f.write(0x14000100, 0);
  EXPECT_EQ(f.read(0x10000100).value, f.pattern_word(0x100));
}

TEST(Xip, MaintenanceCleansInvalidatesAndShowsErratumE11) {
  XipFixture f;
  f.psram_qpi();
  f.psram_window();
  f.write(0x15000000, 0xaaaaaaaa);
  f.write(0x15000004, 0xbbbbbbbb);
  f.write(0x11000000, 0x12345678);
  EXPECT_EQ(f.read(0x15000000).value, 0xaaaaaaaau) << "written back only when cleaned";
  f.write(0x19000003, 0);
  EXPECT_EQ(f.read(0x15000000).value, 0x12345678u);
  f.write(0x15000000, 0xcccccccc);
  EXPECT_EQ(f.read(0x11000000).value, 0x12345678u) << "stale until invalidated";
  f.write(0x19000002, 0);
  EXPECT_EQ(f.read(0x11000000).value, 0xccccccccu);

  f.write(0x11000000, 0x5eed5eed);
  for (std::uint32_t way = 0; way < 2; ++way) f.write(0x18000001 | way << 13, 0);
  const bool tag0 = f.read(0x10000000).value == 0x5eed5eedu;
  const bool tag1 = f.read(0x10002000).value == 0x5eed5eedu;
  EXPECT_TRUE(tag0 || tag1) << "the clean moved the line's tag into the flash window";
}

TEST(Xip, PinnedLinesAreMemoryAndAreNotEvicted) {
  XipFixture f;
  for (std::uint32_t i = 0; i < 0x4000; i += 8) f.write(0x1bffc007 + i, 0);
  for (std::uint32_t i = 0; i < 0x4000; i += 4) f.write(0x13ffc000 + i, ~i);
  f.bootrom_flash();
  for (std::uint32_t i = 0; i < 0x4000; i += 4) ASSERT_EQ(f.read(0x10000000 + i).value, f.pattern_word(i));
  for (std::uint32_t i = 0; i < 0x4000; i += 4) ASSERT_EQ(f.read(0x13ffc000 + i).value, ~i);
}

TEST(Xip, AddressTranslationMovesAndBoundsPanes) {
  XipFixture f;
  f.write(Qmi::kBase + 0x34, 0x0100'0123);  // 1 MB from 0x123000
  EXPECT_EQ(f.read(0x10000040).value, f.pattern_word(0x123040));
  EXPECT_EQ(f.read(0x1c000040).value, f.pattern_word(0x40));
  EXPECT_EQ(f.read(0x10100000).fault, BusFault::kUnmapped);
  EXPECT_EQ(f.read(0x1c100000).value, f.pattern_word(0x100000));
  EXPECT_EQ(f.read(0x10400000).value, f.pattern_word(0x400000));
}

TEST(Xip, DirectModeFaultsTheWindowsButNotHits) {
  XipFixture f;
  f.read(0x10000000);
  f.direct_on();
  EXPECT_EQ(f.read(0x10000004).fault, BusFault::kNone);
  EXPECT_EQ(f.read(0x10000008).fault, BusFault::kUnmapped);
  f.direct_off();
  EXPECT_EQ(f.read(0x10000008).value, f.pattern_word(8));
}

TEST(Xip, CacheKeepsTheWorkingSetAndEvictsByTheSeed) {
  XipFixture f;
  f.bootrom_flash();
  for (std::uint32_t i = 0; i < 16384; i += 8) f.read(0x10000000 + i);
  for (std::uint32_t i = 0; i < 16384; i += 4) ASSERT_EQ(f.read(0x10000000 + i).stall, 0u);
  XipFixture again;
  again.bootrom_flash();
  for (auto* machine : {&f, &again}) machine->xip.invalidate_all();
  for (std::uint32_t i = 0; i < 60000; i += 8) {
    ASSERT_EQ(f.read(0x10000000 + i * 7 % 32768).stall == 0,
              again.read(0x10000000 + i * 7 % 32768).stall == 0);
  }
}

}  // namespace
}  // namespace pico_llama::simulator
