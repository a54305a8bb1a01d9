#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "formats/memory_image.h"
#include "simulator/bus/bus.h"
#include "simulator/clock/event_queue.h"
#include "simulator/clock/timebase.h"
#include "simulator/cpu/core.h"
#include "simulator/cpu/signals.h"

namespace pico_llama::simulator {

enum class BoardKind : std::uint8_t {
  kPicoPlus2W,  ///< Pimoroni: RP2350B, 16 MB flash, 8 MB PSRAM on chip select 1
  kPico2,       ///< Raspberry Pi: RP2350A, 4 MB flash, no PSRAM
};

/// What is wrong with this particular board from the start. Faults that happen later (a button, a pulled
/// plug, a power cut) are calls on Board, made from an event.
struct BoardFaults {
  bool psram_absent = false;
  bool psram_wrong_id = false;
  bool psram_stuck_bit = false;
  bool flash_4mb = false;            ///< a smaller flash chip than the board should have
  bool flash_no_qe = false;          ///< the chip's QE bit is clear: no quad reads
  bool flash_no_continuous = false;  ///< the chip passes over the mode byte: each read wants its command
  bool flash_foreign = false;        ///< another maker's chip: 35h is no status read there
  bool flash_late =
      false;  ///< data reaches the QMI 12 ns after its clock edge: later than chip and pads promise
};

struct BoardOptions {
  BoardKind kind = BoardKind::kPicoPlus2W;
  std::uint32_t flash_bytes = 0;  ///< 0: what the board has
  std::uint64_t seed = 1;         ///< for cache eviction, TRNG, power-on contents, chip id
  BoardFaults faults;
};

enum class ResetKind : std::uint8_t {
  kPowerOn,   ///< everything is lost but flash
  kRunPin,    ///< RUN pulled low: SRAM and the PSRAM chip keep their contents
  kWatchdog,  ///< by the watchdog: as the run pin, watchdog scratch registers survive
  kBootsel,   ///< power-on with the BOOTSEL button held
};

/// Ends a run at whichever comes first. Both are absolute, since power-on.
struct RunLimits {
  Cycle cycle = kNever;
  Picoseconds time = ~Picoseconds{0};
};

enum class RunEnd : std::uint8_t {
  kLimit,     ///< a RunLimits was reached
  kRequest,   ///< request_stop() was called, or an observer stopped a core
  kBootsel,   ///< the board sits in the boot ROM's BOOTSEL mode (no bootable image, or asked for)
  kDeadlock,  ///< both cores sleep and nothing will ever wake them
  kStop,      ///< something that is not modelled, or that silicon answers with garbage: see message
};

struct RunResult {
  RunEnd end = RunEnd::kLimit;
  /// kBootsel: why. kStop: the whole report: what, where, disassembly, registers, last instructions.
  std::string message;
};

class FlashChip;
class PsramChip;
class Qmi;
class XipCache;
class Dma;
class UsbController;

/// The virtual board: the RP2350 with everything on it, wired, and the loop that lets both cores run.
/// Deterministic: the same options, images and calls at the same simulated times give the same run.
class Board {
 public:
  explicit Board(const BoardOptions& options = {});
  ~Board();
  Board(const Board&) = delete;
  Board& operator=(const Board&) = delete;

  /// Puts an image into flash (or RAM, for a RAM-only ELF) as drag-and-drop or a debug probe would.
  /// Takes effect at the next reset(). Symbols of an ELF are added to symbols().
  /// Errors: throws formats::FileError, one clear line.
  void load(const formats::MemoryImage& image);

  /// Runs the boot ROM: after this the cores stand at the image's entry, or the board is in BOOTSEL mode.
  /// During a run (from an event or an observer) it takes effect after the current instruction. A power-on
  /// while flash is being erased or programmed leaves its target torn.
  void reset(ResetKind kind = ResetKind::kPowerOn);

  /// Runs on from where the last run ended. Resets that software asks for happen inside.
  RunResult run(const RunLimits& limits);
  /// From an event handler, device callback or observer: the run ends after the current instruction.
  void request_stop();

  // --- the world outside the chip --------------------------------------------------------------------
  /// Bytes that UART0/1 send, as they leave the shift register.
  void set_uart_sink(const std::function<void(unsigned uart, std::uint8_t byte)>& sink);
  void uart_receive(unsigned uart, std::uint8_t byte);
  /// The BOOT button: GPIO45 on the Pico Plus 2 W, and BOOTSEL at reset on both.
  void set_button(bool pressed);
  /// Drives a pin from outside, active until released.
  void drive_gpio(unsigned pin, bool level);
  void release_gpio(unsigned pin);
  /// Level of a pin as a scope would see it.
  bool gpio(unsigned pin) const;
  /// Told of every reset that software or the watchdog makes (a tool may want to end there).
  void set_reset_observer(std::function<void(ResetKind)> observer);
  /// Text for warnings that do not end the run (clk_sys beyond the datasheet's). Default: stderr.
  void set_warning_sink(std::function<void(std::string_view)> sink);

  // --- inside, for tools -------------------------------------------------------------------------------
  const BoardOptions& options() const;
  Core& core(unsigned number);
  Bus& bus();
  EventQueue& events();
  Timebase& timebase();
  InterruptLines& interrupts();
  UsbController& usb();
  Dma& dma();
  XipCache& xip_cache();
  Qmi& qmi();
  FlashChip& flash();
  /// nullptr where the board has none.
  PsramChip* psram();
  const formats::SymbolTable& symbols() const;

  /// The cycle that both cores have reached, and its time.
  Cycle now() const;
  Picoseconds time() const;
  bool in_bootsel() const;
  /// True while core 1 waits in the boot ROM for its FIFO hand-shake.
  bool core1_in_bootrom() const;
  /// What kStop would say now: both cores' registers and last instructions.
  std::string describe_state() const;

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace pico_llama::simulator
