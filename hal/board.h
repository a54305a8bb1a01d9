/// What the application asks of the machine it runs on, and what bring-up found. Implemented by
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
  uint32_t bytes = 0;               ///< by its JEDEC id; the board's, where that makes no sense
  uint32_t jedec_id = 0;            ///< manufacturer << 16 | type << 8 | capacity
  bool quad_enabled = false;        ///< the boot ROM read a program on four lines
  bool continuous_quad = false;     ///< reads run without a command byte on four lines
  uint32_t divider = 0;             ///< clk_sys cycles of one SCK
  uint32_t divider_before = 0;      ///< as the boot ROM left it
  uint32_t misread_at_divider = 0;  ///< a faster divider that the chip should take and did not; 0: it did
};

enum class PsramVerdict : uint8_t {
  kNotFitted,   ///< this board has no PSRAM select pin
  kAbsent,      ///< nothing answers Read ID
  kWrongId,     ///< something answers that is no APS6404L, or a die that is not known good
  kFailedTest,  ///< it answers, but does not keep what is written
  kLeftOut,     ///< bring-up did not come back from it last time
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
  // When the test failed: where, and the bits.
  uint32_t bad_offset = 0;
  uint32_t bad_expected = 0;
  uint32_t bad_found = 0;
  // What the checksum pass measured.
  uint32_t read_kilobytes_per_second = 0;
  uint32_t write_kilobytes_per_second = 0;
};

/// Why the program restarted by itself; `what` is null when it did not.
struct LastStop {
  const char* what = nullptr;  ///< the condition that did not hold, or "fault"
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
  bool has_led = false;
  LastStop last_stop;
  const char* left_out = nullptr;  ///< what did not come back from bring-up, so this start goes without it
};

/// Memory that a placement can use.
struct MemoryMap {
  std::span<std::byte> sram;              ///< what the program leaves of SRAM
  std::span<std::byte> psram;             ///< past the XIP cache; empty when there is none
  std::span<const std::byte> model_slot;  ///< flash from the cartridge's offset to the end of the chip
};

enum class Memory : uint8_t { kSram, kFlash, kPsram };

class Board {
 public:
  virtual const BoardInfo& info() = 0;
  virtual const MemoryMap& memory() = 0;

  virtual uint64_t micros() = 0;
  /// Cycles of clk_sys, modulo 2^32, as the core that asks counts them: core 0, that is. Costs a few cycles
  /// itself.
  virtual uint32_t cycles() = 0;
  /// The core that asks: 0 or 1.
  virtual int core() = 0;
  /// Bits of a hardware random source.
  virtual uint64_t entropy() = 0;

  /// The button, debounced by the caller.
  virtual bool button_pressed() = 0;
  /// Brightness of the LED, 0 to 255. Does nothing where there is none.
  virtual void led(uint8_t brightness) = 0;

  /// CRC32 (IEEE 802.3, reflected, as zlib's) of any readable memory, by DMA.
  virtual uint32_t crc32(std::span<const std::byte> bytes) = 0;
  /// Copies by DMA, past the XIP cache on both sides. Requires: both aligned to 4, same size, a multiple
  /// of 4.
  virtual void copy(std::span<std::byte> to, std::span<const std::byte> from) = 0;
  /// Fills with one word. Requires: as copy().
  virtual void fill(std::span<std::byte> to, uint32_t word) = 0;
  /// Reads `bytes` of a memory from its start with one core or two at once and says how fast, in kB/s; 0 when
  /// there is no such memory.
  virtual uint32_t read_bandwidth(Memory memory, int cores, uint32_t bytes) = 0;
  /// The whole PSRAM: every address line, every bit at both values. Destroys its contents. Takes a second or
  /// two.
  virtual PsramState test_psram() = 0;

  /// Reads flash or PSRAM ahead of the engine. Its sources are addresses of memory()'s spans.
  virtual StagedStream& stream() = 0;

  /// Most bytes of stack that a core has used since it started, and how many it has.
  virtual uint32_t stack_used(int core) = 0;
  virtual uint32_t stack_bytes(int core) = 0;

  [[noreturn]] virtual void reboot() = 0;
  [[noreturn]] virtual void reboot_to_bootsel() = 0;

 protected:
  ~Board() = default;
};

}  // namespace pico_llama::hal
