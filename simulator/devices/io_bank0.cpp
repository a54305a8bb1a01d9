#include "simulator/devices/io_bank0.h"

#include <bit>

namespace pico_llama::simulator {
namespace {
constexpr unsigned kIoIrqBank0 = 21;
constexpr std::uint32_t kCtrlMask = 0x3003f01f;
constexpr std::uint32_t kSummary = 0x200, kIntr = 0x230, kInte0 = 0x248, kCoreStride = 0x48;
constexpr std::uint32_t kEnd = 0x2d8;
constexpr std::uint32_t kEdgeBits = 0xcccccccc;  // bits 2 (low) and 3 (high) of each pin

std::vector<Register> registers() {
  std::vector<Register> all;
  for (std::uint32_t pin = 0; pin < Gpio::kPins; ++pin) {
    all.push_back({.offset = 8 * pin, .name = "GPIOn_STATUS", .ignored = ~0U});
    all.push_back({.offset = 8 * pin + 4, .name = "GPIOn_CTRL", .reset = 0x1f, .writable = kCtrlMask});
  }
  all.push_back({.offset = kSummary, .name = "IRQSUMMARY_", .ignored = ~0U, .count = 12});
  all.push_back({.offset = kIntr, .name = "INTR", .clear = kEdgeBits, .ignored = ~0U, .count = 6});
  for (std::uint32_t core = 0; core < 2; ++core) {
    const std::uint32_t base = kInte0 + core * kCoreStride;
    all.push_back(
        {.offset = base, .name = core == 0 ? "PROC0_INTE" : "PROC1_INTE", .writable = ~0U, .count = 6});
    all.push_back(
        {.offset = base + 24, .name = core == 0 ? "PROC0_INTF" : "PROC1_INTF", .writable = ~0U, .count = 6});
    all.push_back(
        {.offset = base + 48, .name = core == 0 ? "PROC0_INTS" : "PROC1_INTS", .ignored = ~0U, .count = 6});
  }
  return all;
}

constexpr Register kPads[] = {
    {.offset = 0x00, .name = "VOLTAGE_SELECT", .writable = 1},
    {.offset = 0x04, .name = "GPIO", .reset = 0x116, .writable = 0x1ff, .count = Gpio::kPins},
    {.offset = 0xc4, .name = "SWCLK", .reset = 0x5a, .writable = 0x1ff},
    {.offset = 0xc8, .name = "SWD", .reset = 0x5a, .writable = 0x1ff},
};
}  // namespace

IoBank0::IoBank0(Gpio& gpio, InterruptLines& interrupts)
    : RegisterDevice("IO_BANK0", registers()), gpio_(gpio), interrupts_(interrupts) {
  gpio_.add_observer(this);
}

void IoBank0::reset() {
  RegisterDevice::reset();
  for (unsigned pin = 0; pin < Gpio::kPins; ++pin) gpio_.set_ctrl(pin, stored(8 * pin + 4));
  edges_ = {};
  update_interrupts();
}

void IoBank0::levels_changed(std::uint64_t levels) {
  for (std::uint64_t left = levels ^ levels_; left != 0; left &= left - 1) {
    const auto pin = static_cast<unsigned>(std::countr_zero(left));
    edges_[pin / 8] |= ((levels >> pin & 1U) != 0 ? 8U : 4U) << pin % 8 * 4;
  }
  levels_ = levels;
  if (any_enabled_) update_interrupts();
}

std::uint32_t IoBank0::raw(unsigned word) const {
  std::uint32_t value = edges_[word];
  for (unsigned i = 0; i < 8; ++i) value |= ((levels_ >> (8 * word + i) & 1U) != 0 ? 2U : 1U) << 4 * i;
  return value;
}

std::uint32_t IoBank0::active(unsigned core, unsigned word) const {
  const std::uint32_t inte = kInte0 + core * kCoreStride + 4 * word;
  return (raw(word) & stored(inte)) | stored(inte + 24);
}

void IoBank0::update_interrupts() {
  std::uint32_t enabled = 0;
  for (std::uint32_t offset = kInte0; offset < kEnd; offset += 4) {
    // INTE and INTF of both cores; INTS is not stored.
    enabled |= stored(offset);
  }
  any_enabled_ = enabled != 0;
  for (unsigned core = 0; core < 2; ++core) {
    std::uint32_t any = 0;
    for (unsigned word = 0; word < kWords; ++word) any |= active(core, word);
    interrupts_.set_for_core(core, kIoIrqBank0, any != 0);
  }
}

std::uint32_t IoBank0::on_read(std::uint32_t offset, const Access&) {
  if (offset < 8 * Gpio::kPins) return (offset & 4) == 0 ? gpio_.status(offset / 8) : stored(offset);
  if (offset >= kIntr && offset < kInte0) return raw((offset - kIntr) / 4);
  if (offset >= kInte0 && offset < kEnd) {
    const unsigned core = (offset - kInte0) / kCoreStride, place = (offset - kInte0) % kCoreStride / 4;
    return place >= 12 ? active(core, place - 12) : stored(offset);
  }
  // IRQSUMMARY: for each core two words of Secure pins, two of Non-secure ones.
  const unsigned word = (offset - kSummary) / 4, core = word / 4;
  if (core > 1 || (word & 2) != 0) return 0;
  std::uint64_t pins = 0;
  for (unsigned pin = 0; pin < Gpio::kPins; ++pin) {
    if ((active(core, pin / 8) >> pin % 8 * 4 & 15U) != 0) pins |= std::uint64_t{1} << pin;
  }
  return static_cast<std::uint32_t>((word & 1) != 0 ? pins >> 32 : pins);
}

void IoBank0::on_write(const Write& write, const Access&) {
  if (write.offset < 8 * Gpio::kPins) {
    if ((write.offset & 4) != 0) gpio_.set_ctrl(write.offset / 8, stored(write.offset));
    return;
  }
  if (write.offset >= kIntr && write.offset < kInte0)
    edges_[(write.offset - kIntr) / 4] &= ~(write.bits & kEdgeBits);
  update_interrupts();
}

PadsBank0::PadsBank0(Gpio& gpio) : RegisterDevice("PADS_BANK0", kPads), gpio_(gpio) {}

void PadsBank0::reset() {
  RegisterDevice::reset();
  for (unsigned pin = 0; pin < Gpio::kPins; ++pin) gpio_.set_pad(pin, stored(4 + 4 * pin));
}

void PadsBank0::on_write(const Write& write, const Access&) {
  if (write.offset >= 4 && write.offset < 4 + 4 * Gpio::kPins)
    gpio_.set_pad(write.offset / 4 - 1, stored(write.offset));
}

}  // namespace pico_llama::simulator
