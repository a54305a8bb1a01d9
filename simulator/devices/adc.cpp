#include "simulator/devices/adc.h"

#include <fmt/format.h>

#include <algorithm>

namespace pico_llama::simulator {
namespace {
constexpr std::uint32_t kCs = 0x00, kResult = 0x04, kFcs = 0x08, kFifo = 0x0c, kDiv = 0x10, kIntr = 0x14,
                        kInte = 0x18, kIntf = 0x1c, kInts = 0x20;
constexpr std::uint32_t kEnable = 1, kSensorEnable = 2, kStartOnce = 4, kStartMany = 8, kReady = 1U << 8;
constexpr std::uint32_t kFifoEnable = 1, kShift = 2, kDreqEnable = 8, kUnder = 1U << 10, kOver = 1U << 11;
constexpr Register kRegisters[] = {
    {.offset = kCs, .name = "CS", .writable = 0x1fff00b, .ignored = 0x704},
    {.offset = kResult, .name = "RESULT", .ignored = ~0U},
    {.offset = kFcs, .name = "FCS", .writable = 0xf00000f, .ignored = 0xf0f00},
    {.offset = kFifo, .name = "FIFO", .ignored = ~0U},
    {.offset = kDiv, .name = "DIV", .writable = 0xffffff},
    {.offset = kIntr, .name = "INTR", .ignored = ~0U},
    {.offset = kInte, .name = "INTE", .writable = 1},
    {.offset = kIntf, .name = "INTF", .writable = 1},
    {.offset = kInts, .name = "INTS", .ignored = ~0U},
};
constexpr std::size_t kFifoDepth = 8;
constexpr std::uint64_t kConversionCycles = 96;
constexpr std::int64_t kFullScale = 3'300'000;  // microvolts
}  // namespace

Adc::Adc(bool qfn60, const Clocks& clocks, Timebase& timebase, EventQueue& events, InterruptLines& interrupts)
    : RegisterDevice("ADC", kRegisters),
      channels_(qfn60 ? 5 : 9),
      clocks_(clocks),
      timebase_(timebase),
      events_(events),
      interrupts_(interrupts) {}

void Adc::reset() {
  RegisterDevice::reset();
  events_.cancel(event_);
  event_ = 0;
  converting_ = over_ = under_ = false;
  result_ = 0;
  fifo_.clear();
  update_interrupts();
}

Picoseconds Adc::adc_cycles(std::uint64_t in_256ths) const {
  const std::uint32_t hz = clocks_.clk_adc_hz();
  if (hz == 0) stop(kCs, "a conversion while clk_adc is stopped");
  return in_256ths * (kPicosecondsPerSecond / 256) / hz;
}

std::uint32_t Adc::sample(unsigned channel) const {
  std::int64_t microvolts = 0;
  if (channel == channels_ - 1) {
    if ((stored(kCs) & kSensorEnable) == 0)
      stop(kCs, "the temperature sensor is converted while CS.TS_EN is 0");
    // Section 12.4.6: Vbe is 0.706 V at 27 degrees, -1.721 mV per degree.
    microvolts = 706'000 - (std::int64_t{temperature_} - 27'000) * 1'721 / 1'000;
  } else if (channel < channels_ - 1) {
    const std::optional<std::uint32_t> input = inputs_[channel];
    if (!input) {
      stop(kCs, fmt::format("input {} is converted, and nothing is connected to GPIO{}", channel,
                            (channels_ == 5 ? 26 : 40) + channel));
    }
    microvolts = *input;
  } else {
    stop(kCs, fmt::format("AINSEL {} selects an input that this package does not have", channel));
  }
  return static_cast<std::uint32_t>(std::clamp<std::int64_t>(microvolts * 4096 / kFullScale, 0, 4095));
}

void Adc::start(Picoseconds now) {
  if ((stored(kCs) & kEnable) == 0) stop(kCs, "a conversion is started while CS.EN is 0");
  converting_ = true;
  sampled_ = sample(stored(kCs) >> 12 & 15);
  const Picoseconds end = now + adc_cycles(256 * kConversionCycles);
  event_ = events_.at_time(end, [this, end] {
    event_ = 0;
    finish(end);
  });
}

void Adc::finish(Picoseconds now) {
  converting_ = false;
  const unsigned channel = stored(kCs) >> 12 & 15;
  result_ = sampled_;
  if ((stored(kFcs) & kFifoEnable) != 0) {
    if (fifo_.size() == kFifoDepth)
      over_ = true;
    else
      fifo_.push_back((stored(kFcs) & kShift) != 0 ? result_ >> 4 : result_);
    if (requests() != 0) dreq.raise(timebase_.cycle_at(now));
  }
  const std::uint32_t robin = stored(kCs) >> 16 & 0x1ff;
  if (robin != 0) {
    unsigned next = channel;
    do next = (next + 1) % 9;
    while ((robin >> next & 1) == 0);
    stored(kCs) = (stored(kCs) & ~0xf000U) | next << 12;
  }
  update_interrupts();
  if ((stored(kCs) & kStartMany) != 0) wait_for_pace(now);
}

/// Free-running: the next conversion, at the first request of the pacing timer that comes now or later.
void Adc::wait_for_pace(Picoseconds now) {
  const std::uint64_t period = stored(kDiv) + 256;  // in 1/256 cycles of clk_adc: 1 + INT + FRAC / 256
  Picoseconds at = now;
  if (stored(kDiv) != 0) {
    const Picoseconds one = adc_cycles(period);
    std::uint64_t requests = (now - pace_origin_) / one;
    while (pace_origin_ + adc_cycles(requests * period) < now) ++requests;
    at = pace_origin_ + adc_cycles(requests * period);
  }
  event_ = events_.at_time(at, [this, at] {
    event_ = 0;
    if ((stored(kCs) & kStartMany) != 0) start(at);
  });
}

/// INTR and the DREQ: the FIFO has reached FCS.THRESH; an empty one has not, whatever THRESH is [ASSUMED].
bool Adc::at_threshold() const { return !fifo_.empty() && fifo_.size() >= (stored(kFcs) >> 24 & 15); }

unsigned Adc::requests() const {
  return (stored(kFcs) & kDreqEnable) != 0 && at_threshold() ? static_cast<unsigned>(fifo_.size()) : 0;
}

void Adc::update_interrupts() {
  const std::uint32_t raw = at_threshold() ? 1 : 0;
  interrupts_.set(kIrq, ((raw & stored(kInte)) | stored(kIntf)) != 0);
}

std::uint32_t Adc::on_read(std::uint32_t offset, const Access&) {
  switch (offset) {
    case kCs:
      return stored(kCs) | ((stored(kCs) & kEnable) != 0 && !converting_ ? kReady : 0);
    case kResult:
      return result_;
    case kFcs:
      return stored(kFcs) | static_cast<std::uint32_t>(fifo_.size()) << 16 | (over_ ? kOver : 0) |
             (under_ ? kUnder : 0) | (fifo_.size() == kFifoDepth ? 1U << 9 : 0) |
             (fifo_.empty() ? 1U << 8 : 0);
    case kFifo: {
      if (fifo_.empty()) {
        under_ = true;
        return 0;
      }
      const std::uint32_t value = fifo_.front();
      fifo_.pop_front();
      update_interrupts();
      return value;
    }
    case kIntr:
      return at_threshold() ? 1 : 0;
    case kInts:
      return ((at_threshold() ? 1U : 0U) & stored(kInte)) | stored(kIntf);
    default:
      return stored(offset);
  }
}

void Adc::on_write(const Write& write, const Access& access) {
  const Picoseconds now = timebase_.time_at(access.now);
  switch (write.offset) {
    case kCs: {
      const bool was_many = (write.old_value & kStartMany) != 0, many = (write.value & kStartMany) != 0;
      if ((write.value & kEnable) == 0) {
        events_.cancel(event_);
        event_ = 0;
        converting_ = false;
      }
      if (many && !was_many) {
        pace_origin_ = now;
        if (!converting_) start(now);
      } else if (!many && (write.value & kStartOnce) != 0 && !converting_) {
        events_.cancel(event_);
        start(now);
      }
      break;
    }
    case kFcs:
      if ((write.bits & kOver) != 0) over_ = false;
      if ((write.bits & kUnder) != 0) under_ = false;
      if (requests() != 0) dreq.raise(access.now);
      break;
    case kDiv:
      pace_origin_ = now;
      break;
    default:
      break;
  }
  update_interrupts();
}

}  // namespace pico_llama::simulator
