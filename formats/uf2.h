#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "formats/memory_image.h"

/// UF2, the format of the boot ROM's USB drive. Source: the UF2 specification (github.com/microsoft/uf2) and
/// the RP2350 datasheet, section 5.5.
namespace pico_llama::formats {

inline constexpr std::uint32_t kUf2BlockBytes = 512;
inline constexpr std::uint32_t kUf2PayloadBytes = 256;             ///< one flash page
inline constexpr std::uint32_t kUf2FamilyRp2350ArmS = 0xe48bff59;  ///< a program: the board reboots into it
inline constexpr std::uint32_t kUf2FamilyData = 0xe48bff58;        ///< other contents of flash

/// True if these are the first bytes of a UF2 file.
bool looks_like_uf2(std::span<const std::uint8_t> file);

/// Reads UF2 blocks as the RP2350's USB drive does: families rp2350-arm-s, data and absolute; blocks in any
/// order, gaps allowed, blocks for other chips skipped.
/// Errors: Failure: blocks for other chips only, two UF2 files in one, damaged, missing or
/// overlapping blocks, data outside flash and SRAM.
MemoryImage read_uf2(std::span<const std::uint8_t> file, const std::string& path);

struct Uf2Page {
  std::uint32_t address = 0;  ///< a multiple of kUf2PayloadBytes
  std::span<const std::uint8_t, kUf2PayloadBytes> bytes;
};

/// A UF2 file with these pages, one block each, all of one family.
std::vector<std::uint8_t> write_uf2(std::span<const Uf2Page> pages, std::uint32_t family);

}  // namespace pico_llama::formats
