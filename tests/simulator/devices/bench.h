#pragma once
#include <gtest/gtest.h>

#include "simulator/devices/clocks.h"
#include "simulator/devices/resets.h"
#include "simulator/devices/ticks.h"
#include "simulator/stop.h"

namespace pico_llama::simulator {

/// Clocks, time and register access for device tests.
struct Bench {
  Timebase timebase{Rosc::kNominalHz};
  EventQueue events{timebase};
  InterruptLines interrupts;
  Xosc xosc{timebase, events};
  Rosc rosc{1};
  Pll pll_sys{"PLL_SYS", timebase, events, xosc};
  Pll pll_usb{"PLL_USB", timebase, events, xosc};
  Clocks clocks{timebase, events, interrupts, {xosc, rosc, pll_sys, pll_usb}};
  Ticks ticks{timebase};
  Cycle now = 0;

  Bench() {
    for (Pll* pll : {&pll_sys, &pll_usb}) pll->set_observer([this](Cycle at) { clocks.update(at); });
    xosc.set_observer([this](Cycle at) { clocks.update(at); });
    clocks.add_observer([this](Cycle at) { ticks.clock_changed(clocks.clk_ref_hz(), at); });
    clocks.update(0);
  }

  std::uint32_t read(Device& device, std::uint32_t offset, Master master = Master::kCore0) {
    const Reply reply = device.read(offset, {.master = master, .now = now});
    EXPECT_EQ(reply.fault, BusFault::kNone);
    return reply.value;
  }
  void write(Device& device, std::uint32_t offset, std::uint32_t value, AtomicOp op = AtomicOp::kWrite,
             Master master = Master::kCore0) {
    EXPECT_EQ(device.write(offset, value, {.master = master, .op = op, .now = now}).fault, BusFault::kNone);
  }
  Picoseconds time() const { return timebase.time_at(now); }
  /// Lets time pass, with everything that happens in it.
  void pass(Picoseconds duration) {
    const Picoseconds end = time() + duration;
    while (events.horizon() <= timebase.cycle_at(end)) {
      now = events.horizon();
      events.run_due(now);
    }
    now = timebase.cycle_at(end);
  }
  void pass_microseconds(unsigned us) { pass(us * kPicosecondsPerMicrosecond); }

  /// The SDK's runtime_init: crystal, both PLLs, clk_sys 150 MHz, clk_ref 12 MHz, ticks of 1 us.
  void start_clocks() {
    write(xosc, 0x0c, 47);
    write(xosc, 0x00, 0xfabaa0);
    pass(2 * kPicosecondsPerSecond / 1000);
    for (Pll* pll : {&pll_sys, &pll_usb}) {
      write(*pll, 0x00, 1);
      write(*pll, 0x08, pll == &pll_sys ? 125 : 100);
      write(*pll, 0x04, 0x21, AtomicOp::kClear);
      pass(kPicosecondsPerSecond / 1000);
      ASSERT_NE(read(*pll, 0x00) & 0x80000000, 0U);
      write(*pll, 0x0c, pll == &pll_sys ? 5U << 16 | 2U << 12 : 5U << 16 | 5U << 12);
      write(*pll, 0x04, 0x08, AtomicOp::kClear);
    }
    write(clocks, 0x30, 2);      // clk_ref: crystal
    write(clocks, 0x3c, 1);      // clk_sys: PLL_SYS through aux 0
    write(clocks, 0x60, 0x800);  // clk_usb: PLL_USB
    write(clocks, 0x48, 0x800);  // clk_peri: clk_sys
    for (std::uint32_t i = 0; i < Ticks::kCount; ++i) {
      write(ticks, 12 * i + 4, 12);
      write(ticks, 12 * i, 1);
    }
  }
};

}  // namespace pico_llama::simulator
