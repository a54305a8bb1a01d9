#include "simulator/devices/trng.h"

#include "simulator/random.h"

namespace pico_llama::simulator {
namespace {
constexpr std::uint32_t kImr = 0x100, kIsr = 0x104, kIcr = 0x108, kConfig = 0x10c, kValid = 0x110,
                        kEhr0 = 0x114;
constexpr std::uint32_t kEnable = 0x12c, kSampleCnt1 = 0x130, kDebug = 0x138, kSwReset = 0x140, kBusy = 0x1b8;
constexpr Register kRegisters[] = {
    {.offset = kImr, .name = "RNG_IMR", .reset = 0xf, .writable = 0xf, .ignored = ~0U},
    {.offset = kIsr, .name = "RNG_ISR", .ignored = ~0U},
    {.offset = kIcr, .name = "RNG_ICR", .ignored = ~0U},
    {.offset = kConfig, .name = "TRNG_CONFIG", .writable = 3, .ignored = ~0U},
    {.offset = kValid, .name = "TRNG_VALID", .ignored = ~0U},
    {.offset = kEhr0, .name = "EHR_DATA", .ignored = ~0U, .count = 6},
    {.offset = kEnable, .name = "RND_SOURCE_ENABLE", .writable = 1, .ignored = ~0U},
    {.offset = kSampleCnt1, .name = "SAMPLE_CNT1", .reset = 0xffff, .writable = ~0U},
    {.offset = 0x134, .name = "AUTOCORR_STATISTIC", .ignored = ~0U},
    {.offset = kDebug, .name = "TRNG_DEBUG_CONTROL", .writable = 0xe, .ignored = ~0U},
    {.offset = kSwReset, .name = "TRNG_SW_RESET", .ignored = ~0U},
    {.offset = kBusy, .name = "TRNG_BUSY", .ignored = ~0U},
    {.offset = 0x1bc, .name = "RST_BITS_COUNTER", .ignored = ~0U},
};
constexpr unsigned kBits = 192;
constexpr Cycle kCheckedPeriods = 50;  // of sampling for a bit that passes through decorrelators and checks
constexpr std::uint32_t kBypassAll = 0xe, kAutocorrelationError = 2;
}  // namespace

Trng::Trng(std::uint64_t seed) : RegisterDevice("TRNG", kRegisters), random_(seed) {}

void Trng::reset() {
  RegisterDevice::reset();
  enabled_ = kept_ = false;
}

void Trng::restart(Cycle now) {
  // One bit every SAMPLE_CNT1 + 1 cycles if the decorrelators are bypassed: a collection each 235 cycles with
  // SAMPLE_CNT1 = 0 and the boot ROM's loop around it (12.12.4). With them it takes much longer and sometimes
  // fails a check: here one time in four (12.12.4: often at short periods, rarely at long ones), so that a
  // result takes 2 ms at 150 MHz and the periods that 12.12.2 recommends, 20 to 25.
  const bool raw = (stored(kDebug) & kBypassAll) == kBypassAll;
  ready_ = now + (raw ? 1 : kCheckedPeriods) * kBits * (Cycle{stored(kSampleCnt1)} + 1);
  failed_ = !raw && (next_random(random_) & 3) == 0;
  for (std::uint32_t& word : ehr_) word = static_cast<std::uint32_t>(next_random(random_));
}

std::uint32_t Trng::on_read(std::uint32_t offset, const Access& access) {
  switch (offset) {
    case kIsr:
      return !valid(access.now) ? 0 : failed_ ? kAutocorrelationError : 1;
    case kValid:
      return valid(access.now) && !failed_ ? 1 : 0;
    case kBusy:
      return enabled_ && !valid(access.now) ? 1 : 0;
    default:
      break;
  }
  if (offset >= kEhr0 && offset < kEhr0 + 24) {
    if (!valid(access.now) || failed_) return 0;  // a failed check leaves no result (12.12.3)
    const std::uint32_t word = ehr_[(offset - kEhr0) / 4];
    if (offset == kEhr0 + 20) kept_ = false;
    if (offset == kEhr0 + 20) restart(access.now);  // reading the last word starts the next sampling
    return word;
  }
  return stored(offset);
}

void Trng::on_write(const Write& write, const Access& access) {
  switch (write.offset) {
    case kImr:
      if ((stored(kImr) & 1) == 0) stop(kImr, "interrupts of the TRNG are not modelled");
      break;
    case kEnable:
      if ((stored(kEnable) & 1) != 0 && !enabled_) {
        kept_ = false;
        restart(access.now);
      } else if ((stored(kEnable) & 1) == 0) {
        kept_ = valid(access.now);
      }
      enabled_ = (stored(kEnable) & 1) != 0;
      break;
    case kSampleCnt1:
      if (enabled_) restart(access.now);
      break;
    case kSwReset:
      if ((write.bits & 1) != 0) reset();
      break;
    default:
      break;
  }
}

}  // namespace pico_llama::simulator
