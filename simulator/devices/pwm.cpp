#include "simulator/devices/pwm.h"

#include <algorithm>

namespace pico_llama::simulator {
namespace {
constexpr std::uint32_t kCsr = 0x00, kDiv = 0x04, kCtr = 0x08, kCc = 0x0c, kTop = 0x10;
constexpr std::uint32_t kEn = 0xf0, kIntr = 0xf4, kInte0 = 0xf8, kInts0 = 0x100, kInte1 = 0x104,
                        kInts1 = 0x10c;
constexpr std::uint32_t kEnable = 1, kPhaseCorrect = 2, kInvertA = 4, kInvertB = 8, kRetard = 0x40,
                        kAdvance = 0x80;
constexpr std::uint32_t kAllSlices = (1U << Pwm::kSlices) - 1;
enum DivMode : unsigned { kFree, kLevel, kRise, kFall };

std::vector<Register> registers() {
  std::vector<Register> all;
  for (std::uint32_t slice = 0; slice < Pwm::kSlices; ++slice) {
    const std::uint32_t base = 0x14 * slice;
    all.push_back({.offset = base + kCsr, .name = "CHn_CSR", .writable = 0x3f, .ignored = 0xc0});
    all.push_back({.offset = base + kDiv, .name = "CHn_DIV", .reset = 0x10, .writable = 0xfff});
    all.push_back({.offset = base + kCtr, .name = "CHn_CTR", .ignored = 0xffff});
    all.push_back({.offset = base + kCc, .name = "CHn_CC", .writable = ~0U});
    all.push_back({.offset = base + kTop, .name = "CHn_TOP", .reset = 0xffff, .writable = 0xffff});
  }
  all.push_back({.offset = kEn, .name = "EN", .ignored = kAllSlices});
  all.push_back({.offset = kIntr, .name = "INTR", .ignored = ~0U});
  for (const std::uint32_t inte : {kInte0, kInte1}) {
    all.push_back(
        {.offset = inte, .name = inte == kInte0 ? "IRQ0_INTE" : "IRQ1_INTE", .writable = kAllSlices});
    all.push_back(
        {.offset = inte + 4, .name = inte == kInte0 ? "IRQ0_INTF" : "IRQ1_INTF", .writable = kAllSlices});
    all.push_back({.offset = inte + 8, .name = inte == kInte0 ? "IRQ0_INTS" : "IRQ1_INTS", .ignored = ~0U});
  }
  return all;
}

/// The pins of a slice's A channel; B is the next one (table 1130).
constexpr std::uint64_t pins_of(unsigned slice) {
  constexpr std::uint64_t kOne = 1;
  return slice < 8 ? kOne << 2 * slice | kOne << (16 + 2 * slice)
                   : kOne << (16 + 2 * slice) | kOne << (24 + 2 * slice);
}
}  // namespace

Pwm::Pwm(Gpio& gpio, EventQueue& events, InterruptLines& interrupts, std::function<Cycle()> now)
    : RegisterDevice("PWM", registers()),
      gpio_(gpio),
      events_(events),
      interrupts_(interrupts),
      now_(std::move(now)) {
  for (unsigned i = 0; i < kSlices; ++i) {
    dreqs_.emplace_back([this, i](Cycle) { return requests_[i] ? 1U : 0U; },
                        [this, i] { requests_[i] = false; });
  }
  gpio_.add_observer(this);
}

void Pwm::reset() {
  RegisterDevice::reset();
  for (Slice& slice : slices_) {
    events_.cancel(slice.event);
    slice = {};
  }
  requests_ = {};
  raw_ = 0;
  drive(now_() + 1);
  update_interrupts();
}

bool Pwm::runs(unsigned slice) const {
  if ((csr(slice) & kEnable) == 0) return false;
  return mode(slice) == kFree || (mode(slice) == kLevel && slices_[slice].b_high);
}

void Pwm::latch(unsigned slice) {
  slices_[slice].top = stored(kStride * slice + kTop);
  slices_[slice].cc = stored(kStride * slice + kCc);
}

void Pwm::set_divider(unsigned slice) {
  const std::uint32_t div = stored(kStride * slice + kDiv), whole = div >> 4, sixteenths = div & 15;
  if (whole == 0 && sixteenths != 0) stop(kStride * slice + kDiv, "INT is 0, so FRAC must be 0 (12.5.2.6)");
  slices_[slice].divider.set(whole == 0 ? 256 : whole, sixteenths << 4);
}

void Pwm::wrapped(unsigned slice, Cycle cycle) {
  latch(slice);
  raw_ |= 1U << slice;
  requests_[slice] = true;
  dreqs_[slice].raise(cycle);
}

/// Counts until an output may change, the counter turns round or wraps; at least 1.
std::uint64_t Pwm::ticks_to_change(unsigned number) const {
  const Slice& slice = slices_[number];
  const std::uint32_t a = slice.cc & 0xffff, b = slice.cc >> 16, top = slice.top;
  std::uint64_t ticks;
  if (slice.down) {
    ticks = std::uint64_t{slice.count} + 1;  // the wrap, or the turn to counting up
    for (const std::uint32_t cc : {a, b}) {
      if (slice.count >= cc && cc > 0) ticks = std::min<std::uint64_t>(ticks, slice.count - cc + 1);
    }
    return ticks;
  }
  // A counter above TOP, which was lowered, runs on to its 16 bits' end.
  ticks = slice.count <= top ? std::uint64_t{top} - slice.count + 1 : 0x10000 - slice.count;
  for (const std::uint32_t cc : {a, b}) {
    if (slice.count < cc) ticks = std::min<std::uint64_t>(ticks, cc - slice.count);
  }
  return ticks;
}

void Pwm::count(unsigned number, std::uint64_t ticks, Cycle cycle) {
  Slice& slice = slices_[number];
  const bool phase_correct = (csr(number) & kPhaseCorrect) != 0;
  while (ticks > 0) {
    const std::uint64_t step = std::min(ticks, ticks_to_change(number));
    ticks -= step;
    if (slice.down) {
      if (step <= slice.count) {
        slice.count -= static_cast<std::uint32_t>(step);
      } else {
        // The transition from 0 to 0.
        slice.count = 0;
        slice.down = false;
        wrapped(number, cycle);
      }
      continue;
    }
    const std::uint64_t next = slice.count + step;
    if (slice.count <= slice.top && next > slice.top) {
      if (phase_correct) {
        slice.count = slice.top;
        slice.down = true;
      } else {
        slice.count = 0;
        wrapped(number, cycle);
      }
    } else {
      slice.count = static_cast<std::uint32_t>(next & 0xffff);
    }
  }
}

void Pwm::run_to(unsigned number, Cycle cycle) {
  if (!runs(number)) return;
  Slice& slice = slices_[number];
  const std::uint64_t ticks = slice.divider.count_before(cycle + 1);
  slice.divider.consume(ticks);
  count(number, ticks, cycle);
}

void Pwm::schedule(unsigned number) {
  Slice& slice = slices_[number];
  events_.cancel(slice.event);
  slice.event = 0;
  if (!runs(number)) return;
  const Cycle at = slice.divider.after(ticks_to_change(number) - 1);
  slice.event = events_.at_cycle(at, [this, number, at] {
    slices_[number].event = 0;
    run_to(number, at);
    drive(at + 1);
    update_interrupts();
    schedule(number);
  });
}

/// Both outputs of all slices. B is an input unless the slice runs freely.
void Pwm::drive(Cycle at) {
  std::uint64_t out = 0, enable = 0;
  for (unsigned i = 0; i < kSlices; ++i) {
    const Slice& slice = slices_[i];
    const std::uint64_t a_pins = pins_of(i), b_pins = a_pins << 1;
    const std::uint32_t a_level = slice.cc & 0xffff, b_level = slice.cc >> 16;
    const bool a = slice.count < a_level, b = slice.count < b_level;
    if (a != ((csr(i) & kInvertA) != 0)) out |= a_pins;
    if (b != ((csr(i) & kInvertB) != 0)) out |= b_pins;
    enable |= a_pins;
    if (mode(i) == kFree) enable |= b_pins;
  }
  gpio_.set_output(Gpio::kFunctionPwm, out, enable, at);
}

bool Pwm::input(unsigned slice) const {
  return (gpio_.inputs() & gpio_.selected(Gpio::kFunctionPwm) & pins_of(slice) << 1) != 0;
}

void Pwm::levels_changed(std::uint64_t) {
  for (unsigned i = 0; i < kSlices; ++i) {
    if (mode(i) == kFree) continue;
    Slice& slice = slices_[i];
    const bool high = input(i);
    if (high == slice.b_high) continue;
    const Cycle now = gpio_.change_cycle().value_or(now_());
    if (mode(i) == kLevel) {
      if (high) {
        slice.divider.delay(now > slice.held_since ? now - slice.held_since : 0);
      } else {
        run_to(i, now);
        slice.held_since = now;
      }
    } else if ((csr(i) & kEnable) != 0 && high == (mode(i) == kRise)) {
      const std::uint32_t div = stored(kStride * i + kDiv),
                          period = (div >> 4 == 0 ? 256 : div >> 4) * 256 + (div & 15) * 16;
      slice.edges += 256;
      if (slice.edges >= period) {
        slice.edges -= period;
        count(i, 1, now);
      }
    }
    slice.b_high = high;
    drive(now + 1);
    update_interrupts();
    schedule(i);
  }
}

void Pwm::switch_on(unsigned number, bool on, Cycle cycle) {
  std::uint32_t& value = stored(kStride * number + kCsr);
  if (((value & kEnable) != 0) == on) return;
  Slice& slice = slices_[number];
  run_to(number, cycle);
  value = on ? value | kEnable : value & ~kEnable;
  if (!on) return;
  // While the slice stands still, its copies follow the registers [ASSUMED]: software sets it up this way.
  latch(number);
  set_divider(number);
  slice.divider.restart(cycle + 2);
  slice.b_high = input(number);
  slice.held_since = cycle;
  slice.edges = 0;
}

void Pwm::update_interrupts() {
  for (unsigned line = 0; line < 2; ++line) {
    const std::uint32_t inte = line == 0 ? kInte0 : kInte1;
    interrupts_.set(kFirstIrq + line, ((raw_ & stored(inte)) | stored(inte + 4)) != 0);
  }
}

std::uint32_t Pwm::on_read(std::uint32_t offset, const Access& access) {
  if (offset < kEn) {
    const unsigned slice = offset / kStride;
    if (offset % kStride != kCtr) return stored(offset);
    run_to(slice, access.now);
    drive(access.now + 1);
    schedule(slice);
    return slices_[slice].count;
  }
  switch (offset) {
    case kEn: {
      std::uint32_t enabled = 0;
      for (unsigned i = 0; i < kSlices; ++i) enabled |= (csr(i) & kEnable) << i;
      return enabled;
    }
    case kIntr:
      return raw_;
    case kInts0:
    case kInts1:
      return (raw_ & stored(offset - 8)) | stored(offset - 4);
    default:
      return stored(offset);
  }
}

void Pwm::on_write(const Write& write, const Access& access) {
  const std::uint32_t offset = write.offset;
  if (offset < kEn) {
    const unsigned number = offset / kStride;
    Slice& slice = slices_[number];
    const std::uint32_t value = stored(offset);
    stored(offset) = write.old_value;
    run_to(number, access.now);
    stored(offset) = value;
    switch (offset % kStride) {
      case kCsr: {
        stored(offset) = (value & ~kEnable) | (write.old_value & kEnable);
        switch_on(number, (value & kEnable) != 0, access.now);
        if ((write.value & kAdvance) != 0) {
          if (!slice.divider.divides()) stop(offset, "PH_ADV needs a divisor of more than 1");
          count(number, 1, access.now);
        }
        if ((write.value & kRetard) != 0) slice.divider.consume(1);
        break;
      }
      case kDiv:
        set_divider(number);
        break;
      case kCtr:
        slice.count = write.value & 0xffff;
        break;
      default:
        if ((csr(number) & kEnable) == 0) latch(number);
        break;
    }
    drive(access.now + 1);
    schedule(number);
  } else if (offset == kEn) {
    std::uint32_t enabled = 0;
    for (unsigned i = 0; i < kSlices; ++i) enabled |= (csr(i) & kEnable) << i;
    const std::uint32_t wanted = apply(access.op, enabled, write.bits);
    for (unsigned i = 0; i < kSlices; ++i) {
      switch_on(i, (wanted >> i & 1) != 0, access.now);
      schedule(i);
    }
    drive(access.now + 1);
  } else if (offset == kIntr) {
    raw_ &= ~write.bits;
  }
  update_interrupts();
}

}  // namespace pico_llama::simulator
