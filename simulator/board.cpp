// The board's wiring, its resets and the signals from outside. The run loop: board_run.cpp.
#include "simulator/board.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <iterator>

#include "formats/failure.h"
#include "simulator/random.h"
#include "simulator/stop.h"

namespace pico_llama::simulator {
namespace {

std::uint32_t flash_bytes(const BoardOptions& options) {
  constexpr std::uint32_t kMegabyte = 1U << 20;
  if (options.faults.flash_4mb) return 4 * kMegabyte;
  if (options.flash_bytes != 0) return options.flash_bytes;
  return options.kind == BoardKind::kPicoPlus2W ? 16 * kMegabyte : 4 * kMegabyte;
}

// Each part that needs random numbers has its own sequence.
enum class Chance : std::uint64_t { kFlash = 1, kPsram, kCache, kRosc, kTrng, kOtp, kBootrom, kSram };
std::uint64_t seed_of(const BoardOptions& options, Chance part) {
  std::uint64_t state = options.seed + static_cast<std::uint64_t>(part) * 0x632be59bd9b4e019;
  return next_random(state);
}

// The highest clk_sys at which one uncooled chip ran before it crashed, by core voltage (embassy-rs/embassy,
// pull request 6572). Between the points: a straight line [ASSUMED].
struct Limit {
  unsigned millivolts;
  std::uint32_t hz;
};
constexpr Limit kLimits[] = {
    {1100, 290'000'000}, {1150, 310'000'000}, {1200, 340'000'000}, {1300, 390'000'000}};

std::uint32_t limit_hz(unsigned millivolts) {
  if (millivolts < kLimits[0].millivolts)
    return 150'000'000;  // the rating, although that chip ran at 260 MHz with 1.05 V: stricter [ASSUMED]
  for (std::size_t i = 1; i < std::size(kLimits); ++i) {
    if (millivolts > kLimits[i].millivolts) continue;
    const Limit low = kLimits[i - 1], high = kLimits[i];
    return low.hz + (high.hz - low.hz) / (high.millivolts - low.millivolts) * (millivolts - low.millivolts);
  }
  return kLimits[std::size(kLimits) - 1].hz;
}

constexpr std::uint32_t kFlashBase = 0x10000000, kFlashEnd = 0x11000000;
// The SDK's boards/pimoroni_pico_plus2_w_rp2350.h; FUNCSEL XIP_SS_N_1 in hardware/regs/io_bank0.h.
constexpr unsigned kPsramSelectPin = 47, kQmiCs1Function = 9;
constexpr unsigned kButtonPin = 45;
constexpr unsigned kPico2LedPin = 25;

}  // namespace

Board::Board(const BoardOptions& board_options)
    : warn([](std::string_view text) {
        std::fprintf(stderr, "board: %.*s\n", static_cast<int>(text.size()), text.data());
      }),
      options(board_options),
      flash(flash_bytes(options), seed_of(options, Chance::kFlash), !options.faults.flash_no_qe),
      psram(seed_of(options, Chance::kPsram), PsramFaults{.wrong_id = options.faults.psram_wrong_id,
                                                          .stuck_bit = options.faults.psram_stuck_bit}),
      xip_cache(qmi, seed_of(options, Chance::kCache)),
      stream(xip_cache, qmi, events),
      rosc(seed_of(options, Chance::kRosc)),
      trng(seed_of(options, Chance::kTrng)),
      otp(timebase, seed_of(options, Chance::kOtp), options.kind == BoardKind::kPico2 ? 30 : 48),
      sysinfo(options.kind == BoardKind::kPico2),
      bootrom({bus,
               {&cores[0], &cores[1]},
               resets,
               watchdog,
               sio,
               bootram,
               otp,
               seed_of(options, Chance::kBootrom)}) {
  if (options.faults.flash_no_continuous) flash.set_no_continuous_read();
  if (options.faults.flash_foreign) flash.set_foreign();
  wire();
  if (!options.boot_rom.empty()) {
    std::memcpy(bus.rom(), options.boot_rom.data(),
                std::min<std::size_t>(options.boot_rom.size(), Bus::kRomSize));
    bootrom.stand_aside();
    sha256.allow_early_reads();
  }
}

void Board::start_in_rom(Core& core) {
  std::uint32_t vectors[2];  // stack, entry
  std::memcpy(vectors, bus.rom(), sizeof vectors);
  core.start(0, vectors[0], vectors[1]);
}

void Board::attach_gated(std::uint32_t base, Device& device, Resets::Bit bit, std::uint32_t bytes,
                         BusFault in_reset) {
  others.push_back(std::make_unique<ResetGate>(resets, bit, device, in_reset));
  bus.attach(base, bytes, others.back().get());
}

void Board::attach_dreq(unsigned number, DreqLine& line) {
  dma.attach_dreq(number, &line);
  line.attach(number, &dma);
}

void Board::attach_unmodelled(std::uint32_t base, const char* name, std::uint32_t bytes) {
  others.push_back(std::make_unique<Unmodelled>(name));
  bus.attach(base, bytes, others.back().get());
}

void Board::be_lenient() {
  const auto warn_once = [this](std::string_view text) {
    std::string kind;
    std::copy_if(text.begin(), text.end(), std::back_inserter(kind),
                 [](char letter) { return letter < '0' || letter > '9'; });
    if (warned_of_.insert(kind).second) warn(text);
  };
  for (SerialMemory* chip : {static_cast<SerialMemory*>(&flash), static_cast<SerialMemory*>(&psram)})
    chip->set_policy({.stop = false, .warn = warn_once, .spoil = false});
  xip_cache.set_strictness({.stop_on_read_only_write = false, .warn_of_read_only_write = warn_once});
}

void Board::wire() {
  if (options.lenient) be_lenient();
  // The external bus.
  qmi.attach_chip(0, &flash);
  if (options.faults.flash_late) qmi.set_round_trip(0, {.shortest = 12'000, .longest = 12'000});
  if (has_psram()) qmi.attach_chip(1, &psram);
  dma.attach_dreq(XipStream::kDreq, &stream);
  stream.attach_listener(&dma);
  for (unsigned i = 0; i < 8 * Pio::kBlocks; ++i) dma.attach_dreq(Pio::kFirstDreq + i, pio.dreq(i));
  pio.attach_listener(&dma);
  attach_dreq(Adc::kDreq, adc.dreq);
  attach_dreq(Sha256::kDreq, sha256.dreq);
  for (unsigned i = 0; i < Pwm::kSlices; ++i) attach_dreq(Pwm::kFirstDreq + i, pwm.dreq(i));
  const auto attach_pair = [this](unsigned first, auto& device) {
    attach_dreq(first, device.tx_dreq);
    attach_dreq(first + 1, device.rx_dreq);
  };
  attach_pair(I2c::kFirstDreq, i2c0);
  attach_pair(I2c::kFirstDreq + 2, i2c1);
  attach_pair(Spi::kFirstDreq, spi0);
  attach_pair(Spi::kFirstDreq + 2, spi1);
  attach_pair(Uart::kFirstDreq, uart0);
  attach_pair(Uart::kFirstDreq + 2, uart1);
  // A third of VSYS, which USB supplies (the boards' schematics: 200k and 100k).
  constexpr std::uint32_t kVsysThird = 5'000'000 / 3;
  adc.set_microvolts(3, kVsysThird);
  bus.attach_xip(&xip_cache);
  bus.attach_filter(&accessctrl);
  gpio.set_function_observer([this] { update_chip_select(); });
  if (options.kind == BoardKind::kPico2) {
    gpio.watch_levels(1U << kPico2LedPin, [this] { led.set(gpio.level(kPico2LedPin), pin_time()); });
  } else if (!options.faults.radio_absent) {
    radio = std::make_unique<Radio>(
        gpio, led, events, [this] { return pin_time(); },
        RadioFaults{.no_clock = options.faults.radio_no_clock});
  }

  // Addresses: hardware/regs/addressmap.h.
  using R = Resets;
  // A2's boot ROM reads the one and writes the other whether or not they are in reset.
  attach_gated(0x40000000, sysinfo, R::kSysinfo, 0x4000, BusFault::kNone);
  attach_gated(0x40008000, syscfg, R::kSyscfg, 0x4000, BusFault::kNone);
  attach(0x40010000, clocks);
  attach(0x40018000, psm);
  attach(0x40020000, resets);
  attach_gated(0x40028000, io_bank0, R::kIoBank0);
  io_qspi.watch_select([this](Cycle now) { return qmi.select_is_low(0, now); });
  io_qspi.watch_sd1_override([this](bool low) { qmi.read_sd1_as_low(low); });
  io_qspi.watch_reads([this] { return stream.count() != 0; });
  attach_gated(0x40030000, io_qspi, R::kIoQspi);
  // The boot ROM writes the pads before it releases them from reset (A2): that is no fault.
  attach_gated(0x40038000, pads_bank0, R::kPadsBank0, 0x4000, BusFault::kNone);
  attach_gated(0x40040000, pads_qspi, R::kPadsQspi);
  attach(0x40048000, xosc);
  attach_gated(0x40050000, pll_sys, R::kPllSys);
  attach_gated(0x40058000, pll_usb, R::kPllUsb);
  attach(0x40060000, accessctrl);
  attach_gated(0x40068000, busctrl, R::kBusctrl);
  attach_gated(0x40070000, uart0, R::kUart0);
  attach_gated(0x40078000, uart1, R::kUart1);
  attach_gated(0x40080000, spi0, R::kSpi0);
  attach_gated(0x40088000, spi1, R::kSpi1);
  attach_gated(0x40090000, i2c0, R::kI2c0);
  attach_gated(0x40098000, i2c1, R::kI2c1);
  attach_gated(0x400a0000, adc, R::kAdc);
  attach_gated(0x400a8000, pwm, R::kPwm);
  attach_gated(0x400b0000, timer0, R::kTimer0);
  attach_gated(0x400b8000, timer1, R::kTimer1);
  attach_unmodelled(0x400c0000, "HSTX_CTRL");
  attach(XipControl::kBase, xip_control);
  attach(Qmi::kBase, qmi);
  attach(0x400d8000, watchdog);
  attach(0x400e0000, bootram);
  attach(0x400e8000, rosc);
  attach_gated(0x400f0000, trng, R::kTrng);
  attach_gated(0x400f8000, sha256, R::kSha256);
  attach(0x40100000, powman);
  attach(0x40108000, ticks);
  attach(0x40120000, otp);
  attach(0x40130000, otp_data, 0x10000);
  attach_unmodelled(0x40140000, "CORESIGHT_PERIPH", 0x10000);
  attach(0x40158000, glitch_detector);
  attach_gated(0x40160000, tbman, R::kTbman);
  attach_gated(Dma::kBase, dma, R::kDma);
  attach_gated(0x50100000, usb.dpram(), R::kUsbctrl, 0x1000);
  attach_gated(0x50110000, usb, R::kUsbctrl);
  attach_gated(0x50200000, pio.block(0), R::kPio0);
  attach_gated(0x50300000, pio.block(1), R::kPio1);
  attach_gated(0x50400000, pio.block(2), R::kPio2);
  attach(XipAux::kBase, xip_aux);
  attach_unmodelled(0x50600000, "HSTX_FIFO");
  attach_unmodelled(0x50700000, "CORESIGHT_TRACE");
  attach(0xd0000000, sio, 0x20000);

  // Peripherals controlled by RESETS.
  const auto reset_by = [this](R::Bit bit, Peripheral& device) {
    resets.attach(bit, [&device] { device.reset(); });
  };
  reset_by(R::kAdc, adc);
  reset_by(R::kBusctrl, busctrl);
  reset_by(R::kPwm, pwm);
  reset_by(R::kSha256, sha256);
  reset_by(R::kI2c0, i2c0);
  reset_by(R::kI2c1, i2c1);
  reset_by(R::kSpi0, spi0);
  reset_by(R::kSpi1, spi1);
  resets.attach(R::kDma, [this] { dma.reset(); });
  reset_by(R::kIoBank0, io_bank0);
  reset_by(R::kIoQspi, io_qspi);
  reset_by(R::kPadsBank0, pads_bank0);
  reset_by(R::kPadsQspi, pads_qspi);
  for (unsigned i = 0; i < Pio::kBlocks; ++i) reset_by(static_cast<R::Bit>(R::kPio0 + i), pio.block(i));
  for (const auto& [bit, pll] : {std::pair{R::kPllSys, &pll_sys}, std::pair{R::kPllUsb, &pll_usb}}) {
    resets.attach(bit, [this, pll = pll] {
      pll->reset();
      clocks.update(access_cycle());
    });
  }
  reset_by(R::kSyscfg, syscfg);
  reset_by(R::kTimer0, timer0);
  reset_by(R::kTimer1, timer1);
  reset_by(R::kTrng, trng);
  reset_by(R::kUart0, uart0);
  reset_by(R::kUart1, uart1);
  resets.attach(R::kUsbctrl, [this] { usb.reset(access_cycle()); });

  // Clocks: sources notify the generators, generators notify the users of their clocks.
  for (Pll* pll : {&pll_sys, &pll_usb}) pll->set_observer([this](Cycle at) { clocks.update(at); });
  xosc.set_observer([this](Cycle at) { clocks.update(at); });
  clocks.add_observer([this](Cycle at) { ticks.clock_changed(clocks.clk_ref_hz(), at); });
  clocks.add_observer([this](Cycle) {
    for (Core& core : cores) core.clock_changed();
  });
  clocks.set_limit_check([this](std::uint32_t hz) { check_voltage(hz); });
  powman.set_voltage_observer([this] { check_voltage(clocks.clk_sys_hz()); });
  const auto systick_reference = [this](unsigned core, Ticks::Generator generator) {
    ticks.set_observer(generator, [this, core, generator] {
      const Picoseconds first = ticks.time_of(generator, ticks.count_at(generator, time()) + 1);
      const Picoseconds second = ticks.time_of(generator, ticks.count_at(generator, time()) + 2);
      cores[core].set_systick_reference(first == ~Picoseconds{0} ? 0 : second - first);
    });
  };
  systick_reference(0, Ticks::kProc0);
  systick_reference(1, Ticks::kProc1);

  // Resets triggered by software.
  watchdog.set_strike([this](Watchdog::Reason reason) {
    constexpr std::uint32_t kBothCores = Psm::kProc0 | Psm::kProc1;
    if ((psm.watchdog_selection() & kBothCores) != kBothCores) {
      throw Stop(fmt::format(
          "the watchdog strikes with PSM_WDSEL {:#010x}: a reset of parts of the chip is not modelled",
          psm.watchdog_selection()));
    }
    watchdog_reason_ = reason;
    watchdog_selection_ = psm.watchdog_selection();
    request_reset(ResetKind::kWatchdog);
  });
  psm.set_core1_reset([this](bool held) {
    core1_held_ = held;
    if (held) return;
    cores[1].skip_to(std::max(cores[1].now(), access_cycle()));
    if (options.boot_rom.empty())
      bootrom.hold_core1();
    else
      start_in_rom(cores[1]);
  });

  // Cores.
  for (unsigned i = 0; i < 2; ++i) {
    interrupts.attach(i, &wakers_[i]);
    cores[i].set_other_core(&wakers_[1 - i]);
    cores[i].set_coprocessor(0, &gpio_coprocessor);
  }
}

void Board::update_chip_select() {
  qmi.connect_select(1, has_psram() && gpio.has_function(kPsramSelectPin, kQmiCs1Function));
}

void Board::update_button() { hold_button(button_); }

void Board::hold_button(bool held) {
  // BOOTSEL pulls the flash's chip select low; on the Pico Plus 2 W the button can be read as GPIO45 as
  // well.
  io_qspi.set_csn(!held);
  sio.set_qspi_csn(!held);
  if (options.kind != BoardKind::kPicoPlus2W) return;
  if (held)
    gpio.drive(kButtonPin, false);
  else
    gpio.release(kButtonPin);
}

void Board::check_voltage(std::uint32_t clk_sys_hz) {
  const unsigned millivolts = powman.core_millivolts();
  const std::uint32_t limit = limit_hz(millivolts);
  constexpr std::uint32_t kDatasheetHz = 150'000'000;
  if (clk_sys_hz > kDatasheetHz && !warned_of_overclock_ && clk_sys_hz <= limit) {
    warned_of_overclock_ = true;
    warn(fmt::format(
        "clk_sys at {} MHz; the datasheet promises 150, some chips were seen to do {} at {:.2f} V",
        clk_sys_hz / 1'000'000, limit / 1'000'000, millivolts / 1000.0));
  }
  if (clk_sys_hz <= limit) return;
  throw Stop(fmt::format(
      "clk_sys at {} MHz with a core voltage of {:.2f} V: silicon was seen to crash above {} MHz; raise "
      "the voltage first (vreg_set_voltage)",
      clk_sys_hz / 1'000'000, millivolts / 1000.0, limit / 1'000'000));
}

void Board::request_reset(ResetKind kind) {
  pending_reset_ = kind;
  interrupt_runner();
}

void Board::apply_reset(ResetKind kind) {
  const Cycle at = std::max(cores[0].now(), cores[1].now());
  const bool power_on = kind == ResetKind::kPowerOn || kind == ResetKind::kBootsel;
  cores[0].skip_to(at);
  cores[1].skip_to(at);
  core1_held_ = false;
  if (power_on) {
    std::uint64_t noise = seed_of(options, Chance::kSram);
    for (std::uint32_t i = 0; i < Bus::kSramSize; i += 8) {
      const std::uint64_t word = next_random(noise);
      bus.poke(Bus::kSramBase + i, &word, sizeof word);
    }
    for (const formats::MemoryImage::Segment& segment : ram_segments_) {
      bus.poke(segment.address, segment.bytes.data(), static_cast<std::uint32_t>(segment.bytes.size()));
    }
    flash.power_cut(time());
    flash.power_on();
    psram.power_on();
    powman.reset();
  } else if (kind == ResetKind::kWatchdog) {
    powman.note_watchdog_reset();
  } else {
    powman.note_run_reset();
  }
  if (kind == ResetKind::kWatchdog)
    watchdog.reset_by_watchdog(watchdog_reason_);
  else
    watchdog.reset();
  if (kind != ResetKind::kWatchdog || (watchdog_selection_ & Psm::kXosc) != 0) xosc.reset();

  clocks.reset();  // first, so that nothing runs from a PLL when the PLLs are reset
  clocks.update(at);
  resets.reset();
  ticks.reset();
  if (kind == ResetKind::kWatchdog)
    psm.reset_by_watchdog();
  else
    psm.reset();
  sio.reset();
  rosc.reset();
  otp.reset();
  accessctrl.reset();
  glitch_detector.reset();
  qmi.reset(at);
  xip_cache.reset();
  stream.reset();
  update_button();
  update_chip_select();

  if (!options.boot_rom.empty()) {
    bootram.reset();
    for (Core& core : cores) start_in_rom(core);
    boot_ = {Bootrom::Outcome::kStarted, {}};
    if (kind == ResetKind::kBootsel) {
      // The button is released when the ROM, which looks at it within 20 ms, has seen it.
      constexpr Picoseconds kHeld = kPicosecondsPerSecond / 10;
      hold_button(true);
      events.at_time(timebase.time_at(at) + kHeld, [this] { update_button(); });
    }
    return;
  }
  std::optional<Bootrom::RamImage> ram_image;
  if (power_on && !ram_segments_.empty() && loaded_.empty()) {
    // As after dragging a RAM image to the drive: searched from the lowest address (section 5.5.2).
    std::uint32_t first = ~0U, last = 0;
    for (const formats::MemoryImage::Segment& segment : ram_segments_) {
      first = std::min(first, segment.address);
      last = std::max(last, segment.address + static_cast<std::uint32_t>(segment.bytes.size()));
    }
    ram_image = Bootrom::RamImage{first, last - first};
  }
  runner_ = &cores[0];
  boot_ = bootrom.boot(button_ || kind == ResetKind::kBootsel, ram_image);
  runner_ = nullptr;
  cores[1].skip_to(std::max(cores[1].now(), cores[0].now()));
}

Board::~Board() = default;

void Board::load(const formats::MemoryImage& image) {
  if (image.e10_page) {
    // Before the rest, as in the file. The chip ignores address bits that it does not have.
    const std::uint32_t offset = (image.e10_page->address - kFlashBase) % flash.bytes();
    const std::uint32_t sector = kFlashBase + offset / FlashChip::kSectorBytes * FlashChip::kSectorBytes;
    for (const auto& [first, last, path] : loaded_) {
      if (sector < last && sector + FlashChip::kSectorBytes > first)
        fail("{}: its block against erratum E10 erases a part of {} at {:#010x}", image.path, path, sector);
    }
    std::memcpy(flash.data() + offset, image.e10_page->bytes.data(), image.e10_page->bytes.size());
  }
  for (const formats::MemoryImage::Segment& segment : image.segments) {
    const std::uint64_t end = std::uint64_t{segment.address} + segment.bytes.size();
    if (segment.address >= kFlashBase && segment.address < kFlashEnd) {
      if (end - kFlashBase > flash.bytes()) {
        fail("{}: data up to {:#010x} does not fit this board's {} MB of flash", image.path, end - 1,
             flash.bytes() >> 20);
      }
      for (const auto& [first, last, path] : loaded_) {
        if (segment.address < last && end > first) {
          fail("{}: overlaps {} at {:#010x}", image.path, path, std::max(segment.address, first));
        }
      }
      // The chip starts blank, so unfilled parts of a sector read as erased, as after a drag-and-drop
      // (section 5.5.2).
      std::memcpy(flash.data() + (segment.address - kFlashBase), segment.bytes.data(), segment.bytes.size());
      loaded_.push_back({segment.address, static_cast<std::uint32_t>(end), image.path});
    } else {
      ram_segments_.push_back(segment);
    }
  }
  symbols.merge(image.symbols);
}

void Board::reset(ResetKind kind) {
  if (running_) return request_reset(kind);  // from an event or an observer: between two instructions
  pending_reset_.reset();
  apply_reset(kind);
}

void Board::set_uart_sink(const std::function<void(unsigned, std::uint8_t)>& sink) {
  uart0.set_sink([sink](std::uint8_t byte) { sink(0, byte); });
  uart1.set_sink([sink](std::uint8_t byte) { sink(1, byte); });
}

void Board::uart_receive(unsigned uart, std::uint8_t byte) {
  (uart == 0 ? uart0 : uart1).receive(byte, time());
}

void Board::set_button(bool pressed) {
  button_ = pressed;
  update_button();
}

}  // namespace pico_llama::simulator
