#include "simulator/devices/clocks.h"

#include <fmt/format.h>

namespace pico_llama::simulator {
namespace {

constexpr std::uint32_t kRefCtrl = 0x30, kRefDiv = 0x34, kRefSelected = 0x38;
constexpr std::uint32_t kSysCtrl = 0x3c, kSysDiv = 0x40, kSysSelected = 0x44;
constexpr std::uint32_t kPeriCtrl = 0x48, kHstxCtrl = 0x54, kUsbCtrl = 0x60, kAdcCtrl = 0x6c;
constexpr std::uint32_t kResusCtrl = 0x84, kResusStatus = 0x88;
constexpr std::uint32_t kFc0Interval = 0x9c, kFc0Src = 0xa0, kFc0Status = 0xa4, kFc0Result = 0xa8;
constexpr std::uint32_t kEnabled0 = 0xbc, kEnabled1 = 0xc0;
constexpr std::uint32_t kIntr = 0xc4, kInte = 0xc8, kIntf = 0xcc, kInts = 0xd0;
constexpr std::uint32_t kEnable = 1U << 11;
constexpr unsigned kClocksIrq = 30;

// clk_ref and clk_sys have no ENABLE bit, but the SDK sets it in all of them.
// The clocks without a glitchless mux: ENABLED is read-only, NUDGE and PHASE need the output to be seen.
constexpr std::uint32_t kAuxWritable = 0x00000ce0, kAuxIgnored = 1U << 28;

constexpr Register kRegisters[] = {
    {.offset = 0x00, .name = "CLK_GPOUT0_CTRL"},  // outputs are not modelled
    {.offset = 0x0c, .name = "CLK_GPOUT1_CTRL"},
    {.offset = 0x18, .name = "CLK_GPOUT2_CTRL"},
    {.offset = 0x24, .name = "CLK_GPOUT3_CTRL"},
    {.offset = kRefCtrl, .name = "CLK_REF_CTRL", .writable = 0x63, .ignored = kEnable},
    {.offset = kRefDiv, .name = "CLK_REF_DIV", .reset = 0x10000, .writable = 0x00ff0000},
    {.offset = kRefSelected, .name = "CLK_REF_SELECTED", .ignored = ~0U},
    {.offset = kSysCtrl, .name = "CLK_SYS_CTRL", .writable = 0xe1, .ignored = kEnable},
    {.offset = kSysDiv, .name = "CLK_SYS_DIV", .reset = 0x10000, .writable = ~0U},
    {.offset = kSysSelected, .name = "CLK_SYS_SELECTED", .ignored = ~0U},
    {.offset = kPeriCtrl, .name = "CLK_PERI_CTRL", .writable = kAuxWritable, .ignored = kAuxIgnored},
    {.offset = kPeriCtrl + 4, .name = "CLK_PERI_DIV", .reset = 0x10000, .writable = 0x30000},
    {.offset = kPeriCtrl + 8, .name = "CLK_PERI_SELECTED", .reset = 1, .ignored = ~0U},
    {.offset = kHstxCtrl, .name = "CLK_HSTX_CTRL", .writable = kAuxWritable, .ignored = kAuxIgnored},
    {.offset = kHstxCtrl + 4, .name = "CLK_HSTX_DIV", .reset = 0x10000, .writable = 0x30000},
    {.offset = kHstxCtrl + 8, .name = "CLK_HSTX_SELECTED", .reset = 1, .ignored = ~0U},
    {.offset = kUsbCtrl, .name = "CLK_USB_CTRL", .writable = kAuxWritable, .ignored = kAuxIgnored},
    {.offset = kUsbCtrl + 4, .name = "CLK_USB_DIV", .reset = 0x10000, .writable = 0xf0000},
    {.offset = kUsbCtrl + 8, .name = "CLK_USB_SELECTED", .reset = 1, .ignored = ~0U},
    {.offset = kAdcCtrl, .name = "CLK_ADC_CTRL", .writable = kAuxWritable, .ignored = kAuxIgnored},
    {.offset = kAdcCtrl + 4, .name = "CLK_ADC_DIV", .reset = 0x10000, .writable = 0xf0000},
    {.offset = kAdcCtrl + 8, .name = "CLK_ADC_SELECTED", .reset = 1, .ignored = ~0U},
    {.offset = kResusCtrl, .name = "CLK_SYS_RESUS_CTRL", .reset = 0xff, .writable = 0x111ff},
    {.offset = kResusStatus, .name = "CLK_SYS_RESUS_STATUS", .ignored = ~0U},
    {.offset = 0x8c, .name = "FC0_REF_KHZ", .writable = 0xfffff},
    {.offset = 0x90, .name = "FC0_MIN_KHZ", .writable = 0x1ffffff},
    {.offset = 0x94, .name = "FC0_MAX_KHZ", .reset = 0x1ffffff, .writable = 0x1ffffff, .ignored = ~0U},
    {.offset = 0x98, .name = "FC0_DELAY", .reset = 1, .writable = 7},
    {.offset = kFc0Interval, .name = "FC0_INTERVAL", .reset = 8, .writable = 0xf},
    {.offset = kFc0Src, .name = "FC0_SRC", .writable = 0xff},
    {.offset = kFc0Status, .name = "FC0_STATUS", .ignored = ~0U},
    {.offset = kFc0Result, .name = "FC0_RESULT", .ignored = ~0U},
    // Gating saves power, which is not modelled; it is stored, and a gated device keeps working.
    {.offset = 0xac, .name = "WAKE_EN0", .reset = ~0U, .writable = ~0U},
    {.offset = 0xb0, .name = "WAKE_EN1", .reset = 0x7fffffff, .writable = 0x7fffffff, .ignored = ~0U},
    {.offset = 0xb4, .name = "SLEEP_EN0", .reset = ~0U, .writable = ~0U},
    {.offset = 0xb8, .name = "SLEEP_EN1", .reset = 0x7fffffff, .writable = 0x7fffffff, .ignored = ~0U},
    {.offset = kEnabled0, .name = "ENABLED0", .reset = ~0U, .ignored = ~0U},
    {.offset = kEnabled0 + 4, .name = "ENABLED1", .reset = 0x7fffffff, .ignored = ~0U},
    {.offset = kIntr, .name = "INTR", .ignored = ~0U},
    {.offset = kInte, .name = "INTE", .writable = 1},
    {.offset = kIntf, .name = "INTF", .writable = 1},
    {.offset = kInts, .name = "INTS", .ignored = ~0U},
};

}  // namespace

Clocks::Clocks(Timebase& timebase, EventQueue& events, InterruptLines& interrupts, Sources sources)
    : RegisterDevice("CLOCKS", kRegisters),
      timebase_(timebase),
      events_(events),
      interrupts_(interrupts),
      sources_(sources) {}

void Clocks::reset() {
  RegisterDevice::reset();
  resussed_ = false;
  count_done_ = 0;
  interrupts_.set(kClocksIrq, false);
}

std::uint32_t Clocks::aux_hz(std::uint32_t ctrl_offset) const {
  const std::uint32_t aux = stored(ctrl_offset) >> 5 & (ctrl_offset == kRefCtrl ? 3U : 7U);
  enum { kSys, kPllSys, kPllUsb, kRosc, kXosc, kNone };
  // hardware/regs/clocks.h, AUXSRC values of each generator; GPIN0/1 are not wired on these boards.
  static constexpr std::uint8_t kRefTable[] = {kPllUsb, kNone, kNone, kNone};
  static constexpr std::uint8_t kSysTable[] = {kPllSys, kPllUsb, kRosc, kXosc, kNone, kNone, kNone, kNone};
  static constexpr std::uint8_t kPeriTable[] = {kSys, kPllSys, kPllUsb, kRosc, kXosc, kNone, kNone, kNone};
  static constexpr std::uint8_t kHstxTable[] = {kSys, kPllSys, kPllUsb, kNone, kNone, kNone, kNone, kNone};
  static constexpr std::uint8_t kUsbTable[] = {kPllUsb, kPllSys, kRosc, kXosc, kNone, kNone, kNone, kNone};
  const std::uint8_t* table = ctrl_offset == kRefCtrl    ? kRefTable
                              : ctrl_offset == kSysCtrl  ? kSysTable
                              : ctrl_offset == kPeriCtrl ? kPeriTable
                              : ctrl_offset == kHstxCtrl ? kHstxTable
                                                         : kUsbTable;  // clk_adc has the same list
  switch (table[aux]) {
    case kSys:
      return sys_hz_;
    case kPllSys:
      return sources_.pll_sys.hz();
    case kPllUsb:
      return sources_.pll_usb.hz();
    case kRosc:
      return sources_.rosc.hz();
    case kXosc:
      return sources_.xosc.hz();
    default:
      return 0;
  }
}

std::uint32_t Clocks::divided_aux_hz(std::uint32_t ctrl_offset) const {
  if ((stored(ctrl_offset) & kEnable) == 0) return 0;
  const std::uint32_t mask = ctrl_offset == kUsbCtrl || ctrl_offset == kAdcCtrl ? 0xf : 0x3;
  const std::uint32_t div = stored(ctrl_offset + 4) >> 16 & mask;
  return aux_hz(ctrl_offset) / (div == 0 ? mask + 1 : div);
}

std::uint32_t Clocks::clk_peri_hz() const { return divided_aux_hz(kPeriCtrl); }
std::uint32_t Clocks::clk_usb_hz() const { return divided_aux_hz(kUsbCtrl); }
std::uint32_t Clocks::clk_adc_hz() const { return divided_aux_hz(kAdcCtrl); }

std::uint32_t Clocks::ref_source_hz() const {
  switch (stored(kRefCtrl) & 3) {
    case 0:
      return sources_.rosc.hz();
    case 1:
      return aux_hz(kRefCtrl);
    case 2:
      return sources_.xosc.hz();
    default:
      stop(kRefCtrl, "clk_ref from the low-power oscillator is not modelled");
  }
}

std::uint32_t Clocks::sys_source_hz() const {
  return resussed_ || (stored(kSysCtrl) & 1) == 0 ? ref_hz_ : aux_hz(kSysCtrl);
}

void Clocks::update(Cycle now) {
  const std::uint32_t ref_div = stored(kRefDiv) >> 16 & 0xff;
  ref_hz_ = ref_source_hz() / (ref_div == 0 ? 256 : ref_div);
  if (ref_hz_ == 0) stop(kRefCtrl, "clk_ref stops: its source is not running, the chip would hang");
  if (sys_source_hz() == 0) resuscitate();
  const std::uint64_t div =
      stored(kSysDiv) < 0x10000 ? std::uint64_t{stored(kSysDiv)} + (1ULL << 32) : stored(kSysDiv);
  const auto hz = static_cast<std::uint32_t>((std::uint64_t{sys_source_hz()} << 16) / div);
  if (hz != sys_hz_) {
    if (limit_check_) limit_check_(hz);
    sys_hz_ = hz;
    timebase_.change(now, hz);
    events_.timebase_changed();
  }
  for (const ClockChanged& changed : observers_) changed(now);
}

void Clocks::resuscitate() {
  if ((stored(kResusCtrl) & 0x100) == 0) {
    stop(kSysCtrl, "clk_sys stops: its source is not running and resuscitation is off, the chip would hang");
  }
  resussed_ = true;
  interrupts_.set(kClocksIrq, (stored(kInte) & 1) != 0);
}

std::uint32_t Clocks::counted_hz(std::uint32_t source) const {
  switch (source) {  // FC0_SRC
    case 0x01:
      return sources_.pll_sys.hz();
    case 0x02:
      return sources_.pll_usb.hz();
    case 0x03:
    case 0x04:
      return sources_.rosc.hz();
    case 0x05:
      return sources_.xosc.hz();
    case 0x08:
      return ref_hz_;
    case 0x09:
      return sys_hz_;
    case 0x0a:
      return clk_peri_hz();
    case 0x0b:
      return clk_usb_hz();
    case 0x0c:
      return clk_adc_hz();
    case 0x0d:
      return divided_aux_hz(kHstxCtrl);
    default:
      stop(kFc0Src, fmt::format("source {:#x} is not modelled", source));
  }
}

std::uint32_t Clocks::on_read(std::uint32_t offset, const Access& access) {
  switch (offset) {
    case kRefSelected:
      return 1U << (stored(kRefCtrl) & 3);
    case kSysSelected:
      return resussed_ ? 1U : 1U << (stored(kSysCtrl) & 1);
    case kPeriCtrl:
    case kHstxCtrl:
    case kUsbCtrl:
    case kAdcCtrl:
      return stored(offset) | ((stored(offset) & kEnable) != 0 ? 1U << 28 : 0);
    case kResusStatus:
    case kIntr:
      return resussed_ ? 1 : 0;
    case kInts:
      return (resussed_ ? stored(kInte) : 0) | stored(kIntf);
    case kFc0Status:
      return access.now < count_done_ ? 1U << 8 : (count_done_ != 0 ? 1U << 4 : 0);
    case kFc0Result:
      return static_cast<std::uint32_t>((std::uint64_t{counted_hz(stored(kFc0Src))} * 32 / 1000) &
                                        0x3fffffff);
    default:
      return stored(offset);
  }
}

void Clocks::on_write(const Write& write, const Access& access) {
  if (write.offset == kFc0Src) {
    counted_hz(stored(kFc0Src));  // stops on an unknown one
    // Section 8.1.5.1: the test takes 0.98 us * 2^INTERVAL.
    const std::uint64_t nanoseconds = std::uint64_t{980} << stored(kFc0Interval);
    count_done_ = access.now + nanoseconds * sys_hz_ / 1'000'000'000 + 1;
    return;
  }
  if (write.offset == kResusCtrl && (stored(kResusCtrl) & 0x10000) != 0) resussed_ = false;
  if (write.offset == kResusCtrl && (stored(kResusCtrl) & 0x1000) != 0) resuscitate();
  if (write.offset >= 0xac && write.offset <= kEnabled1) return;
  interrupts_.set(kClocksIrq, ((resussed_ ? stored(kInte) : 0) | stored(kIntf)) != 0);
  if (write.offset <= kResusCtrl) update(access.now);
}

}  // namespace pico_llama::simulator
