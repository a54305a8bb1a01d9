#pragma once
#include <cstdint>
#include <functional>

#include "simulator/bootrom/rom_bus.h"
#include "simulator/bootrom/rom_task.h"

namespace pico_llama::simulator::rom_flash {

/// The read modes the boot ROM knows (datasheet section 5.4.8.14).
enum class ReadMode : std::uint8_t { k03hSerial, k0BhSerial, kBBhDual, kEBhQuad };

/// QMI set up for this mode in both windows; the divider also applies to direct mode.
void select_read_mode(RomBus& bus, ReadMode mode, std::uint32_t clkdiv);
/// QSPI pads to their defaults, the QMI connected to them.
void connect_internal(RomBus& bus);
/// Slow serial reads, and the chip returned from continuous read to command mode (section 5.4.8.7).
void exit_xip(RomBus& bus);
/// Every line of the XIP cache invalidated, dirty ones lost (section 5.4.8.8).
void flush_cache(RomBus& bus);
void reset_address_translation(RomBus& bus);

/// Sections 5.4.8.10 and 5.4.8.11: arguments are not checked. These wait for the chip, so they are tasks.
RomTask range_erase(RomBus& bus, std::uint32_t offset, std::uint32_t count, std::uint32_t block_bytes,
                    std::uint8_t block_command);
RomTask range_program(RomBus& bus, std::uint32_t offset, std::uint32_t data, std::uint32_t count);
/// As range_program(), of bytes that are not in memory.
RomTask range_program(RomBus& bus, std::uint32_t offset, std::uint32_t count,
                      std::function<std::uint8_t(std::uint32_t)> byte);

}  // namespace pico_llama::simulator::rom_flash
