#include "simulator/devices/oscillators.h"

#include <fmt/format.h>

#include "simulator/random.h"
#include "simulator/timing.h"

namespace pico_llama::simulator {
namespace {

constexpr std::uint32_t kXoscCtrl = 0x00, kXoscStatus = 0x04, kXoscStartup = 0x0c;
constexpr Register kXoscRegisters[] = {
    {.offset = kXoscCtrl, .name = "CTRL", .writable = 0x00ffffff},
    {.offset = kXoscStatus, .name = "STATUS", .clear = 0x01000000, .ignored = ~0U},
    {.offset = kXoscStartup, .name = "STARTUP", .writable = 0x00103fff},
};
constexpr std::uint32_t kEnable = 0xfab000, kDisable = 0xd1e000, kEnableMask = 0xfff000;

constexpr std::uint32_t kRoscRandombit = 0x20, kRoscStatus = 0x1c;
constexpr Register kRoscRegisters[] = {
    {.offset = 0x00, .name = "CTRL", .reset = 0xaa0},
    {.offset = 0x04, .name = "FREQA"},
    {.offset = 0x08, .name = "FREQB"},
    {.offset = 0x14, .name = "DIV", .reset = 0xaa08},
    {.offset = 0x18, .name = "PHASE", .reset = 0x8},
    {.offset = kRoscStatus, .name = "STATUS", .reset = 0x80011000},
    {.offset = kRoscRandombit, .name = "RANDOMBIT", .reset = 1},
};

constexpr std::uint32_t kPllCs = 0x00, kPllPwr = 0x04, kPllFbdiv = 0x08, kPllPrim = 0x0c;
constexpr Register kPllRegisters[] = {
    {.offset = kPllCs,
     .name = "CS",
     .reset = 1,
     .writable = 0x13f,
     .clear = 0x40000000,
     .ignored = 0x80000000},
    {.offset = kPllPwr, .name = "PWR", .reset = 0x2d, .writable = 0x2d},
    {.offset = kPllFbdiv, .name = "FBDIV_INT", .writable = 0xfff},
    {.offset = kPllPrim, .name = "PRIM", .reset = 0x77000, .writable = 0x77000},
};
constexpr std::uint32_t kPowerDown = 1U << 0, kPostDivPowerDown = 1U << 3, kVcoPowerDown = 1U << 5;
constexpr std::uint32_t kBypass = 1U << 8, kLock = 1U << 31;

}  // namespace

Xosc::Xosc(Timebase& timebase, EventQueue& events)
    : RegisterDevice("XOSC", kXoscRegisters), timebase_(timebase), events_(events) {}

void Xosc::reset() {
  RegisterDevice::reset();
  events_.cancel(startup_);
  enabled_ = stable_ = false;
}

std::uint32_t Xosc::on_read(std::uint32_t offset, const Access&) {
  if (offset != kXoscStatus) return stored(offset);
  return (stable_ ? 1U << 31 : 0) | (enabled_ ? 1U << 12 : 0);
}

void Xosc::on_write(const Write& write, const Access& access) {
  if (write.offset != kXoscCtrl) return;
  const std::uint32_t enable = stored(kXoscCtrl) & kEnableMask;
  if (enable == kEnable && !enabled_) {
    // The register's description: a value that is none (the boot ROM writes 0) keeps the one before it.
    const std::uint32_t range = stored(kXoscCtrl) & 0xfff;
    if (range >= 0xaa1 && range <= 0xaa3)
      stop(kXoscCtrl, "FREQ_RANGE is not 1_15MHZ, the board has a 12 MHz crystal");
    enabled_ = true;
    const std::uint32_t startup = stored(kXoscStartup);
    const std::uint64_t periods = std::uint64_t{startup & 0x3fff} * 256 * ((startup >> 20 & 1U) != 0 ? 4 : 1);
    const Picoseconds due = timebase_.time_at(access.now) + periods * kPicosecondsPerSecond / kHz;
    startup_ = events_.at_time(due, [this, due] {
      stable_ = true;
      if (changed_) changed_(timebase_.cycle_at(due));
    });
  } else if (enable == kDisable && enabled_) {
    events_.cancel(startup_);
    enabled_ = stable_ = false;
    if (changed_) changed_(access.now);
  }
}

Rosc::Rosc(std::uint64_t seed) : RegisterDevice("ROSC", kRoscRegisters), random_(seed) {}

std::uint32_t Rosc::on_read(std::uint32_t offset, const Access&) {
  if (offset == kRoscRandombit) return static_cast<std::uint32_t>(next_random(random_) >> 63);
  return stored(offset);
}

Pll::Pll(std::string name, Timebase& timebase, EventQueue& events, const Xosc& reference)
    : RegisterDevice(std::move(name), kPllRegisters),
      timebase_(timebase),
      events_(events),
      reference_(reference) {}

void Pll::reset() {
  RegisterDevice::reset();
  events_.cancel(locking_);
  locked_ = false;
}

std::uint32_t Pll::reference_hz() const {
  const std::uint32_t refdiv = stored(kPllCs) & 0x3f;
  return refdiv == 0 ? 0 : reference_.hz() / refdiv;
}

std::uint32_t Pll::hz() const {
  if ((stored(kPllCs) & kBypass) != 0) return reference_hz();
  if (!locked_ || (stored(kPllPwr) & kPostDivPowerDown) != 0) return 0;
  const std::uint32_t post = (stored(kPllPrim) >> 16 & 7) * (stored(kPllPrim) >> 12 & 7);
  return static_cast<std::uint32_t>(std::uint64_t{reference_hz()} * stored(kPllFbdiv) / post);
}

std::uint32_t Pll::checked_reference_hz() const {
  // Datasheet section 8.6: reference 5 MHz and up, VCO 750 to 1600 MHz, FBDIV 16 to 320.
  const std::uint32_t reference = reference_hz(), fbdiv = stored(kPllFbdiv);
  if (reference_.hz() == 0) stop(kPllPwr, "powered up while the crystal oscillator is not running");
  if (reference < 5'000'000) stop(kPllCs, "the reference must be at least 5 MHz");
  if (fbdiv < 16 || fbdiv > 320) stop(kPllFbdiv, fmt::format("{} is not in 16..320", fbdiv));
  const std::uint64_t vco = std::uint64_t{reference} * fbdiv;
  if (vco < 750'000'000 || vco > 1'600'000'000) {
    stop(kPllFbdiv, fmt::format("VCO at {} MHz, must be 750..1600", vco / 1'000'000));
  }
  return reference;
}

std::uint32_t Pll::on_read(std::uint32_t offset, const Access&) {
  return stored(offset) | (offset == kPllCs && locked_ ? kLock : 0);
}

void Pll::on_write(const Write& write, const Access& access) {
  const std::uint32_t down = kPowerDown | kVcoPowerDown;
  const bool was_up = write.offset == kPllPwr && (write.old_value & down) == 0;
  const bool is_up = (stored(kPllPwr) & down) == 0;
  if (write.offset == kPllPwr && is_up && !was_up) {
    const Picoseconds due = timebase_.time_at(access.now) + timing::kPllLockReferenceCycles.cycles *
                                                                kPicosecondsPerSecond /
                                                                checked_reference_hz();
    locking_ = events_.at_time(due, [this, due] {
      locked_ = true;
      if (changed_) changed_(timebase_.cycle_at(due));
    });
  } else if (write.offset == kPllPwr && was_up && !is_up) {
    events_.cancel(locking_);
    locked_ = false;
  }
  if (write.offset == kPllPrim && ((stored(kPllPrim) >> 16 & 7) == 0 || (stored(kPllPrim) >> 12 & 7) == 0)) {
    stop(kPllPrim, "a post divider of 0");
  }
  if (is_up && locked_ && write.old_value != stored(write.offset)) (void)checked_reference_hz();
  if (changed_) changed_(access.now);
}

}  // namespace pico_llama::simulator
