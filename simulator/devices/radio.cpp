#include "simulator/devices/radio.h"

#include <fmt/format.h>

#include <algorithm>

#include "simulator/stop.h"

namespace pico_llama::simulator {
namespace {

// Times. From WL_REG_ON to an answer the datasheet's boot-up sequence says 50 ms; how long the crystal
// takes is not published, public drivers wait up to 15 ms [ASSUMED 5].
constexpr Picoseconds kMillisecond = kPicosecondsPerSecond / 1000;
constexpr Picoseconds kReset = 50 * kMillisecond, kCrystalStart = 5 * kMillisecond;
// gSPI timing table: 50 MHz at most (T1), clock high and low 45 % of that less a 2.5 ns edge (T2, T3), data
// valid 5 ns before the rising edge (T6), chip select low 7.86 ns before the first.
constexpr Picoseconds kPeriod = 20'000, kHalf = 6'860, kSetup = 5'000, kSelectToClock = 7'860;

constexpr unsigned kHangClock = 21;

// F0, the bus registers.
constexpr std::uint32_t kControl = 0x00, kResponseDelay = 0x01, kStatusEnable = 0x02, kInterrupt = 0x04,
                        kInterruptEnable = 0x06, kTestRead = 0x14, kTestWrite = 0x18, kDelayOfF0 = 0x1c,
                        kDelayOfF1 = 0x1d;
constexpr std::uint8_t kBigEndian = 0x02;
constexpr std::uint32_t kTestPattern = 0xfeedbead;

// F1: registers of the bus core, then the window onto the backplane.
constexpr std::uint32_t kWindowLow = 0x1000a, kWindowHigh = 0x1000c, kClockCsr = 0x1000e;
constexpr std::uint32_t kWindowBytes = 0x8000, kAccess32 = 0x8000;
constexpr std::uint8_t kForceAlp = 0x01, kRequestAlp = 0x08, kAlpAvailable = 0x40;
constexpr unsigned kMostBytesOfF1 = 64;

// ChipCommon.
constexpr std::uint32_t kGpioIn = 0x18000060, kGpioOut = 0x18000064, kGpioOutEnable = 0x18000068,
                        kGpioControl = 0x1800006c;

}  // namespace

Radio::Radio(Gpio& gpio, Led& led, EventQueue& events, std::function<Picoseconds()> now, RadioFaults faults)
    : gpio_(gpio), led_(led), events_(events), now_(std::move(now)), faults_(faults) {
  constexpr std::uint64_t kOne = 1;
  gpio_.watch_levels(kOne << kPowerPin | kOne << kDataPin | kOne << kSelectPin | kOne << kClockPin,
                     [this] { pins_changed(); });
}

void Radio::refuse(std::string_view what) const { throw Stop(fmt::format("radio (CYW43439): {}", what)); }

void Radio::pins_changed() {
  if (in_callback_) return;  // its own driving of DATA
  in_callback_ = true;
  struct Leave {
    bool& flag;
    ~Leave() { flag = false; }
  } const leave{in_callback_};
  const Picoseconds now = now_();
  if (gpio_.level(kPowerPin) != powered_) set_power(!powered_, now);
  const bool select = !gpio_.level(kSelectPin), clock = gpio_.level(kClockPin), data = gpio_.level(kDataPin);
  if (data != data_) data_changed_at_ = now;
  data_ = data;
  const bool clock_changed = clock != clock_;
  clock_ = clock;
  if (!select) mid_transfer_ = false;
  if (!out_of_reset_ || hung_ || mid_transfer_) return;
  if (select && !selected_) {
    this->select(now);
  } else if (!select && selected_) {
    deselect();
  } else if (selected_ && clock_changed) {
    if (clock)
      clock_rose(now);
    else
      clock_fell(now);
  }
}

void Radio::set_power(bool on, Picoseconds now) {
  powered_ = on;
  events_.cancel(reset_event_);
  events_.cancel(clock_event_);
  reset_event_ = clock_event_ = 0;
  out_of_reset_ = selected_ = hung_ = alp_ = false;
  release();
  bus_ = {};
  bus_[kControl] = 0x30;  // high speed, interrupt active high
  bus_[kResponseDelay] = 4;
  bus_[kStatusEnable] = 1;
  bus_[kInterruptEnable] = 0xe7;
  bus_[kInterruptEnable + 1] = 0xe0;
  for (unsigned i = 0; i < 4; ++i) bus_[kTestRead + i] = static_cast<std::uint8_t>(kTestPattern >> 8 * i);
  window_ = clock_request_ = 0;
  gpio_out_ = gpio_out_enable_ = gpio_control_ = 0;
  update_led();
  if (!on) return;
  reset_event_ = events_.at_time(now + kReset, [this] {
    reset_event_ = 0;
    out_of_reset_ = true;
    mid_transfer_ = !gpio_.level(kSelectPin);
  });
}

void Radio::select(Picoseconds now) {
  if (clock_) refuse("chip select falls while the clock is high; it idles low");
  selected_ = true;
  selected_at_ = now;
  ever_rose_ = false;
  phase_ = Phase::kCommand;
  clocks_ = bits_ = 0;
  shift_ = 0;
}

void Radio::deselect() {
  selected_ = false;
  release();
  if (phase_ == Phase::kCommand && clocks_ != 0)
    refuse(fmt::format("chip select rises after {} of a command's 32 clocks", bits_));
  if (phase_ == Phase::kWrite && (bytes_left_ != 0 || bits_ != 0))
    refuse(fmt::format("chip select rises with {} B and {} bits of a write outstanding", bytes_left_, bits_));
}

void Radio::clock_rose(Picoseconds now) {
  if (!ever_rose_) {
    if (now < selected_at_ + kSelectToClock)
      refuse("the first clock comes less than 7.86 ns after chip select");
  } else if (now < rose_at_ + kPeriod) {
    refuse(fmt::format("a clock period of {} ns; gSPI has 50 MHz at most",
                       static_cast<double>(now - rose_at_) / 1000));
  } else if (now < fell_at_ + kHalf) {
    refuse(
        fmt::format("the clock was low for {} ns, T3 is 6.86", static_cast<double>(now - fell_at_) / 1000));
  }
  ever_rose_ = true;
  rose_at_ = now;
  if (++clocks_ == kHangClock && hang_armed_) {
    hang_armed_ = false;
    hung_ = true;
    drive(false);
    return;
  }
  if (phase_ == Phase::kDone) return;
  if (phase_ == Phase::kRead) {
    if (gpio_.is_output(kDataPin)) refuse("the host drives DATA while the radio answers");
    if (high_speed()) launch_bit();
    return;
  }
  if (now < data_changed_at_ + kSetup)
    refuse(fmt::format("DATA changed {} ns before the clock's rising edge, T6 is 5",
                       static_cast<double>(now - data_changed_at_) / 1000));
  shift_ = shift_ << 1 | (data_ ? 1U : 0U);
  ++bits_;
  if (phase_ == Phase::kCommand) {
    if (bits_ == 32) begin(from_wire(shift_));
    return;
  }
  // Data arrives in words; 16-bit ones are gathered in pairs, because all registers here have 8 or 32 bits.
  const unsigned word_bits = !words_of_32() && bytes_left_ <= 2 ? 16 : 32;
  if (bits_ != word_bits) return;
  const std::uint32_t value = word_bits == 32 ? from_wire(shift_) : shift_ & 0xffff;
  const unsigned bytes = std::min(bytes_left_, word_bits / 8);
  bits_ = 0;
  bytes_left_ -= bytes;
  write(function_, address_, value, bytes);
  if (incremental_) address_ += bytes;
  if (bytes_left_ == 0) end_of_write();
}

void Radio::clock_fell(Picoseconds now) {
  if (now < rose_at_ + kHalf)
    refuse(
        fmt::format("the clock was high for {} ns, T2 is 6.86", static_cast<double>(now - rose_at_) / 1000));
  fell_at_ = now;
  if (phase_ == Phase::kRead && !high_speed()) launch_bit();
}

/// 32 bits in the order of the wire: each word begins with its highest bit, and of two 16-bit words the low
/// half comes first.
std::uint32_t Radio::from_wire(std::uint32_t bits) const {
  return words_of_32() ? bits : bits << 16 | bits >> 16;
}

void Radio::begin(std::uint32_t command) {
  // 31: write; 30: incremental address; 29-28: function; 27-11: address; 10-0: bytes, 0 for 2048.
  const bool is_write = (command >> 31) != 0;
  incremental_ = (command >> 30 & 1) != 0;
  function_ = command >> 28 & 3;
  address_ = command >> 11 & 0x1ffff;
  const unsigned length = command & 0x7ff;
  bytes_left_ = length == 0 ? 2048 : length;
  bits_ = 0;
  shift_ = 0;
  answer_.clear();
  answered_ = 0;
  if (function_ > 1)
    refuse(fmt::format(
        "command {:08x} is for function {}: packets need the radio's firmware, which is not modelled",
        command, function_));
  if (function_ == 1) {
    if (!awake()) refuse("function 1 before WAKE_UP (F0 register 0, bit 7)");
    if (bytes_left_ > kMostBytesOfF1)
      refuse(fmt::format("{} B from function 1, which has packets of 64 at most", bytes_left_));
  } else if (address_ + bytes_left_ > bus_.size()) {
    refuse(fmt::format("command {:08x} is for bus register {:x}, and there are {}", command, address_,
                       bus_.size()));
  }
  if (is_write) {
    phase_ = Phase::kWrite;
    return;
  }
  phase_ = Phase::kRead;
  unsigned delay_bytes = bus_[function_ == 0 ? kDelayOfF0 : kDelayOfF1];
  if (function_ == 1 && delay_bytes == 0) delay_bytes = bus_[kResponseDelay];
  answer_.assign(8U * delay_bytes, false);
  std::uint32_t at = address_;
  while (bytes_left_ != 0) {
    const unsigned bytes = std::min(bytes_left_, 4U);
    const std::uint32_t value = from_wire(read(function_, at, bytes));
    for (unsigned bit = 32; bit-- > 0;) answer_.push_back((value >> bit & 1) != 0);
    bytes_left_ -= bytes;
    if (incremental_) at += bytes;
  }
  if (high_speed()) launch_bit();
}

/// The status word follows, if it is enabled; it says that nothing is to be reported.
void Radio::end_of_write() {
  phase_ = (bus_[kStatusEnable] & 1) != 0 ? Phase::kRead : Phase::kDone;
  if (phase_ == Phase::kRead && high_speed()) launch_bit();
}

void Radio::launch_bit() { drive(answered_ < answer_.size() && answer_[answered_++]); }

void Radio::drive(bool level) {
  driving_ = true;
  gpio_.drive(kDataPin, level);
}

void Radio::release() {
  if (!driving_) return;
  driving_ = false;
  gpio_.release(kDataPin);
}

std::uint32_t Radio::read(unsigned function, std::uint32_t address, unsigned bytes) {
  if (function == 0) {
    std::uint32_t value = 0;
    for (unsigned i = 0; i < bytes; ++i) value |= std::uint32_t{bus_[address + i]} << 8 * i;
    return value;
  }
  if (address >= 0x10000) {
    if (bytes != 1)
      refuse(fmt::format("{} B from register {:x} of function 1, which has one", bytes, address));
    return read_sdio_core(address);
  }
  switch (const std::uint32_t at = backplane_address(address, bytes)) {
    case kGpioIn:
      return gpio_out_ & gpio_out_enable_;
    case kGpioOut:
      return gpio_out_;
    case kGpioOutEnable:
      return gpio_out_enable_;
    case kGpioControl:
      return gpio_control_;
    default:
      refuse(fmt::format("read of backplane address {:08x}, not modelled", at));
  }
}

void Radio::write(unsigned function, std::uint32_t address, std::uint32_t value, unsigned bytes) {
  if (function == 0) {
    for (unsigned i = 0; i < bytes; ++i)
      write_bus_register(address + i, static_cast<std::uint8_t>(value >> 8 * i));
    return;
  }
  if (address >= 0x10000) {
    if (bytes != 1) refuse(fmt::format("{} B to register {:x} of function 1, which has one", bytes, address));
    return write_sdio_core(address, static_cast<std::uint8_t>(value));
  }
  switch (const std::uint32_t at = backplane_address(address, bytes)) {
    case kGpioOut:
      gpio_out_ = value;
      break;
    case kGpioOutEnable:
      gpio_out_enable_ = value;
      break;
    case kGpioControl:
      if (value != 0)
        refuse(fmt::format("ChipCommon GPIO control {:08x}: pins of other cores are not modelled", value));
      gpio_control_ = value;
      break;
    default:
      refuse(fmt::format("write of {:08x} to backplane address {:08x}, not modelled", value, at));
  }
  update_led();
}

void Radio::write_bus_register(std::uint32_t address, std::uint8_t value) {
  if (address == kControl) {
    if ((value & kBigEndian) != 0) refuse("big-endian words (F0 register 0, bit 1) are not modelled");
    if ((value & 0x4c) != 0)
      refuse(fmt::format("F0 register 0 written with {:02x}: bits 2, 3 and 6 are not modelled", value));
  } else if (address == kResponseDelay || address == kStatusEnable || address == kDelayOfF1 ||
             (address >= kTestWrite && address < kTestWrite + 4) || address == kInterruptEnable ||
             address == kInterruptEnable + 1) {
    // stored
  } else if (address == kStatusEnable + 1) {
    if (value != 0) refuse("F0 register 3, the backplane's reset, is not modelled");
  } else if (address == kInterrupt || address == kInterrupt + 1) {
    return;  // write 1 to clear; none is ever raised
  } else {
    refuse(fmt::format("write of {:02x} to bus register {:02x}, which is read-only or not modelled", value,
                       address));
  }
  bus_[address] = value;
}

std::uint8_t Radio::read_sdio_core(std::uint32_t address) const {
  if (address >= kWindowLow && address <= kWindowHigh)
    return static_cast<std::uint8_t>(window_ >> 8 * (address - kWindowLow + 1));
  if (address == kClockCsr) return static_cast<std::uint8_t>(clock_request_ | (alp_ ? kAlpAvailable : 0));
  refuse(fmt::format("read of function 1's register {:05x}, not modelled", address));
}

void Radio::write_sdio_core(std::uint32_t address, std::uint8_t value) {
  if (address >= kWindowLow && address <= kWindowHigh) {
    const unsigned shift = 8 * (address - kWindowLow + 1);
    window_ = (window_ & ~(0xffU << shift)) | std::uint32_t{value} << shift;
    if ((window_ & (kWindowBytes - 1)) != 0)
      refuse(fmt::format("backplane window {:08x}: windows have 32 kB", window_));
    return;
  }
  if (address != kClockCsr)
    refuse(fmt::format("write of {:02x} to function 1's register {:05x}, not modelled", value, address));
  if ((value & ~(kForceAlp | kRequestAlp)) != 0)
    refuse(fmt::format("clock request {:02x}: only the ALP clock (01h, 08h) is modelled", value));
  clock_request_ = value;
  events_.cancel(clock_event_);
  clock_event_ = 0;
  if (value == 0) alp_ = false;
  if (value == 0 || alp_ || faults_.no_clock) return;
  clock_event_ = events_.at_time(now_() + kCrystalStart, [this] {
    clock_event_ = 0;
    alp_ = true;
  });
}

/// 17 bits of a command: 14-0 within the window, 15 for an access of 32 bits.
std::uint32_t Radio::backplane_address(std::uint32_t address, unsigned bytes) const {
  if (!alp_) refuse("access to the backplane without the ALP clock (function 1, 1000Eh)");
  if (bytes != 4 || (address & kAccess32) == 0 || address % 4 != 0)
    refuse(fmt::format(
        "{} B at {:05x} of function 1: only aligned 32-bit accesses (address bit 15) are modelled", bytes,
        address));
  return window_ | (address & (kWindowBytes - 1));
}

void Radio::update_led() { led_.set(led_pin(), now_()); }

}  // namespace pico_llama::simulator
