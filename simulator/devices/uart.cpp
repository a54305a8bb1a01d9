#include "simulator/devices/uart.h"

namespace pico_llama::simulator {
namespace {
constexpr std::uint32_t kDr = 0x00, kRsr = 0x04, kFr = 0x18, kIbrd = 0x24, kFbrd = 0x28, kLcrH = 0x2c,
                        kCr = 0x30;
constexpr std::uint32_t kIfls = 0x34, kImsc = 0x38, kRis = 0x3c, kMis = 0x40, kIcr = 0x44, kDmaCr = 0x48;
constexpr Register kRegisters[] = {
    {.offset = kDr, .name = "UARTDR", .ignored = ~0U},
    {.offset = kRsr, .name = "UARTRSR", .ignored = ~0U},
    {.offset = kFr, .name = "UARTFR", .ignored = ~0U},
    {.offset = kIbrd, .name = "UARTIBRD", .writable = 0xffff},
    {.offset = kFbrd, .name = "UARTFBRD", .writable = 0x3f},
    {.offset = kLcrH, .name = "UARTLCR_H", .writable = 0xff},
    {.offset = kCr, .name = "UARTCR", .reset = 0x300, .writable = 0x301},
    {.offset = kIfls, .name = "UARTIFLS", .reset = 0x12, .writable = 0x3f},
    {.offset = kImsc, .name = "UARTIMSC", .writable = 0x7ff},
    {.offset = kRis, .name = "UARTRIS", .ignored = ~0U},
    {.offset = kMis, .name = "UARTMIS", .ignored = ~0U},
    {.offset = kIcr, .name = "UARTICR", .ignored = ~0U},
    {.offset = kDmaCr, .name = "UARTDMACR", .writable = 7},
    {.offset = 0xfe0, .name = "UARTPERIPHID0", .reset = 0x11},
    {.offset = 0xfe4, .name = "UARTPERIPHID1", .reset = 0x10},
    {.offset = 0xfe8, .name = "UARTPERIPHID2", .reset = 0x34},
    {.offset = 0xfec, .name = "UARTPERIPHID3", .reset = 0x00},
};
constexpr std::uint32_t kUarten = 1, kTxe = 1U << 8, kRxe = 1U << 9, kFen = 1U << 4;
constexpr std::uint32_t kRxInt = 1U << 4, kTxInt = 1U << 5, kTimeoutInt = 1U << 6, kOverrunInt = 1U << 10;
constexpr std::uint32_t kRxDmaEnable = 1, kTxDmaEnable = 2;
// UARTIFLS: FIFO levels in eighths.
constexpr unsigned kEighths[8] = {1, 2, 4, 6, 7, 7, 7, 7};
}  // namespace

Uart::Uart(std::string name, unsigned irq, const Clocks& clocks, Timebase& timebase, EventQueue& events,
           InterruptLines& interrupts)
    : RegisterDevice(std::move(name), kRegisters),
      irq_(irq),
      clocks_(clocks),
      timebase_(timebase),
      events_(events),
      interrupts_(interrupts) {}

void Uart::reset() {
  RegisterDevice::reset();
  events_.cancel(shift_event_);
  events_.cancel(idle_event_);
  shift_event_ = idle_event_ = 0;
  tx_.clear();
  rx_.clear();
  shifting_ = overrun_ = false;
  raw_ = 0;
  update_interrupts();
}

unsigned Uart::transmit_requests() const {
  if ((stored(kCr) & kUarten) == 0 || (stored(kDmaCr) & kTxDmaEnable) == 0) return 0;
  return static_cast<unsigned>(depth() - tx_.size());
}

unsigned Uart::receive_requests() const {
  if ((stored(kCr) & kUarten) == 0 || (stored(kDmaCr) & kRxDmaEnable) == 0) return 0;
  return static_cast<unsigned>(rx_.size());
}

std::size_t Uart::depth() const { return (stored(kLcrH) & kFen) != 0 ? 32 : 1; }

Picoseconds Uart::character_time() const {
  // Section 12.1.7.1: baud rate = clk_peri / (16 * (IBRD + FBRD / 64)).
  const std::uint64_t divider = std::uint64_t{stored(kIbrd)} * 64 + stored(kFbrd);
  if (divider == 0) stop(kIbrd, "a character is sent or received with a baud rate divider of 0");
  if (clocks_.clk_peri_hz() == 0) stop(kCr, "a character is sent or received while clk_peri is stopped");
  const std::uint32_t lcr = stored(kLcrH);
  const unsigned bits =
      1 + 5 + (lcr >> 5 & 3) + (lcr >> 1 & 1) + 1 + (lcr >> 3 & 1);  // start, data, parity, stop
  return bits * divider * (kPicosecondsPerSecond / 4) / clocks_.clk_peri_hz();
}

void Uart::start_next(Picoseconds now) {
  if (shifting_ || tx_.empty() || (stored(kCr) & (kUarten | kTxe)) != (kUarten | kTxe)) return;
  const std::uint8_t byte = tx_.front();
  tx_.pop_front();
  shifting_ = true;
  if (transmit_requests() != 0) tx_dreq.raise(timebase_.cycle_at(now));
  // PL011: the interrupt is an edge, on falling through the level.
  if (tx_.size() == depth() * kEighths[stored(kIfls) & 7] / 8) raw_ |= kTxInt;
  const Picoseconds due = now + character_time();
  shift_event_ = events_.at_time(due, [this, byte, due] {
    shifting_ = false;
    shift_event_ = 0;
    if (sink_) sink_(byte);
    start_next(due);
    update_interrupts();
  });
}

void Uart::receive(std::uint8_t byte, Picoseconds now) {
  if ((stored(kCr) & (kUarten | kRxe)) != (kUarten | kRxe)) return;  // the receiver is off
  rx_line_free_ = std::max(rx_line_free_, now) + character_time();
  events_.at_time(rx_line_free_, [this, byte, due = rx_line_free_] { arrive(byte, due); });
}

void Uart::arrive(std::uint8_t byte, Picoseconds now) {
  if (rx_.size() == depth()) {
    overrun_ = true;
    raw_ |= kOverrunInt;
  } else {
    rx_.push_back(byte);
    if (receive_requests() != 0) rx_dreq.raise(timebase_.cycle_at(now));
    if (rx_.size() >= depth() * kEighths[stored(kIfls) >> 3 & 7] / 8) raw_ |= kRxInt;
    // PL011: the receive timeout comes 32 bit periods after the last character.
    events_.cancel(idle_event_);
    idle_event_ = events_.at_time(now + character_time() * 32 / 10, [this] {
      idle_event_ = 0;
      if (!rx_.empty()) raw_ |= kTimeoutInt;
      update_interrupts();
    });
  }
  update_interrupts();
}

void Uart::update_interrupts() { interrupts_.set(irq_, (raw_ & stored(kImsc)) != 0); }

std::uint32_t Uart::on_read(std::uint32_t offset, const Access&) {
  switch (offset) {
    case kDr: {
      if (rx_.empty()) return 0;
      const std::uint32_t value = rx_.front() | (overrun_ ? 1U << 11 : 0);
      overrun_ = false;
      rx_.pop_front();
      if (rx_.size() < std::max<std::size_t>(1, depth() * kEighths[stored(kIfls) >> 3 & 7] / 8))
        raw_ &= ~kRxInt;
      if (rx_.empty()) raw_ &= ~kTimeoutInt;
      update_interrupts();
      return value;
    }
    case kRsr:
      return overrun_ ? 8 : 0;
    case kFr:
      return (tx_.empty() ? 1U << 7 : 0) | (rx_.size() == depth() ? 1U << 6 : 0) |
             (tx_.size() == depth() ? 1U << 5 : 0) | (rx_.empty() ? 1U << 4 : 0) |
             (shifting_ || !tx_.empty() ? 1U << 3 : 0);
    case kRis:
      return raw_;
    case kMis:
      return raw_ & stored(kImsc);
    default:
      return stored(offset);
  }
}

void Uart::on_write(const Write& write, const Access& access) {
  const Picoseconds now = timebase_.time_at(access.now);
  switch (write.offset) {
    case kDr:
      if (tx_.size() == depth()) stop(kDr, "written while the transmit FIFO is full: the byte is lost");
      tx_.push_back(static_cast<std::uint8_t>(write.bits));
      if (tx_.size() > depth() * kEighths[stored(kIfls) & 7] / 8) raw_ &= ~kTxInt;
      start_next(now);
      break;
    case kRsr:
      overrun_ = false;
      break;
    case kLcrH:  // FEN: the FIFO's depth
    case kCr:
    case kDmaCr:
      start_next(now);
      if (transmit_requests() != 0) tx_dreq.raise(access.now);
      if (receive_requests() != 0) rx_dreq.raise(access.now);
      break;
    case kIcr:
      raw_ &= ~write.bits;
      break;
    default:
      break;
  }
  update_interrupts();
}

}  // namespace pico_llama::simulator
