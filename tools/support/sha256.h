#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>

namespace pico_llama {

using Sha256 = std::array<std::uint8_t, 32>;

/// Source: FIPS 180-4, section 6.2.
Sha256 sha256(std::span<const std::uint8_t> bytes);
/// Of several, one after the other.
Sha256 sha256(std::span<const std::span<const std::uint8_t>> parts);

/// 64 small hexadecimal digits, as sha256sum prints them.
std::string hex(std::span<const std::uint8_t> bytes);

}  // namespace pico_llama
