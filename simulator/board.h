#pragma once
#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "formats/memory_image.h"
#include "simulator/bootrom/bootrom.h"
#include "simulator/bus/bus.h"
#include "simulator/bus/flash_chip.h"
#include "simulator/bus/psram_chip.h"
#include "simulator/bus/qmi.h"
#include "simulator/bus/xip_cache.h"
#include "simulator/bus/xip_control.h"
#include "simulator/bus/xip_stream.h"
#include "simulator/clock/event_queue.h"
#include "simulator/clock/timebase.h"
#include "simulator/cpu/core.h"
#include "simulator/cpu/signals.h"
#include "simulator/devices/adc.h"
#include "simulator/devices/clocks.h"
#include "simulator/devices/gpio.h"
#include "simulator/devices/i2c.h"
#include "simulator/devices/io_bank0.h"
#include "simulator/devices/led.h"
#include "simulator/devices/oscillators.h"
#include "simulator/devices/otp.h"
#include "simulator/devices/pio.h"
#include "simulator/devices/powman.h"
#include "simulator/devices/psm.h"
#include "simulator/devices/pwm.h"
#include "simulator/devices/radio.h"
#include "simulator/devices/resets.h"
#include "simulator/devices/sha256.h"
#include "simulator/devices/sio.h"
#include "simulator/devices/spi.h"
#include "simulator/devices/system.h"
#include "simulator/devices/ticks.h"
#include "simulator/devices/timer.h"
#include "simulator/devices/trng.h"
#include "simulator/devices/uart.h"
#include "simulator/devices/watchdog.h"
#include "simulator/dma/dma.h"
#include "simulator/gpio_coprocessor.h"
#include "simulator/usb/controller.h"

namespace pico_llama::simulator {

enum class BoardKind : std::uint8_t {
  kPicoPlus2W,  ///< Pimoroni: RP2350B, 16 MB flash, 8 MB PSRAM on chip select 1, the LED on the radio
  kPico2,       ///< Raspberry Pi: RP2350A, 4 MB flash, no PSRAM, the LED on GPIO25
};

/// Faults that this particular board has from the start. Those that happen later (a button, a pulled plug, a
/// power cut) are calls on Board, made from an event.
struct BoardFaults {
  bool psram_absent = false;
  bool psram_wrong_id = false;
  bool psram_stuck_bit = false;
  bool flash_4mb = false;            ///< a smaller flash chip than the board should have
  bool flash_no_qe = false;          ///< the chip's QE bit is clear: no quad reads
  bool flash_no_continuous = false;  ///< the chip ignores the mode byte: each read needs its command
  bool flash_foreign = false;        ///< another maker's chip: 35h is no status read there
  /// Data reaches the QMI 12 ns after its clock edge: later than chip and pads guarantee.
  bool flash_late = false;
  bool radio_absent = false;    ///< nothing answers on the radio's bus
  bool radio_no_clock = false;  ///< the radio's crystal does not start
};

struct BoardOptions {
  BoardKind kind = BoardKind::kPicoPlus2W;
  std::uint32_t flash_bytes = 0;  ///< 0: the size that the board has
  std::uint64_t seed = 1;         ///< for cache eviction, TRNG, power-on contents, chip id
  BoardFaults faults;
  /// The boot ROM of a chip (Bus::kRomSize bytes), which both cores run from reset. Empty: the model.
  std::vector<std::uint8_t> boot_rom;
  /// Where silicon survives or ignores what a datasheet forbids (SCK beyond a chip's rating, PSRAM selected
  /// for longer than tCEM, a store to a read-only XIP window): Board::warn once of each, instead of a Stop.
  bool lenient = false;
};

enum class ResetKind : std::uint8_t {
  kPowerOn,   ///< all state except flash is lost
  kRunPin,    ///< RUN pulled low: SRAM and the PSRAM chip keep their contents
  kWatchdog,  ///< by the watchdog: as the run pin, watchdog scratch registers survive
  kBootsel,   ///< power-on with the BOOTSEL button held
};

/// Ends a run at whichever comes first. Cycle and time are absolute, since power-on.
struct RunLimits {
  Cycle cycle = kNever;
  Picoseconds time = ~Picoseconds{0};
  /// Of the run loop, from this call on: a pause that, unlike the other two, changes nothing in the run.
  std::uint64_t iterations = ~std::uint64_t{0};
};

enum class RunEnd : std::uint8_t {
  kLimit,     ///< a RunLimits was reached
  kRequest,   ///< request_stop() was called, or an observer stopped a core
  kBootsel,   ///< the board is in the boot ROM's BOOTSEL mode (no bootable image, or asked for)
  kDeadlock,  ///< both cores sleep and nothing will ever wake them
  kStop,      ///< not modelled, or undefined on silicon (see stop.h); message says which
};

struct RunResult {
  RunEnd end = RunEnd::kLimit;
  /// kBootsel: why. kStop: the whole report: cause, pc, disassembly, registers, last instructions.
  std::string message;
};

/// The virtual board: the block diagram of the RP2350 and its chips as members, their wiring in the
/// constructor, and the loop that runs both cores. Deterministic: the same options, images and calls at the
/// same simulated times give the same run.
class Board {
 public:
  explicit Board(const BoardOptions& options = {});
  ~Board();
  Board(const Board&) = delete;
  Board& operator=(const Board&) = delete;

  /// Puts an image into flash (or RAM, for a RAM-only ELF) as drag-and-drop or a debug probe would.
  /// Takes effect at the next reset(). Symbols of an ELF are added to symbols().
  /// Errors: Failure, one clear line.
  void load(const formats::MemoryImage& image);

  /// Runs the boot ROM: after this the cores stand at the image's entry, or the board is in BOOTSEL mode.
  /// During a run (from an event or an observer) it takes effect after the current instruction. A power-on
  /// while flash is being erased or programmed leaves its target torn.
  void reset(ResetKind kind = ResetKind::kPowerOn);

  /// Continues from the end of the last run. Resets requested by software are handled inside.
  RunResult run(const RunLimits& limits);
  /// From an event handler, device callback or observer: the run ends after the current instruction.
  void request_stop();
  /// Whether runs end when the board enters BOOTSEL mode. Otherwise it serves its USB drive and PICOBOOT.
  bool stop_in_bootsel = true;
  /// Set from anywhere, a signal handler or another thread included: runs end soon. Null: nobody interrupts.
  const std::atomic<bool>* interrupt = nullptr;

  // --- the world outside the chip --------------------------------------------------------------------
  /// Called with each byte that UART0/1 transmit, when its last bit has been sent.
  void set_uart_sink(const std::function<void(unsigned uart, std::uint8_t byte)>& sink);
  void uart_receive(unsigned uart, std::uint8_t byte);
  /// The BOOT button: GPIO45 on the Pico Plus 2 W, and BOOTSEL at reset on both.
  void set_button(bool pressed);
  /// Called for every reset by software or the watchdog (a tool may want to stop there).
  std::function<void(ResetKind)> on_reset;
  /// Receives warnings that do not end the run (clk_sys beyond the datasheet's). Default: stderr.
  std::function<void(std::string_view)> warn;

  // --- state for tools --------------------------------------------------------------------------------
  /// The cycle that both cores have reached, and its time.
  Cycle now() const { return std::min(cores[0].now(), cores[1].now()); }
  Picoseconds time() const { return timebase.time_at(now()); }
  /// The time of a change of a pin that is being reported.
  Picoseconds pin_time() const { return timebase.time_at(gpio.change_cycle().value_or(access_cycle())); }
  bool has_psram() const { return options.kind == BoardKind::kPicoPlus2W && !options.faults.psram_absent; }
  /// A chip's boot ROM serves BOOTSEL mode, and nothing else, in Non-secure state.
  bool in_bootsel() const { return boot_.outcome == Bootrom::Outcome::kBootsel || rom_serves_usb(); }
  std::string bootsel_reason() const {
    return options.boot_rom.empty() ? boot_.reason : "its boot ROM does not say why";
  }
  /// True while core 1 waits in the boot ROM for its FIFO hand-shake.
  bool core1_in_bootrom() const { return bootrom.core1_waiting(); }
  /// The text of a kStop, for the present state: both cores' registers and last instructions.
  std::string describe_state();

  // --- time -------------------------------------------------------------------------------------------
  const BoardOptions options;
  Timebase timebase{Rosc::kNominalHz};
  EventQueue events{timebase};
  InterruptLines interrupts;

  // --- memories and the external bus ------------------------------------------------------------------
  Bus bus;
  FlashChip flash;
  PsramChip psram;
  Qmi qmi{timebase};
  XipCache xip_cache;
  XipStream stream;
  XipControl xip_control{xip_cache, stream};
  XipAux xip_aux{stream, qmi};
  Dma dma{bus, events, interrupts};

  // --- clocks and resets --------------------------------------------------------------------------------
  Resets resets;
  Psm psm;
  Xosc xosc{timebase, events};
  Rosc rosc;
  Pll pll_sys{"PLL_SYS", timebase, events, xosc};
  Pll pll_usb{"PLL_USB", timebase, events, xosc};
  Clocks clocks{timebase, events, interrupts, {xosc, rosc, pll_sys, pll_usb}};
  Ticks ticks{timebase};
  Powman powman{timebase, events, interrupts};
  Watchdog watchdog{ticks, timebase, events};

  // --- peripherals ---------------------------------------------------------------------------------------
  Gpio gpio;
  Sio sio{gpio, ticks, timebase, events, interrupts};
  IoBank0 io_bank0{gpio, interrupts};
  PadsBank0 pads_bank0{gpio};
  Pio pio{gpio, events, interrupts, [this] { return access_cycle(); }};
  Led led;
  std::unique_ptr<Radio> radio;  ///< null where the board has none
  IoQspi io_qspi;
  PadsQspi pads_qspi;
  Timer timer0{"TIMER0", 0, Ticks::kTimer0, ticks, timebase, events, interrupts};
  Timer timer1{"TIMER1", 4, Ticks::kTimer1, ticks, timebase, events, interrupts};
  Uart uart0{"UART0", 33, clocks, timebase, events, interrupts};
  Uart uart1{"UART1", 34, clocks, timebase, events, interrupts};
  UsbController usb{events, timebase, interrupts};
  Trng trng;
  Adc adc{options.kind == BoardKind::kPico2, clocks, timebase, events, interrupts};
  Pwm pwm{gpio, events, interrupts, [this] { return access_cycle(); }};
  Sha256 sha256{events};
  I2c i2c0{0, gpio, events, interrupts, [this] { return access_cycle(); }};
  I2c i2c1{1, gpio, events, interrupts, [this] { return access_cycle(); }};
  Spi spi0{0, gpio, clocks, timebase, events, interrupts};
  Spi spi1{1, gpio, clocks, timebase, events, interrupts};
  Otp otp;
  OtpData otp_data{otp};
  Bootram bootram;
  Sysinfo sysinfo;
  Syscfg syscfg;
  Tbman tbman;
  Busctrl busctrl{bus.events(), [this](bool on) { bus.count_events(on); }};
  Accessctrl accessctrl;
  GlitchDetector glitch_detector;
  std::vector<std::unique_ptr<Device>> others;  ///< gates of RESETS; peripherals that are not modelled

  // --- cores -----------------------------------------------------------------------------------------------
  std::array<Core, 2> cores{{{0, bus, events}, {1, bus, events}}};
  GpioCoprocessor gpio_coprocessor{sio};
  Bootrom bootrom;
  formats::SymbolTable symbols;  ///< of every image loaded

 private:
  /// Forwards interrupt lines and the other core's SEV to a core, waking a sleeping core in the right cycle.
  class Waker : public CoreSignals {
   public:
    Waker(Board& board, unsigned number) : board_(board), number_(number) {}
    void set_irq_lines(std::uint64_t levels) override;
    void send_event() override;

   private:
    void before(Core& core);
    void after(Core& core);
    Board& board_;
    unsigned number_;
    bool was_sleeping_ = false;
  };

  /// Advances time by at most one slice of a core. False: both cores sleep and no event is pending.
  bool step(Cycle limit);
  void run_core(Core& core, Cycle limit);
  void interrupt_runner();
  void apply_reset(ResetKind kind);
  /// A core at the reset vector of options.boot_rom.
  void start_in_rom(Core& core);
  bool rom_serves_usb() const { return !options.boot_rom.empty() && cores[0].was_nonsecure; }
  void request_reset(ResetKind kind);
  void update_button();
  void hold_button(bool held);
  void update_chip_select();
  void check_voltage(std::uint32_t clk_sys_hz);
  /// Cycle of the current bus access: the running core's clock; between runs, now().
  Cycle access_cycle() const { return runner_ != nullptr ? runner_->now() : now(); }
  bool core1_idle() const { return core1_held_ || bootrom.core1_waiting() || cores[1].sleeping(); }
  void wire();
  void be_lenient();
  void attach(std::uint32_t base, Device& device, std::uint32_t bytes = 0x4000) {
    bus.attach(base, bytes, &device);
  }
  void attach_gated(std::uint32_t base, Device& device, Resets::Bit bit, std::uint32_t bytes = 0x4000,
                    BusFault in_reset = BusFault::kDenied);
  void attach_dreq(unsigned number, DreqLine& line);
  void attach_unmodelled(std::uint32_t base, const char* name, std::uint32_t bytes = 0x4000);

  std::array<Waker, 2> wakers_{Waker{*this, 0}, Waker{*this, 1}};
  struct Loaded {
    std::uint32_t first, last;
    std::string path;
  };
  std::vector<Loaded> loaded_;                               ///< flash ranges that files have filled
  std::vector<formats::MemoryImage::Segment> ram_segments_;  ///< copied into SRAM at every power-on
  Bootrom::Boot boot_{Bootrom::Outcome::kBootsel, "the board has not been reset yet"};
  Core* runner_ = nullptr;
  bool core1_held_ = false;  ///< by PSM
  Watchdog::Reason watchdog_reason_ = Watchdog::kNone;
  std::uint32_t watchdog_selection_ = 0;  ///< PSM_WDSEL when the watchdog struck
  bool button_ = false;
  bool stop_requested_ = false;
  bool running_ = false;
  bool warned_of_overclock_ = false;
  std::set<std::string> warned_of_;  ///< with `lenient`: each kind once, its numbers left out
  std::optional<ResetKind> pending_reset_;
};

}  // namespace pico_llama::simulator
