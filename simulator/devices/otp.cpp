#include "simulator/devices/otp.h"

#include <fmt/format.h>

#include "simulator/random.h"
#include "simulator/stop.h"

namespace pico_llama::simulator {
namespace {
constexpr Register kRegisters[] = {
    {.offset = 0x000, .name = "SW_LOCK", .writable = 0xf, .count = 64},
    {.offset = 0x128, .name = "USR", .reset = 1},
    {.offset = 0x148, .name = "CRITICAL"},
    {.offset = 0x14c, .name = "KEY_VALID"},
    {.offset = 0x158, .name = "ARCHSEL"},
    {.offset = 0x15c, .name = "ARCHSEL_STATUS"},
    {.offset = 0x160, .name = "BOOTDIS", .writable = 0x3},
    {.offset = 0x164, .name = "INTR", .clear = 0x1f},
    {.offset = 0x168, .name = "INTE"},
    {.offset = 0x170, .name = "INTS"},
};
constexpr unsigned kChipid0 = 0x000, kRandid0 = 0x004, kRandidRows = 8, kNumGpios = 0x018;
constexpr std::uint32_t kRawWindow = 0x4000, kWindow = 0x8000;  // raw and guarded copies
}  // namespace

Otp::Otp(std::uint64_t seed, std::uint16_t gpios) : RegisterDevice("OTP", kRegisters) {
  std::uint64_t state = seed;
  const std::uint64_t id = next_random(state);
  for (unsigned i = 0; i < 4; ++i) rows_[kChipid0 + i] = static_cast<std::uint16_t>(id >> 16 * i);
  for (unsigned i = 0; i < kRandidRows; ++i)
    rows_[kRandid0 + i] = static_cast<std::uint16_t>(next_random(state));
  rows_[kNumGpios] = gpios;
}

std::uint64_t Otp::chip_id() const {
  std::uint64_t id = 0;
  for (unsigned i = 0; i < 4; ++i) id |= std::uint64_t{rows_[kChipid0 + i]} << 16 * i;
  return id;
}

Reply OtpData::read(std::uint32_t offset, const Access& access) {
  const std::uint32_t place = offset % kWindow;
  if (place < kRawWindow) {
    if (place / 2 + 1 >= Otp::kRows) return {0, 0, BusFault::kUnmapped};
    return {otp_.row(place / 2) | std::uint32_t{otp_.row(place / 2 + 1)} << 16};
  }
  const unsigned row = (place - kRawWindow) / 4;
  if (otp_.row(row) != 0 && access.master != Master::kDebugger) {
    throw Stop(fmt::format("OTP row {:#05x}: raw read, its error-correction bits are not modelled", row));
  }
  return {0};
}

Reply OtpData::write(std::uint32_t, std::uint32_t, const Access&) { return {0, 0, BusFault::kDenied}; }

}  // namespace pico_llama::simulator
