#include "simulator/devices/spi.h"

#include <string>

namespace pico_llama::simulator {
namespace {
constexpr std::uint32_t kCr0 = 0x00, kCr1 = 0x04, kDr = 0x08, kSr = 0x0c, kCpsr = 0x10, kImsc = 0x14,
                        kRis = 0x18, kMis = 0x1c, kIcr = 0x20, kDmaCr = 0x24;
constexpr std::uint32_t kLoopBack = 1, kEnable = 2, kSlave = 4, kPolarity = 1U << 6, kPhase = 1U << 7;
constexpr std::uint32_t kOverrun = 1, kTimeout = 2, kRxHalf = 4, kTxHalf = 8;
constexpr Register kRegisters[] = {
    {.offset = kCr0, .name = "SSPCR0", .writable = 0xffff},
    {.offset = kCr1, .name = "SSPCR1", .writable = 0xf},
    {.offset = kDr, .name = "SSPDR", .ignored = ~0U},
    {.offset = kSr, .name = "SSPSR", .ignored = ~0U},
    {.offset = kCpsr, .name = "SSPCPSR", .writable = 0xfe, .ignored = 1},
    {.offset = kImsc, .name = "SSPIMSC", .writable = 0xf},
    {.offset = kRis, .name = "SSPRIS", .ignored = ~0U},
    {.offset = kMis, .name = "SSPMIS", .ignored = ~0U},
    {.offset = kIcr, .name = "SSPICR", .ignored = ~0U},
    {.offset = kDmaCr, .name = "SSPDMACR", .writable = 3},
    {.offset = 0xfe0, .name = "SSPPERIPHID0", .reset = 0x22},
    {.offset = 0xfe4, .name = "SSPPERIPHID1", .reset = 0x10},
    {.offset = 0xfe8, .name = "SSPPERIPHID2", .reset = 0x34},
    {.offset = 0xfec, .name = "SSPPERIPHID3", .reset = 0x00},
    {.offset = 0xff0, .name = "SSPPCELLID0", .reset = 0x0d},
    {.offset = 0xff4, .name = "SSPPCELLID1", .reset = 0xf0},
    {.offset = 0xff8, .name = "SSPPCELLID2", .reset = 0x05},
    {.offset = 0xffc, .name = "SSPPCELLID3", .reset = 0xb1},
};
constexpr std::size_t kFifoDepth = 8;
constexpr unsigned kFirstIrq = 31;

/// Section 9.4: pins 8n to 8n + 7 are SPI(n & 1)'s, in groups of RX, CSn, SCK, TX. `signal`: the place there.
enum Signal : unsigned { kRx, kCsn, kSck, kTx };
constexpr std::uint64_t pins_of(unsigned number, unsigned signal) {
  return (std::uint64_t{0x0000001100110011} << signal) << 8 * number;
}
constexpr std::uint64_t kAllPins = (std::uint64_t{1} << Gpio::kPins) - 1;
}  // namespace

Spi::Spi(unsigned number, Gpio& gpio, const Clocks& clocks, Timebase& timebase, EventQueue& events,
         InterruptLines& interrupts)
    : RegisterDevice("SPI" + std::to_string(number), kRegisters),
      number_(number),
      gpio_(gpio),
      clocks_(clocks),
      timebase_(timebase),
      events_(events),
      interrupts_(interrupts) {}

void Spi::reset() {
  RegisterDevice::reset();
  events_.cancel(event_);
  events_.cancel(timeout_event_);
  event_ = timeout_event_ = 0;
  tx_.clear();
  rx_.clear();
  shifting_ = overrun_ = timeout_ = false;
  select_ = true;
  clock_ = data_ = false;
  constexpr std::uint64_t kNone = 0;
  gpio_.set_output_of(Gpio::kFunctionSpi,
                      (pins_of(number_, kCsn) | pins_of(number_, kSck) | pins_of(number_, kTx)) & kAllPins,
                      kNone, kNone);
  update_interrupts();
}

bool Spi::enabled() const { return (stored(kCr1) & kEnable) != 0; }

unsigned Spi::requests(bool tx) const {
  if (!enabled() || (stored(kDmaCr) & (tx ? 2U : 1U)) == 0) return 0;
  return static_cast<unsigned>(tx ? kFifoDepth - tx_.size() : rx_.size());
}

Picoseconds Spi::half_period() const {
  const std::uint64_t divider = std::uint64_t{stored(kCpsr)} * (1 + (stored(kCr0) >> 8 & 255));
  if (divider == 0) stop(kCpsr, "a frame is sent with a prescale divisor of 0");
  if (clocks_.clk_peri_hz() == 0) stop(kCr1, "a frame is sent while clk_peri is stopped");
  return divider * (kPicosecondsPerSecond / 2) / clocks_.clk_peri_hz();
}

void Spi::drive(Picoseconds now) {
  std::uint64_t out = 0;
  if (select_) out |= pins_of(number_, kCsn);
  if (clock_) out |= pins_of(number_, kSck);
  if (data_) out |= pins_of(number_, kTx);
  const std::uint64_t mask =
      (pins_of(number_, kCsn) | pins_of(number_, kSck) | pins_of(number_, kTx)) & kAllPins;
  gpio_.set_output_of(Gpio::kFunctionSpi, mask, out, enabled() ? mask : 0, timebase_.cycle_at(now));
}

bool Spi::input() const {
  if ((stored(kCr1) & kLoopBack) != 0) return data_;
  return (gpio_.inputs() & gpio_.selected(Gpio::kFunctionSpi) & pins_of(number_, kRx)) != 0;
}

void Spi::start_next(Picoseconds now) {
  if (event_ != 0 || tx_.empty() || !enabled()) return;
  const std::uint32_t cr0 = stored(kCr0);
  if ((stored(kCr1) & kSlave) != 0) stop(kCr1, "slave mode is not modelled");
  if ((cr0 & 0x30) != 0) stop(kCr0, "only the Motorola frame format is modelled");
  if ((cr0 & 15) < 3) stop(kCr0, "DSS of less than 4 bits is undefined");
  events_.cancel(timeout_event_);
  timeout_event_ = 0;
  shifting_ = true;
  bits_ = (cr0 & 15) + 1;
  out_ = tx_.front();
  tx_.pop_front();
  in_ = 0;
  if (requests(true) != 0) tx_dreq.raise(timebase_.cycle_at(now));
  // CSn falls, half a period later the first bit is on TX, and half a period after that the clock begins.
  select_ = false;
  drive(now);
  const Picoseconds half = half_period();
  const bool phase = (cr0 & kPhase) != 0;
  const Picoseconds first = now + (phase ? half : 2 * half);
  event_ = events_.at_time(now + half, [this, first, phase, now, half] {
    if (phase) return clock_edge(0, first);
    data_ = (out_ >> (bits_ - 1) & 1) != 0;
    drive(now + half);
    event_ = events_.at_time(first, [this, first] { clock_edge(0, first); });
  });
  update_interrupts();
}

void Spi::clock_edge(unsigned edge, Picoseconds now) {
  const bool phase = (stored(kCr0) & kPhase) != 0, leading = edge % 2 == 0;
  const Picoseconds half = half_period();
  if (edge == 2 * bits_) return frame_ended(now);
  if (leading != phase) in_ = in_ << 1 | (input() ? 1 : 0);  // the capturing edge
  clock_ = leading != ((stored(kCr0) & kPolarity) != 0);
  // SPH 0 puts the next bit on TX at the trailing edge, SPH 1 at the leading one.
  const unsigned next = phase ? edge / 2 : edge / 2 + 1;
  if (leading == phase && next < bits_) data_ = (out_ >> (bits_ - 1 - next) & 1) != 0;
  drive(now);
  event_ = events_.at_time(now + half, [this, edge, now, half] { clock_edge(edge + 1, now + half); });
}

void Spi::frame_ended(Picoseconds now) {
  shifting_ = false;
  event_ = 0;
  if (rx_.size() == kFifoDepth) {
    overrun_ = true;
  } else {
    rx_.push_back(static_cast<std::uint16_t>(in_));
    if (requests(false) != 0) rx_dreq.raise(timebase_.cycle_at(now));
  }
  // CSn stays low between words only with SPH 1.
  const bool more = !tx_.empty() && enabled();
  if (!more || (stored(kCr0) & kPhase) == 0) select_ = true;
  if (!more) data_ = false;
  drive(now);
  if (more && (stored(kCr0) & kPhase) == 0) {
    const Picoseconds next = now + half_period();
    event_ = events_.at_time(next, [this, next] {
      event_ = 0;
      start_next(next);
    });
  } else if (more) {
    start_next(now);
  } else {
    // The receive time-out: 32 bit periods after the last bit.
    timeout_event_ = events_.at_time(now + 64 * half_period(), [this] {
      timeout_event_ = 0;
      timeout_ = !rx_.empty();
      update_interrupts();
    });
  }
  update_interrupts();
}

std::uint32_t Spi::raw() const {
  return (overrun_ ? kOverrun : 0) | (timeout_ ? kTimeout : 0) |
         (rx_.size() >= kFifoDepth / 2 ? kRxHalf : 0) | (tx_.size() <= kFifoDepth / 2 ? kTxHalf : 0);
}

void Spi::update_interrupts() { interrupts_.set(kFirstIrq + number_, (raw() & stored(kImsc)) != 0); }

std::uint32_t Spi::on_read(std::uint32_t offset, const Access&) {
  switch (offset) {
    case kDr: {
      if (rx_.empty()) stop(kDr, "read while the receive FIFO is empty: undefined");
      const std::uint32_t value = rx_.front();
      rx_.pop_front();
      timeout_ = false;
      update_interrupts();
      return value;
    }
    case kSr:
      return (tx_.empty() ? 1U : 0) | (tx_.size() < kFifoDepth ? 2U : 0) | (rx_.empty() ? 0 : 4U) |
             (rx_.size() == kFifoDepth ? 8U : 0) | (shifting_ || !tx_.empty() ? 16U : 0);
    case kRis:
      return raw();
    case kMis:
      return raw() & stored(kImsc);
    case kIcr:
      return 0;  // write-only
    default:
      return stored(offset);
  }
}

void Spi::on_write(const Write& write, const Access& access) {
  const Picoseconds now = timebase_.time_at(access.now);
  switch (write.offset) {
    case kDr:
      if (tx_.size() == kFifoDepth) stop(kDr, "written while the transmit FIFO is full: the word is lost");
      tx_.push_back(static_cast<std::uint16_t>(write.bits));
      start_next(now);
      break;
    case kCr0:
    case kCr1:
      if (!shifting_) {
        select_ = true;
        clock_ = (stored(kCr0) & kPolarity) != 0;
        drive(now);
      }
      start_next(now);
      break;
    case kIcr:
      if ((write.bits & kOverrun) != 0) overrun_ = false;
      if ((write.bits & kTimeout) != 0) timeout_ = false;
      break;
    default:
      break;
  }
  if (requests(true) != 0) tx_dreq.raise(access.now);
  if (requests(false) != 0) rx_dreq.raise(access.now);
  update_interrupts();
}

}  // namespace pico_llama::simulator
