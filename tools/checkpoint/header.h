#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "tools/checkpoint/checkpoint.h"

namespace pico_llama::checkpoint {

inline constexpr std::uint32_t kMagic = 0x616b3432;  // "ak42", read as a little-endian integer
inline constexpr std::uint64_t kLegacyHeaderBytes = 7 * sizeof(std::int32_t);
inline constexpr std::uint64_t kVersionedHeaderBytes = 256;

/// Reads and checks the header: every dimension within limits that keep 64-bit sizes exact, heads that
/// divide. Errors: Failure.
Header parse_header(std::span<const std::uint8_t> bytes, const std::string& name);

}  // namespace pico_llama::checkpoint
