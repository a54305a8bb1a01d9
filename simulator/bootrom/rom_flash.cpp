#include "simulator/bootrom/rom_flash.h"

#include <array>

namespace pico_llama::simulator::rom_flash {
namespace {

constexpr std::uint32_t kQmi = 0x400d0000;
constexpr std::uint32_t kDirectCsr = kQmi + 0x00, kDirectTx = kQmi + 0x04, kDirectRx = kQmi + 0x08;
constexpr std::uint32_t kM0Timing = kQmi + 0x0c, kWindowStride = 0x14, kAtrans0 = kQmi + 0x34;
constexpr std::uint32_t kEnable = 1U << 0, kBusy = 1U << 1, kAssertCs0 = 1U << 2, kTxFull = 1U << 10,
                        kRxEmpty = 1U << 16;
constexpr std::uint32_t kClkdivLsb = 22;
constexpr std::uint32_t kTxQuad = 2U << 16, kTx16Bits = 1U << 18, kTxOutput = 1U << 19, kTxNoPush = 1U << 20;
constexpr std::uint32_t kSlowClkdiv = 12;

// COOLDOWN 1, PAGEBREAK 1024, MIN_DESELECT 7, RXDELAY 2: as read back on stock boards, where CLKDIV is 3
// (raspberrypi/pico-sdk issues 1903, 2172). RXDELAY at other dividers: the same [ASSUMED].
constexpr std::uint32_t kTiming = 0x60007200;

// RFMT and RCMD of each mode: section 5.4.8.14; EBh as read back (0x000492a8, 0x00eb).
struct Format {
  std::uint32_t rfmt, rcmd;
};
constexpr std::array<Format, 4> kFormats{{
    {0x00001000, 0x0003},  // all serial, no wait
    {0x00021000, 0x000b},  // 8 dummy clocks
    {0x00009154, 0x00bb},  // address, mode byte and data on two lanes
    {0x000492a8, 0x00eb},  // on four; mode byte and 4 more clocks
}};

void start_direct(RomBus& bus) {
  const std::uint32_t csr = bus.load(kDirectCsr);
  bus.store(kDirectCsr, (csr & ~(kAssertCs0 | kAssertCs0 << 1)) | kEnable);
  while ((bus.load(kDirectCsr) & kBusy) != 0) {
  }
}

void stop_direct(RomBus& bus) { bus.clear_bits(kDirectCsr, kEnable); }

std::uint8_t exchange(RomBus& bus, std::uint8_t byte) {
  while ((bus.load(kDirectCsr) & kTxFull) != 0) {
  }
  bus.store(kDirectTx, byte | kTxOutput);
  while ((bus.load(kDirectCsr) & kRxEmpty) != 0) {
  }
  return static_cast<std::uint8_t>(bus.load(kDirectRx));
}

void select(RomBus& bus) { bus.set_bits(kDirectCsr, kAssertCs0); }
void deselect(RomBus& bus) {
  while ((bus.load(kDirectCsr) & kBusy) != 0) {
  }
  bus.clear_bits(kDirectCsr, kAssertCs0);
}

void command(RomBus& bus, std::uint8_t opcode) {
  select(bus);
  exchange(bus, opcode);
  deselect(bus);
}

void send_address(RomBus& bus, std::uint8_t opcode, std::uint32_t offset) {
  exchange(bus, opcode);
  for (const unsigned shift : {16U, 8U, 0U}) exchange(bus, static_cast<std::uint8_t>(offset >> shift));
}

bool busy(RomBus& bus) {
  select(bus);
  exchange(bus, 0x05);
  const bool result = (exchange(bus, 0) & 1) != 0;
  deselect(bus);
  return result;
}

}  // namespace

void select_read_mode(RomBus& bus, ReadMode mode, std::uint32_t clkdiv) {
  const Format format = kFormats[static_cast<std::size_t>(mode)];
  for (std::uint32_t window = 0; window < 2; ++window) {
    const std::uint32_t base = kM0Timing + window * kWindowStride;
    bus.store(base, kTiming | (clkdiv & 0xff));
    bus.store(base + 4, format.rfmt);
    bus.store(base + 8, format.rcmd);
  }
  bus.store(kDirectCsr, (clkdiv & 0xff) << kClkdivLsb);  // RXDELAY 0
}

void connect_internal(RomBus& bus) {
  constexpr std::uint32_t kPadsQspi = 0x40040000, kIoQspi = 0x40030000;
  // Section 9.11.4: reset values with the isolation latch opened.
  constexpr std::array<std::uint32_t, 6> kPads{0x56, 0x56, 0x56, 0x5a, 0x5a, 0x5a};
  for (std::uint32_t i = 0; i < kPads.size(); ++i) bus.store(kPadsQspi + 4 + 4 * i, kPads[i]);
  for (std::uint32_t i = 0; i < kPads.size(); ++i) bus.store(kIoQspi + 0x14 + 8 * i, 0);  // function 0: XIP
}

void exit_xip(RomBus& bus) {
  select_read_mode(bus, ReadMode::k03hSerial, kSlowClkdiv);
  start_direct(bus);
  // Ones on all lines for 32 clocks: to a chip in continuous read they are an address and a mode byte that
  // ends it; FFh, FFh then ends dual modes and is no command to other chips.
  select(bus);
  for (int i = 0; i < 8; ++i) {
    while ((bus.load(kDirectCsr) & kTxFull) != 0) {
    }
    bus.store(kDirectTx, 0xffff | kTxQuad | kTx16Bits | kTxOutput | kTxNoPush);
  }
  deselect(bus);
  select(bus);
  exchange(bus, 0xff);
  exchange(bus, 0xff);
  deselect(bus);
  stop_direct(bus);
}

void flush_cache(RomBus& bus) {
  // Maintenance window, operation 0 (invalidate by set and way) for each of 2048 lines.
  constexpr std::uint32_t kMaintenance = 0x18000000, kCacheBytes = 16 * 1024;
  for (std::uint32_t line = 0; line < kCacheBytes; line += 8) bus.store(kMaintenance + line, 0, 1);
}

void reset_address_translation(RomBus& bus) {
  for (std::uint32_t i = 0; i < 8; ++i) bus.store(kAtrans0 + 4 * i, 0x04000000 | (i % 4) << 10);
}

RomTask range_erase(RomBus& bus, std::uint32_t offset, std::uint32_t count, std::uint32_t block_bytes,
                    std::uint8_t block_command) {
  constexpr std::uint32_t kSector = 4096;
  start_direct(bus);
  const std::uint32_t end = offset + count;
  while (offset < end) {
    const bool block = block_bytes > kSector && offset % block_bytes == 0 && end - offset >= block_bytes;
    command(bus, 0x06);
    select(bus);
    send_address(bus, block ? block_command : 0x20, offset);
    deselect(bus);
    co_await WaitUntil{bus.now};
    while (busy(bus)) co_await WaitUntil{bus.now};
    offset += block ? block_bytes : kSector;
  }
  stop_direct(bus);
  co_return 0;
}

RomTask range_program(RomBus& bus, std::uint32_t offset, std::uint32_t data, std::uint32_t count) {
  return range_program(bus, offset, count, [&bus, data](std::uint32_t i) {
    return static_cast<std::uint8_t>(bus.load(data + i, 1));
  });
}

RomTask range_program(RomBus& bus, std::uint32_t offset, std::uint32_t count,
                      std::function<std::uint8_t(std::uint32_t)> byte) {
  constexpr std::uint32_t kPage = 256;
  start_direct(bus);
  for (std::uint32_t done = 0; done < count; done += kPage) {
    command(bus, 0x06);
    select(bus);
    send_address(bus, 0x02, offset + done);
    for (std::uint32_t i = 0; i < kPage; ++i) exchange(bus, byte(done + i));
    deselect(bus);
    co_await WaitUntil{bus.now};
    while (busy(bus)) co_await WaitUntil{bus.now};
  }
  stop_direct(bus);
  co_return 0;
}

}  // namespace pico_llama::simulator::rom_flash
