#pragma once
#include <cstdint>
#include <vector>

#include "simulator/bus/bus.h"
#include "simulator/bus/flash_chip.h"
#include "simulator/bus/psram_chip.h"
#include "simulator/bus/qmi.h"
#include "simulator/bus/xip_cache.h"
#include "simulator/clock/timebase.h"

namespace pico_llama::simulator {

/// Bus, cache, QMI and both chips, driven by a master that does one thing after the other.
struct XipFixture {
  explicit XipFixture(std::uint32_t hz = 150'000'000, PsramFaults psram_faults = {},
                      bool flash_quad_enable = true)
      : timebase(hz),
        qmi(timebase),
        xip(qmi, 1),
        flash(16u << 20, 1, flash_quad_enable),
        psram(1, psram_faults) {
    qmi.attach_chip(0, &flash);
    qmi.attach_chip(1, &psram);
    bus.attach_xip(&xip);
    bus.attach(Qmi::kBase, 0x4000, &qmi);
    for (std::uint32_t i = 0; i < flash.bytes(); ++i) flash.data()[i] = pattern(i);
  }

  static std::uint8_t pattern(std::uint32_t address) {
    return static_cast<std::uint8_t>((address * 167 + (address >> 8) * 13) ^ 0x5a);
  }
  static std::uint32_t pattern_word(std::uint32_t address) {
    return static_cast<std::uint32_t>(pattern(address) | pattern(address + 1) << 8 |
                                      pattern(address + 2) << 16) |
           static_cast<std::uint32_t>(pattern(address + 3)) << 24;
  }

  Reply read(std::uint32_t address, std::uint8_t size = 4) {
    const Reply reply = bus.read(address, {.size = size, .now = now});
    now += 1 + reply.stall;
    return reply;
  }
  Reply write(std::uint32_t address, std::uint32_t value, std::uint8_t size = 4) {
    const Reply reply = bus.write(address, value, {.size = size, .now = now});
    now += 1 + reply.stall;
    return reply;
  }

  // --- direct mode, as a driver written from the datasheets would use it ---
  static constexpr std::uint32_t kCsr = Qmi::kBase, kTx = Qmi::kBase + 4, kRx = Qmi::kBase + 8;
  void wait_idle() {
    while ((read(kCsr).value & 2) != 0) {
    }
  }
  /// Bytes out, on one lane or four; returns the bytes shifted in.
  std::vector<std::uint8_t> transfer(unsigned select, const std::vector<std::uint8_t>& out,
                                     unsigned quad_from = ~0u) {
    write(kCsr + 0x2000, 4u << select);
    std::vector<std::uint8_t> in;
    for (unsigned i = 0; i < out.size(); ++i) {
      write(kTx, out[i] | (i >= quad_from ? 0x000a'0000u : 0u));
      wait_idle();
      in.push_back(static_cast<std::uint8_t>(read(kRx).value));
    }
    write(kCsr + 0x3000, 4u << select);
    now += 10;  // chip select stays high for a moment, as software between two commands takes
    return in;
  }
  void direct_on(unsigned clkdiv = 30) {
    write(kCsr, clkdiv << 22 | 1);
    wait_idle();
  }
  void direct_off() { write(kCsr + 0x3000, 1); }

  /// The flash as the boot ROM leaves it: EBh with serial prefix, not continuous, divider 3.
  void bootrom_flash() {
    write(Qmi::kBase + 0x0c, 0x6000'7203);
    write(Qmi::kBase + 0x10, 0x0004'92a8);
    write(Qmi::kBase + 0x14, 0x0000'00eb);
  }
  /// PSRAM from power-on to QPI, then window 1 for EBh and 38h at this divider.
  void psram_qpi() {
    direct_on();
    transfer(1, {0x35});
    direct_off();
  }
  void psram_window(unsigned clkdiv = 2, unsigned rxdelay = 2, unsigned dummy_nibbles = 6) {
    now += 300;  // whatever was read before, its select has risen
    write(Qmi::kBase + 0x20, 1u << 30 | 2u << 28 | 17u << 17 | 5u << 12 | rxdelay << 8 | clkdiv);
    write(Qmi::kBase + 0x24, 0x1000 | 0x2aa | dummy_nibbles << 16);
    write(Qmi::kBase + 0x28, 0xeb);
    write(Qmi::kBase + 0x2c, 0x1000 | 0x2aa);
    write(Qmi::kBase + 0x30, 0x38);
    xip.set_control(xip.control() | 1u << 11);
  }

  Timebase timebase;
  Bus bus;
  Qmi qmi;
  XipCache xip;
  FlashChip flash;
  PsramChip psram;
  Cycle now = 1000;
};

}  // namespace pico_llama::simulator
