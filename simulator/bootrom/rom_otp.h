#pragma once
#include <cstdint>
#include <span>

#include "simulator/bootrom/rom_bus.h"
#include "simulator/bootrom/rom_task.h"

namespace pico_llama::simulator::rom_otp {

/// Flags beside the row's number, in bits 15:0.
inline constexpr std::uint32_t kWrite = 0x10000, kEcc = 0x20000;

/// otp_access() (datasheet section 5.4.8.21): reads rows into `bytes`, or programs them: two bytes of a row
/// with error correction, four of a raw one. Programming waits for each row; reading is done at once. Rows
/// before one that fails are done. The result is 0 or an error of pico/error.h.
/// Requires: `bytes` outlives the task.
RomTask access(RomBus& bus, std::uint32_t row_and_flags, std::span<std::uint8_t> bytes);

/// The page locks in BOOTSEL mode: the bootloader's, and none for Non-secure code (sections 5.6.4.12, 13.5).
void lock_for_bootsel(RomBus& bus);

}  // namespace pico_llama::simulator::rom_otp
