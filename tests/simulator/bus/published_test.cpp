// The published measurements of external memory (X65 blog, MEMTEST post of 2025-08-05, 336 MHz, both dividers
// 3), with a master that spends what the same loop takes on SRAM: 8 cycles a word of code (measured: 8.2).
// tests/simulator/system/ runs the loop itself on the simulated core.
#include <gtest/gtest.h>

#include "firmware/chips/qmi_timing.h"
#include "tests/simulator/bus/xip_fixture.h"

namespace pico_llama::simulator {
namespace {

constexpr std::uint32_t kWords = 16384;  // 64 kB
constexpr std::uint32_t kSram = 0x20000000;

struct Memtest : XipFixture {
  Memtest() : XipFixture(336'000'000) {
    psram.lift_clock_limits();  // 112 MHz
    bootrom_flash();
    psram_qpi();
    // As drivers of this board configure it: COOLDOWN 1, PAGEBREAK 1024, MAX_SELECT and MIN_DESELECT for tCEM
    // and tCPH at this clock, RXDELAY 3.
    psram_window(3, 3);
    write(Qmi::kBase + 0x20, 1u << 30 | 2u << 28 | 40u << 17 | 5u << 12 | 3u << 8 | 3);
    for (std::uint32_t i = 0; i < kWords; ++i) write(0x15000000 + 4 * i, i);
    xip.invalidate_all();
    xip.set_strictness({.stop_on_read_only_write = false});
  }
  /// Microseconds for the loop from one window to another.
  double copy(std::uint32_t from, std::uint32_t to) {
    const Cycle begin = now;
    for (std::uint32_t i = 0; i < kWords; ++i) {
      const std::uint32_t word = read(from + 4 * i).value;
      now += 2;
      write(to + 4 * i, word);
      now += 4;
    }
    return static_cast<double>(now - begin) / 336.0;
  }
};

void expect_within_10_percent(double simulated, double published, const char* what) {
  EXPECT_NEAR(simulated, published, 0.1 * published) << what;
  testing::Test::RecordProperty(what, std::to_string(simulated));
  std::printf("%-28s %7.0f us, published %5.0f us: %+.1f %%\n", what, simulated, published,
              100 * (simulated / published - 1));
}

TEST(Published, X65Memtest) {
  Memtest m;
  expect_within_10_percent(m.copy(kSram, kSram + 0x10000), 401, "SRAM to SRAM");
  expect_within_10_percent(m.copy(0x11000000, kSram), 1674, "PSRAM cached to SRAM");
  expect_within_10_percent(m.copy(0x15000000, kSram), 1757, "PSRAM uncached to SRAM");
  expect_within_10_percent(m.copy(kSram, 0x15000000), 1547, "SRAM to PSRAM uncached");
  m.xip.invalidate_all();
  for (std::uint32_t i = 0x20000; i < 0x24000; i += 4)
    m.write(0x11000000 + i, i);  // the cache is full and dirty
  expect_within_10_percent(m.copy(kSram, 0x11000000), 4550, "SRAM to PSRAM cached");
  m.xip.invalidate_all();
  expect_within_10_percent(m.copy(kSram, 0x10000000), 1631, "flash window cached");
  expect_within_10_percent(m.copy(kSram, 0x14000000), 1681, "flash window uncached");
}

// The table of configurations: cycles for a line, read one after the other with nothing in between.
TEST(Published, CyclesALine) {
  const auto cycles_a_line = [](std::uint32_t hz, std::uint32_t base, std::uint32_t div,
                                std::uint32_t rxdelay) {
    XipFixture f(hz);
    f.bootrom_flash();
    f.write(Qmi::kBase + 0x0c, 0x60007000 | rxdelay << 8 | div);
    f.psram_qpi();
    f.psram_window(div, rxdelay);
    if (base == 0x11000000) {
      for (std::uint32_t i = 0; i < 65536; i += 4) f.write(0x15000000 + i, i);
    }
    const Cycle begin = f.now;
    for (std::uint32_t i = 0; i < 65536; i += 8) f.now = f.now - 1 + (f.read(base + i), 0u);
    return static_cast<double>(f.now - begin) / 8192;
  };
  EXPECT_NEAR(cycles_a_line(150'000'000, 0x10000000, 3, 2), 50.6, 0.3);
  EXPECT_NEAR(cycles_a_line(150'000'000, 0x10000000, 2, 2), 34.4, 0.3);
  EXPECT_NEAR(cycles_a_line(150'000'000, 0x11000000, 2, 2), 34 * 1.03, 0.5);
  EXPECT_NEAR(cycles_a_line(133'000'000, 0x10000000, 1, 2), 18.3, 0.3);
  EXPECT_NEAR(cycles_a_line(200'000'000, 0x10000000, 2, 2), 34.4, 0.3);
}

// The firmware computes its timing words from the chips' limits with arithmetic of its own; at every clock it
// may run at they must hold in a model that knows nothing of it.
TEST(Published, FirmwareTimingWordsWorkAtEveryClock) {
  for (const std::uint32_t hz : {100'000'000u, 125'000'000u, 133'000'000u, 150'000'000u, 200'000'000u,
                                 225'000'000u, 250'000'000u, 266'000'000u, 300'000'000u, 320'000'000u}) {
    SCOPED_TRACE(hz);
    XipFixture f(hz);
    f.bootrom_flash();
    f.write(Qmi::kBase + 0x0c, chips::flash_timing(hz).word());
    f.psram_qpi();
    f.psram_window();
    f.write(Qmi::kBase + 0x20, chips::psram_timing(hz).word());
    for (std::uint32_t i = 0; i < 32768; i += 4) f.write(0x15000000 + i, i * 0x9e3779b9u);
    unsigned wrong = 0;
    for (std::uint32_t i = 0; i < 32768; i += 4) {
      wrong += f.read(0x11000000 + i).value != i * 0x9e3779b9u;
      wrong += f.read(0x10000000 + i).value != f.pattern_word(i);
    }
    EXPECT_EQ(wrong, 0u);
  }
}

}  // namespace
}  // namespace pico_llama::simulator
