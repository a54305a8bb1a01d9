#include <gtest/gtest.h>

#include <algorithm>

#include "simulator/stop.h"
#include "tests/simulator/bus/xip_fixture.h"

namespace pico_llama::simulator {
namespace {

using Bytes = std::vector<std::uint8_t>;

Bytes tail(const Bytes& bytes, std::size_t from) {
  return {bytes.begin() + static_cast<std::ptrdiff_t>(from), bytes.end()};
}

std::uint8_t flash_status(XipFixture& f, std::uint8_t command = 0x05) {
  return f.transfer(0, {command, 0})[1];
}

void wait_ready(XipFixture& f) {
  while ((flash_status(f) & 1) != 0) f.now += 15000;
}

// --- direct mode -----------------------------------------------------------------------------------------

TEST(DirectMode, EveryByteTakesItsTime) {
  XipFixture f;
  f.direct_on(30);
  f.write(XipFixture::kCsr + 0x2000, 4);
  f.write(XipFixture::kTx, 0x9f);
  const Cycle pushed = f.now - 4;
  while ((f.read(XipFixture::kCsr).value & 2) != 0) {
  }
  EXPECT_NEAR(static_cast<double>(f.now - pushed), 8 * 30 + 15, 8);
  EXPECT_EQ(f.read(XipFixture::kCsr).value & (1u << 16), 0u);
  f.read(XipFixture::kRx);
  f.write(XipFixture::kTx, 0 | 1u << 18);  // 16 bits
  f.wait_idle();
  EXPECT_EQ(f.read(XipFixture::kRx).value, 0x40efu);
  f.write(XipFixture::kCsr + 0x3000, 4);
}

TEST(DirectMode, FifosFillStallAndReport) {
  XipFixture f;
  f.direct_on(4);
  f.write(XipFixture::kCsr + 0x2000, 4);
  for (unsigned i = 0; i < 4; ++i) f.write(XipFixture::kTx, 0x05);
  f.now += 1000;
  EXPECT_EQ(f.read(XipFixture::kCsr).value & 0x001f'ffff & ~0xfu, 4u << 18 | 1u << 17 | 1u << 11 | 0x000u);
  for (unsigned i = 0; i < 4; ++i) f.write(XipFixture::kTx, 0);  // RX is full: these wait
  f.now += 1000;
  EXPECT_EQ(f.read(XipFixture::kCsr).value >> 12 & 7, 4u);
  EXPECT_EQ(f.read(XipFixture::kCsr).value & 2, 2u);
  EXPECT_THROW(f.write(XipFixture::kTx, 0), Stop);
  for (unsigned i = 0; i < 8; ++i) {
    f.now += 100;
    f.read(XipFixture::kRx);
  }
  EXPECT_THROW(f.read(XipFixture::kRx), Stop);
  f.write(XipFixture::kTx, 0x00 | 1u << 20);  // NOPUSH
  f.wait_idle();
  EXPECT_NE(f.read(XipFixture::kCsr).value & (1u << 16), 0u);
  f.write(XipFixture::kTx, 0);
  EXPECT_THROW(f.write(XipFixture::kCsr + 0x3000, 4), Stop) << "chip select raised in the middle of a byte";
}

TEST(DirectMode, SelectAndEnableInOneWriteWithWordsQueued) {
  XipFixture f;
  f.write(XipFixture::kCsr, 30u << 22);
  f.write(XipFixture::kTx, 0x9f);
  f.write(XipFixture::kTx, 0 | 1u << 18);
  f.write(XipFixture::kCsr, 30u << 22 | 4 | 1);  // as the boot ROM begins each flash command
  f.wait_idle();
  f.read(XipFixture::kRx);
  EXPECT_EQ(f.read(XipFixture::kRx).value, 0x40efu);
  f.write(XipFixture::kCsr + 0x3000, 4);
}

TEST(DirectMode, AutomaticChipSelectFramesACommand) {
  XipFixture f;
  f.write(XipFixture::kCsr, 10u << 22 | 1u << 6 | 1);
  f.write(XipFixture::kTx, 0x9f);
  for (unsigned i = 0; i < 3; ++i) f.write(XipFixture::kTx, 0);
  f.wait_idle();
  Bytes id;
  for (unsigned i = 0; i < 4; ++i) id.push_back(static_cast<std::uint8_t>(f.read(XipFixture::kRx).value));
  EXPECT_EQ(tail(id, 1), Bytes({0xef, 0x40, 0x18}));
  f.write(XipFixture::kTx, 0x06 | 1u << 20);  // the select went high in between: this is a new command
  f.wait_idle();
  f.now += 20;
  EXPECT_EQ(flash_status(f), 2u);
}

// --- flash -------------------------------------------------------------------------------------------------

TEST(Flash, Identifies) {
  XipFixture f;
  f.direct_on();
  EXPECT_EQ(tail(f.transfer(0, {0x9f, 0, 0, 0}), 1), Bytes({0xef, 0x40, 0x18}));
  EXPECT_EQ(tail(f.transfer(0, {0x90, 0, 0, 0, 0, 0}), 4), Bytes({0xef, 0x17}));
  const auto& id = f.flash.unique_id();
  EXPECT_EQ(tail(f.transfer(0, {0x4b, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}), 5), Bytes(id.begin(), id.end()));
  EXPECT_EQ(tail(f.transfer(0, {0x5a, 0, 0, 0, 0, 0, 0, 0, 0}), 5), Bytes({'S', 'F', 'D', 'P'}));
  EXPECT_EQ(tail(f.transfer(0, {0x5a, 0, 0, 0x84, 0, 0, 0, 0, 0}), 5), Bytes({0xff, 0xff, 0xff, 0x07}));
  EXPECT_EQ(flash_status(f, 0x35), 2u);
}

TEST(Flash, EveryReadCommandReads) {
  XipFixture f;
  struct Shape {
    std::uint32_t format, command;
  };
  const std::uint32_t prefix = 0x1000, dual = 1, quad = 2;
  const Shape shapes[] = {
      {prefix, 0x03},
      {prefix | 2u << 16, 0x0b},                                      // 8 dummy bits, serial
      {prefix | 2u << 16 | dual << 8, 0x3b},                          // data dual
      {prefix | 0x8000 | dual << 8 | dual << 4 | dual << 2, 0x00bb},  // address, mode, data dual
      {prefix | 2u << 16 | quad << 8, 0x6b},                          // data quad
      {prefix | 0x8000 | 4u << 16 | quad << 8 | quad << 6 | quad << 4 | quad << 2, 0x00eb},
  };
  f.write(Qmi::kBase + 0x0c, 1u << 30 | 2u << 8 | 4);
  for (const Shape& shape : shapes) {
    f.write(Qmi::kBase + 0x10, shape.format);
    f.write(Qmi::kBase + 0x14, shape.command);
    for (std::uint32_t i = 0; i < 16; i += 4) {
      ASSERT_EQ(f.read(0x14020000 + i).value, f.pattern_word(0x20000 + i)) << std::hex << shape.command;
    }
    f.read(0x14000000);  // breaks the chain
  }
}

TEST(Flash, ContinuousReadNeedsNoPrefixUntilModeBitsEndIt) {
  XipFixture f;
  f.bootrom_flash();
  f.write(Qmi::kBase + 0x14, 0xa0eb);
  EXPECT_EQ(f.read(0x14000100).value, f.pattern_word(0x100));
  EXPECT_TRUE(f.flash.in_continuous_read());
  const std::uint32_t with_prefix = f.read(0x14000200).value;
  EXPECT_NE(with_prefix, f.pattern_word(0x200)) << "the prefix is taken for an address";
  f.direct_on();
  f.transfer(0, {0xff, 0xff, 0xff, 0xff});
  f.direct_off();
  EXPECT_FALSE(f.flash.in_continuous_read());
  EXPECT_EQ(f.read(0x14000300).value, f.pattern_word(0x300));
  f.write(Qmi::kBase + 0x10, 0x000492a8 & ~0x1000u);  // no prefix from now on
  for (std::uint32_t i = 0; i < 64; i += 8)
    ASSERT_EQ(f.read(0x14010000 + 64 - i).value, f.pattern_word(0x10000 + 64 - i));
}

TEST(Flash, EraseAndProgramTakeTheirDatasheetTimes) {
  XipFixture f;
  f.direct_on();
  f.transfer(0, {0x20, 0x01, 0x20, 0x00});  // no write enable: nothing happens
  EXPECT_EQ(flash_status(f) & 1, 0u);
  f.transfer(0, {0x06});
  EXPECT_EQ(flash_status(f), 2u);
  const Cycle begin = f.now;
  f.transfer(0, {0x20, 0x01, 0x2f, 0xff});
  EXPECT_EQ(flash_status(f), 1u);
  EXPECT_EQ(f.transfer(0, {0x03, 0, 0, 0, 0})[4], 0xff) << "busy: only status is answered";
  wait_ready(f);
  EXPECT_NEAR(static_cast<double>(f.now - begin), 0.045 * 150e6, 30000);
  EXPECT_EQ(f.flash.peek(0x12000), 0xff);
  EXPECT_EQ(f.flash.peek(0x12fff), 0xff);
  EXPECT_EQ(f.flash.peek(0x11fff), f.pattern(0x11fff));
  EXPECT_EQ(f.flash.peek(0x13000), f.pattern(0x13000));

  f.transfer(0, {0x06});
  f.transfer(0, {0x02, 0x01, 0x20, 0xfe, 0x12, 0x34, 0x56});  // wraps within the page
  wait_ready(f);
  EXPECT_EQ(f.flash.peek(0x120fe), 0x12);
  EXPECT_EQ(f.flash.peek(0x120ff), 0x34);
  EXPECT_EQ(f.flash.peek(0x12000), 0x56);
  EXPECT_EQ(f.flash.peek(0x12100), 0xff);
  f.transfer(0, {0x06});
  f.transfer(0, {0x02, 0x01, 0x20, 0xfe, 0xff, 0x0f});  // only clears bits
  wait_ready(f);
  EXPECT_EQ(f.flash.peek(0x120fe), 0x12);
  EXPECT_EQ(f.flash.peek(0x120ff), 0x04);
}

TEST(Flash, PowerCutLeavesThePagePartlyProgrammed) {
  XipFixture f;
  f.direct_on();
  const Picoseconds now = f.timebase.time_at(f.now);
  Bytes zeros(256, 0x00);
  f.flash.erase(0x40000, FlashChip::kSectorBytes, now);
  const Picoseconds erased = now + 45'000'000'000;
  f.flash.program(0x40000, zeros, erased);
  f.flash.power_cut(erased + 200'000'000);  // half way
  unsigned bits = 0;
  for (std::uint32_t i = 0; i < 256; ++i)
    bits += static_cast<unsigned>(__builtin_popcount(f.flash.peek(0x40000 + i)));
  EXPECT_GT(bits, 800u);
  EXPECT_LT(bits, 1250u);
  EXPECT_EQ(f.flash.peek(0x40100), 0xff);
}

TEST(Flash, QuadEnableIsAStatusBitAndResetNeedsItsEnable) {
  XipFixture f(150'000'000, {}, false);
  f.direct_on();
  EXPECT_EQ(flash_status(f, 0x35) & 2, 0u);
  f.transfer(0, {0x06});
  f.transfer(0, {0x31, 0x02});
  wait_ready(f);
  EXPECT_EQ(flash_status(f, 0x35) & 2, 2u);
  f.transfer(0, {0x50});  // for this power cycle only, and at once
  f.transfer(0, {0x31, 0x00});
  EXPECT_EQ(flash_status(f, 0x35) & 2, 0u);
  f.flash.power_on();
  EXPECT_EQ(flash_status(f, 0x35) & 2, 2u);
  f.transfer(0, {0xb9});
  EXPECT_EQ(f.transfer(0, {0x9f, 0})[1], 0xff) << "asleep";
  f.transfer(0, {0xab});
  f.now += 1000;
  EXPECT_EQ(f.transfer(0, {0x9f, 0})[1], 0xef);
  f.transfer(0, {0x06});
  f.transfer(0, {0x99});
  EXPECT_EQ(flash_status(f), 2u);
  f.transfer(0, {0x66});
  f.transfer(0, {0x99});
  f.now += 10000;
  EXPECT_EQ(flash_status(f), 0u);
}

TEST(Flash, SmallerChipWrapsAndReportsItsSize) {
  FlashChip small(4u << 20, 1);
  small.data()[5] = 0x77;
  XipFixture f;
  f.qmi.attach_chip(0, &small);
  f.bootrom_flash();
  EXPECT_EQ(f.read(0x10400005, 1).value, 0x77u);
  f.direct_on();
  EXPECT_EQ(tail(f.transfer(0, {0x9f, 0, 0, 0}), 1), Bytes({0xef, 0x40, 0x16}));
}

TEST(Flash, ClockBeyondTheDatasheetStops) {
  XipFixture f(150'000'000);
  f.bootrom_flash();
  f.write(Qmi::kBase + 0x0c, 0x60007201);  // 150 MHz
  EXPECT_THROW(f.read(0x10000000), Stop);
  XipFixture slow(150'000'000);
  slow.write(Qmi::kBase + 0x0c, 0x40000202);  // 03h at 75 MHz
  EXPECT_THROW(slow.read(0x10000000), Stop);
}

// --- PSRAM
// ---------------------------------------------------------------------------------------------------

TEST(Psram, BringUpAsADriverDoesIt) {
  XipFixture f;
  f.direct_on();
  const Bytes id = tail(f.transfer(1, {0x9f, 0, 0, 0, 0, 0, 0}), 4);
  EXPECT_EQ(id[0], 0x0d);
  EXPECT_EQ(id[1], 0x5d) << "known good die";
  EXPECT_EQ(id[2] >> 5, 2) << "64 Mbit";
  f.transfer(1, {0x66});
  f.transfer(1, {0x99});
  f.transfer(1, {0x35});
  EXPECT_TRUE(f.psram.in_qpi());
  EXPECT_EQ(tail(f.transfer(1, {0x9f, 0, 0, 0, 0, 0}), 4), Bytes({0xff, 0xff})) << "no id in QPI";
  f.direct_off();
  f.psram_window();
  for (std::uint32_t at = 0x15000000; at < 0x15800000; at += 0x10000) f.write(at, ~at);
  for (std::uint32_t at = 0x15000000; at < 0x15800000; at += 0x10000) ASSERT_EQ(f.read(at).value, ~at);
  EXPECT_EQ(f.read(0x15800000).value, ~0x15000000u) << "8 MB: the address wraps";

  // A warm reset of the RP2350 leaves the chip in QPI: it must be left before the id can be read.
  f.qmi.reset(f.now);
  f.direct_on();
  EXPECT_EQ(f.transfer(1, {0x9f, 0, 0, 0, 0, 0})[4], 0xff);
  f.transfer(1, {0xf5}, 0);
  EXPECT_EQ(f.transfer(1, {0x9f, 0, 0, 0, 0, 0})[5], 0x5d);
  EXPECT_EQ(f.psram.peek(0x10000), 0xffu & ~0x15010000u) << "contents survive";
}

TEST(Psram, SerialReadsAndWritesBeforeQpi) {
  XipFixture f;
  f.direct_on(6);
  f.transfer(1, {0x02, 0x12, 0x34, 0x56, 0xde, 0xad});
  EXPECT_EQ(tail(f.transfer(1, {0x03, 0x12, 0x34, 0x56, 0, 0}), 4), Bytes({0xde, 0xad}));
  EXPECT_EQ(tail(f.transfer(1, {0x0b, 0x12, 0x34, 0x56, 0, 0, 0}), 5), Bytes({0xde, 0xad}));
}

TEST(Psram, WrapToggleKeepsBurstsIn32Bytes) {
  XipFixture f;
  f.direct_on(6);
  Bytes out = {0x02, 0, 0, 0x1e};
  for (std::uint8_t i = 1; i <= 4; ++i) out.push_back(i);
  f.transfer(1, {0xc0});
  f.transfer(1, out);
  EXPECT_EQ(f.psram.peek(0x1f), 2);
  EXPECT_EQ(f.psram.peek(0x00), 3);
  EXPECT_FALSE(f.psram.defined(0x20));
  f.transfer(1, {0xc0});
  f.transfer(1, out);
  EXPECT_EQ(f.psram.peek(0x20), 3);
}

TEST(Psram, Faults) {
  XipFixture wrong(150'000'000, {.wrong_id = true});
  wrong.direct_on();
  EXPECT_NE(wrong.transfer(1, {0x9f, 0, 0, 0, 0, 0})[5], 0x5d);

  XipFixture stuck(150'000'000, {.stuck_bit = true});
  stuck.psram_qpi();
  stuck.psram_window();
  unsigned wrong_bytes = 0;
  for (std::uint32_t at = 0x15000000; at < 0x15002000; ++at) stuck.write(at, 0, 1);
  for (std::uint32_t at = 0x15000000; at < 0x15002000; ++at) wrong_bytes += stuck.read(at, 1).value != 0;
  EXPECT_EQ(wrong_bytes, 2u);

  XipFixture absent;
  absent.qmi.attach_chip(1, nullptr);
  absent.direct_on();
  EXPECT_EQ(absent.transfer(1, {0x9f, 0, 0, 0, 0, 0})[5], 0xff);

  XipFixture unconnected;  // GPIO47 was never given to the QMI
  unconnected.qmi.connect_select(1, false);
  unconnected.direct_on();
  EXPECT_EQ(unconnected.transfer(1, {0x9f, 0, 0, 0, 0, 0})[5], 0xff);
}

TEST(Psram, PowerOnLosesContentsAndDeselectMustLast18ns) {
  XipFixture f;
  f.psram_qpi();
  f.psram_window();
  f.write(0x15000000, 42);
  f.psram.power_on();
  EXPECT_FALSE(f.psram.in_qpi());
  EXPECT_FALSE(f.psram.defined(0));
  f.psram_qpi();
  f.write(Qmi::kBase + 0x20, 1u << 30 | 17u << 17 | 2u << 8 | 2);  // MIN_DESELECT 0
  f.write(0x15000000, 42);
  EXPECT_THROW(f.write(0x15000100, 42), Stop);
}

}  // namespace
}  // namespace pico_llama::simulator
