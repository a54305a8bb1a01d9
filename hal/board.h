/// The board as the application sees it: the results of bring-up, and the services it needs. Implemented by
/// firmware/drivers for the board and by a fake in the tests.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "engine/streaming/staged_stream.h"

namespace pico_llama::hal {

struct ClockState {
  uint32_t clk_sys_hz = 0;
  uint32_t core_millivolts = 0;
};

struct FlashState {
  uint32_t bytes = 0;               ///< from its JEDEC id; the board's size if the id is invalid
  uint32_t jedec_id = 0;            ///< manufacturer << 16 | type << 8 | capacity
  bool quad_enabled = false;        ///< the boot ROM found a program with quad reads
  bool continuous_quad = false;     ///< reads use four lines and no command byte
  uint32_t divider = 0;             ///< clk_sys cycles of one SCK
  uint32_t divider_before = 0;      ///< as set by the boot ROM
  uint32_t misread_at_divider = 0;  ///< a faster divider, within the chip's rating, that misread; 0: none did
};

enum class PsramVerdict : uint8_t {
  kNotFitted,   ///< this board has no PSRAM select pin
  kAbsent,      ///< no answer to Read ID
  kWrongId,     ///< the id is not an APS6404L's, or not of a known good die
  kFailedTest,  ///< its id is right, but data read back differs
  kSkipped,     ///< its bring-up hung or faulted on the last boot
  kReady,
};

struct PsramState {
  PsramVerdict verdict = PsramVerdict::kNotFitted;
  uint8_t manufacturer = 0;
  uint8_t known_good_die = 0;
  uint8_t density = 0;  ///< the byte of Read ID whose top three bits are the size
  uint32_t bytes = 0;
  uint32_t divider = 0;
  uint32_t timing_word = 0;  ///< QMI M1_TIMING as computed
  // The first mismatch of a failed test.
  uint32_t bad_offset = 0;
  uint32_t bad_expected = 0;
  uint32_t bad_found = 0;
  // Measured by the checksum pass.
  uint32_t read_kilobytes_per_second = 0;
  uint32_t write_kilobytes_per_second = 0;
};

enum class LedState : uint8_t {
  kNotDriven,     ///< this build has no driver for the board's LED
  kSkipped,       ///< its bring-up hung or faulted on the last boot
  kRadioSilent,   ///< it is on the radio chip, which does not answer with its test pattern
  kRadioNoClock,  ///< the radio answers, but its clock does not start
  // In these states it is driven.
  kRadioReady,    ///< by the radio's GPIO registers, which hold what is written
  kRadioForgets,  ///< by the radio's GPIO registers, which read back something else
  kReady,         ///< on a GPIO, or by the radio's own driver
};

/// The fault or failed CHECK that caused a restart; `what` is null if there was none.
struct LastStop {
  const char* what = nullptr;  ///< the failed condition, or "fault", "stack overflow"
  const char* file = "";
  uint32_t line = 0;
  uint32_t pc = 0;            ///< of a fault
  uint32_t fault_status = 0;  ///< of a fault: CFSR
};

struct BoardInfo {
  const char* board_name = "";
  const char* version = "";
  ClockState clocks;
  FlashState flash;
  PsramState psram;
  LedState led = LedState::kNotDriven;
  LastStop last_stop;
  const char* skipped = nullptr;  ///< a stage of bring-up that hung or faulted on the last boot; null: none
};

/// Memory that a placement can use.
struct MemoryMap {
  std::span<std::byte> sram;              ///< all SRAM that the program does not use
  std::span<std::byte> psram;             ///< the uncached window; empty without PSRAM
  std::span<const std::byte> model_slot;  ///< flash from the cartridge's offset to the end of the chip
};

enum class Memory : uint8_t { kSram, kFlash, kPsram };

class Board {
 public:
  virtual const BoardInfo& info() = 0;
  virtual const MemoryMap& memory() = 0;

  virtual uint64_t micros() = 0;
  /// Cycles of clk_sys, modulo 2^32. Requires: called on core 0. Cost: a few cycles.
  virtual uint32_t cycles() = 0;
  /// The calling core: 0 or 1.
  virtual int core() = 0;
  /// 64 bits from a hardware random source.
  virtual uint64_t entropy() = 0;

  /// Raw state of the button; the caller debounces it.
  virtual bool button_pressed() = 0;
  /// Turns the LED on or off; nothing happens where it is not driven. Never waits. Cost: where the LED is on
  /// the radio, some 800 cycles for a change.
  virtual void led(bool on) = 0;
  /// The LED's state now; info().led is that of bring-up.
  virtual LedState check_led() = 0;

  /// CRC32 (IEEE 802.3, reflected, as zlib's) of any readable memory, by DMA.
  virtual uint32_t crc32(std::span<const std::byte> bytes) = 0;
  /// Copies by DMA, uncached on both sides. Requires: both aligned to 4, the same size, a multiple of 4.
  virtual void copy(std::span<std::byte> to, std::span<const std::byte> from) = 0;
  /// Fills with one word. Requires: as copy().
  virtual void fill(std::span<std::byte> to, uint32_t word) = 0;
  /// Reads `bytes` of a memory from its start with one core or both in parallel. Units: kB/s; 0 if the board
  /// has no such memory.
  virtual uint32_t read_bandwidth(Memory memory, int cores, uint32_t bytes) = 0;
  /// Tests all of PSRAM: every address line, every bit at both values. Overwrites its
  /// contents. Cost: 1 to 2 s.
  virtual PsramState test_psram() = 0;

  /// Reads flash or PSRAM ahead of the engine. Sources are addresses in memory()'s spans.
  virtual StagedStream& stream() = 0;

  /// High-water mark of a core's stack since start-up, and the size of that stack. Units: bytes.
  virtual uint32_t stack_used(int core) = 0;
  virtual uint32_t stack_bytes(int core) = 0;

  /// The chip's boot ROM.
  virtual std::span<const std::byte> boot_rom() = 0;

  [[noreturn]] virtual void reboot() = 0;
  [[noreturn]] virtual void reboot_to_bootsel() = 0;

 protected:
  ~Board() = default;
};

}  // namespace pico_llama::hal
