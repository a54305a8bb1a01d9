#pragma once
#include <array>
#include <cstdint>

namespace pico_llama::simulator::bootsel {

/// A piece of work for the flash chip: one sector erased, one page programmed, or both in this order. The
/// function that asks for it answers its host only after job_done().
struct FlashJob {
  std::uint32_t offset = 0;  ///< of the page; the sector is the one that holds it
  bool erase = false, program = false;
  std::array<std::uint8_t, 256> page{};
};

}  // namespace pico_llama::simulator::bootsel
