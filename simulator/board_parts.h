#pragma once
#include <array>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "simulator/board.h"
#include "simulator/bootrom/bootrom.h"
#include "simulator/bus/flash_chip.h"
#include "simulator/bus/psram_chip.h"
#include "simulator/bus/qmi.h"
#include "simulator/bus/xip_cache.h"
#include "simulator/bus/xip_control.h"
#include "simulator/bus/xip_stream.h"
#include "simulator/devices/clocks.h"
#include "simulator/devices/gpio.h"
#include "simulator/devices/io_bank0.h"
#include "simulator/devices/oscillators.h"
#include "simulator/devices/otp.h"
#include "simulator/devices/powman.h"
#include "simulator/devices/psm.h"
#include "simulator/devices/resets.h"
#include "simulator/devices/sio.h"
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

/// The board's block diagram: what there is and, in the constructor, how it is wired.
struct Board::Parts {
  explicit Parts(const BoardOptions& board_options);

  // --- time -------------------------------------------------------------------------------------------
  BoardOptions options;
  Timebase timebase{Rosc::kNominalHz};
  EventQueue events{timebase};
  InterruptLines interrupts;

  // --- memories and the external bus ------------------------------------------------------------------
  Bus bus;
  FlashChip flash;
  PsramChip psram;
  Qmi qmi{timebase};
  XipCache cache;
  XipStream stream;
  XipControl xip_control{cache, stream};
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
  IoQspi io_qspi;
  PadsQspi pads_qspi;
  Timer timer0{"TIMER0", 0, Ticks::kTimer0, ticks, timebase, events, interrupts};
  Timer timer1{"TIMER1", 4, Ticks::kTimer1, ticks, timebase, events, interrupts};
  Uart uart0{"UART0", 33, clocks, timebase, events, interrupts};
  Uart uart1{"UART1", 34, clocks, timebase, events, interrupts};
  UsbController usb{events, timebase, interrupts};
  Trng trng;
  Adc adc;
  Otp otp;
  OtpData otp_data{otp};
  Bootram bootram;
  Sysinfo sysinfo;
  Syscfg syscfg;
  Tbman tbman;
  Busctrl busctrl;
  Accessctrl accessctrl;
  GlitchDetector glitch_detector;
  std::vector<std::unique_ptr<Device>> others;  ///< gates of RESETS, and what is not modelled

  // --- cores -----------------------------------------------------------------------------------------------
  Core core0, core1;
  std::array<Core*, 2> cores{&core0, &core1};
  GpioCoprocessor gpio_coprocessor{sio};
  Bootrom bootrom;

  /// Stands between interrupt lines or the other core's SEV and a core, so that one that sleeps wakes in the
  /// right cycle.
  class Waker : public CoreSignals {
   public:
    Waker(Parts& parts, unsigned number) : parts_(parts), number_(number) {}
    void set_irq_lines(std::uint64_t levels) override;
    void send_event() override;

   private:
    void before(Core& core);
    void after(Core& core);
    Parts& parts_;
    unsigned number_;
    bool was_sleeping_ = false;
  };
  std::array<Waker, 2> wakers{Waker{*this, 0}, Waker{*this, 1}};

  // --- state of the run ------------------------------------------------------------------------------------
  struct Loaded {
    std::uint32_t first, last;
    std::string path;
  };
  std::vector<Loaded> loaded;                               ///< flash ranges that files have filled
  std::vector<formats::MemoryImage::Segment> ram_segments;  ///< put into RAM at every power-on
  formats::SymbolTable symbols;
  Bootrom::Boot boot{Bootrom::Outcome::kBootsel, "the board has not been reset yet"};
  Core* runner = nullptr;
  bool core1_held = false;  ///< by PSM
  Watchdog::Reason watchdog_reason = Watchdog::kNone;
  bool button = false;
  bool stop_requested = false;
  bool running = false;
  bool overclock_told = false;
  std::optional<ResetKind> pending_reset;
  std::function<void(ResetKind)> reset_observer;
  std::function<void(std::string_view)> warn;

  Cycle now() const { return std::min(core0.now(), core1.now()); }
  Picoseconds time() const { return timebase.time_at(now()); }
  bool is_idle1() const { return core1_held || bootrom.core1_waiting() || core1.sleeping(); }
  bool has_psram() const { return options.kind == BoardKind::kPicoPlus2W && !options.faults.psram_absent; }

  /// Lets time go on by a little. False if nothing can ever happen again.
  bool step(Cycle limit);
  void run_core(Core& core, Cycle limit);
  void interrupt_runner();
  void apply_reset(ResetKind kind);
  void update_button();
  void update_chip_select();
  void check_voltage(std::uint32_t clk_sys_hz);
  void request_reset(ResetKind kind);

 private:
  void wire();
  void attach(std::uint32_t base, Device& device, std::uint32_t bytes = 0x4000) {
    bus.attach(base, bytes, &device);
  }
  void attach_gated(std::uint32_t base, Device& device, Resets::Bit bit, std::uint32_t bytes = 0x4000);
  void attach_unmodelled(std::uint32_t base, const char* name, std::uint32_t bytes = 0x4000);
};

}  // namespace pico_llama::simulator
