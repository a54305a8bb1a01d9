#pragma once
#include <array>
#include <cstdint>
#include <functional>
#include <string_view>
#include <vector>

#include "simulator/clock/event_queue.h"
#include "simulator/devices/gpio.h"
#include "simulator/devices/led.h"

namespace pico_llama::simulator {

/// Faults of a radio that is fitted.
struct RadioFaults {
  bool no_clock = false;  ///< its crystal does not start: the ALP clock never becomes available
};

/// The CYW43439 radio (RM2 module) as far as its host bus reaches without firmware: gSPI with functions 0
/// (bus registers) and 1 (backplane), the ALP clock, ChipCommon's GPIO registers, and the LED on WL_GPIO0. No
/// WLAN, no Bluetooth, no processor.
///
/// It starts in the power-up state: 16-bit words, low half of a 32-bit value first; no ALP clock; backplane
/// window 0. What the datasheet excludes, or what is not modelled, ends the run (Stop): a clock or a setup
/// time beyond the ratings, chip select released within a word, the host driving DATA against an answer,
/// function 1 before WAKE_UP, the backplane without its clock, and every register but those listed in
/// radio.cpp. A radio that is not powered, or still in reset, ignores its pins.
///
/// Sources: CYW43439 datasheet (002-30348), gSPI chapter: command word, F0 registers, boot-up sequence,
/// timing table; the registers of function 1 at 1000Ah to 1000Eh and of ChipCommon (60h to 6Ch) by the names
/// of the public Linux drivers for this family, brcmfmac and bcma.
class Radio {
 public:
  // hardware/boards: pimoroni_pico_plus2_w_rp2350.h.
  static constexpr unsigned kPowerPin = 23, kDataPin = 24, kSelectPin = 25, kClockPin = 29;

  /// `now`: the time of the access that is being made.
  Radio(Gpio& gpio, Led& led, EventQueue& events, std::function<Picoseconds()> now, RadioFaults faults = {});

  /// Fault: within the next transfer, at its 21st clock, the radio stops: it holds DATA low and ignores its
  /// bus until power is cycled.
  void hang_in_next_transfer() { hang_armed_ = true; }

  bool powered() const { return powered_; }
  bool led_pin() const { return (gpio_out_ & gpio_out_enable_ & 1U) != 0; }

 private:
  enum class Phase : std::uint8_t { kCommand, kWrite, kRead, kDone };

  void pins_changed();
  void set_power(bool on, Picoseconds now);
  void select(Picoseconds now);
  void deselect();
  void clock_rose(Picoseconds now);
  void clock_fell(Picoseconds now);
  void begin(std::uint32_t command);
  void end_of_write();
  void launch_bit();
  void drive(bool level);
  void release();
  std::uint32_t from_wire(std::uint32_t bits) const;
  /// One word of `bytes` (1 to 4) at `address`.
  std::uint32_t read(unsigned function, std::uint32_t address, unsigned bytes);
  void write(unsigned function, std::uint32_t address, std::uint32_t value, unsigned bytes);
  std::uint8_t read_sdio_core(std::uint32_t address) const;
  void write_sdio_core(std::uint32_t address, std::uint8_t value);
  void write_bus_register(std::uint32_t address, std::uint8_t value);
  std::uint32_t backplane_address(std::uint32_t address, unsigned bytes) const;
  void update_led();
  [[noreturn]] void refuse(std::string_view what) const;
  bool awake() const { return (bus_[0] & 0x80) != 0; }
  bool words_of_32() const { return (bus_[0] & 1) != 0; }
  bool high_speed() const { return (bus_[0] & 0x10) != 0; }

  Gpio& gpio_;
  Led& led_;
  EventQueue& events_;
  std::function<Picoseconds()> now_;
  RadioFaults faults_;

  // Pins.
  bool powered_ = false, out_of_reset_ = false, selected_ = false, clock_ = false, data_ = false;
  bool driving_ = false, hung_ = false, hang_armed_ = false, in_callback_ = false;
  bool mid_transfer_ = false;  ///< it left reset while it was selected: ignores the rest of that transfer
  Picoseconds selected_at_ = 0, rose_at_ = 0, fell_at_ = 0, data_changed_at_ = 0;
  bool ever_rose_ = false;  ///< in this transfer
  EventQueue::Id reset_event_ = 0, clock_event_ = 0;

  // The transfer.
  Phase phase_ = Phase::kCommand;
  unsigned clocks_ = 0, bits_ = 0;
  std::uint32_t shift_ = 0;
  unsigned function_ = 0;
  bool incremental_ = false;
  std::uint32_t address_ = 0;
  unsigned bytes_left_ = 0;
  std::vector<bool> answer_;
  std::size_t answered_ = 0;

  // Registers.
  std::array<std::uint8_t, 32> bus_{};
  std::uint32_t window_ = 0;
  std::uint8_t clock_request_ = 0;
  bool alp_ = false;
  std::uint32_t gpio_out_ = 0, gpio_out_enable_ = 0, gpio_control_ = 0;
};

}  // namespace pico_llama::simulator
